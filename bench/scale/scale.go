//go:build linux

// Package scale measures how the cost of haul grows: with the lanes, with the
// size of an object, with the number of objects and with the transfers under way
// at once. The cost of a byte or an object is to stay flat.
//
//	scale.go    the tables
//	run.go      the rounds
//	report.go   ratios, and what is said to be a step
package scale

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/haul-s3/haul/bench/load"
)

// Table is one thing that grows.
type Table struct {
	Name  string
	About string
	what  string // of the rows
	unit  string // by which the cost is given: GB or object
	rows  func(o *Options) []row
	// linear says that memory may grow as the thing does: by a slice for each
	// lane, by a little for each transfer that waits.
	linear bool
	// shows says that the rows are of options, whose cost need not be flat.
	shows bool
	// each gives the cost of an object beside that of a GB.
	each bool
}

// row is one load.
type row struct {
	name string
	n    float64 // what grows
	spec load.Spec
}

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// Options are what is measured.
type Options struct {
	Tables  []string // names
	Rounds  int
	Objects int  // the largest number of objects
	Quick   bool // little of everything, to see that it works
	Dir     string
	// Patience is how long the rounds of a row go on: a row that has taken longer
	// has fewer rounds.
	Patience time.Duration
	Log      func(format string, args ...any)
}

// All are the tables.
var All = []Table{
	{Name: "lanes-large", About: "One object of 2 GiB in parts of 8 MiB, downloaded to memory", what: "lanes", unit: "GB", linear: true,
		rows: func(o *Options) []row { return o.lanes(load.Spec{Objects: 1, Size: o.less(2*gib, 64*mib)}) }},
	{Name: "lanes-up", About: "One object of 2 GiB in parts of 8 MiB, uploaded from memory", what: "lanes", unit: "GB", linear: true,
		rows: func(o *Options) []row { return o.lanes(load.Spec{Up: true, Objects: 1, Size: o.less(2*gib, 64*mib)}) }},
	{Name: "lanes-small", About: "Objects of 64 KiB, downloaded to memory", what: "lanes", unit: "object", linear: true,
		rows: func(o *Options) []row { return o.lanes(load.Spec{Objects: int(o.less(10_000, 200)), Size: 64 * kib}) }},
	{Name: "sizes", About: "Objects of all sizes, downloaded to memory on 16 lanes", what: "size", unit: "GB", each: true, rows: (*Options).sizes},
	{Name: "sizes-up", About: "The same, uploaded from memory", what: "size", unit: "GB", each: true, rows: (*Options).sizesUp},
	{Name: "objects", About: "Objects of 1 KiB, listed, and downloaded to memory by package batch on 16 lanes", what: "objects", unit: "object", rows: (*Options).objects},
	{Name: "transfers", About: "1,000 objects of 4 MiB in parts of 1 MiB, downloaded to memory on 32 lanes", what: "at once", unit: "GB", linear: true,
		rows: (*Options).transfers},
	{Name: "target", About: "TargetThroughput: 2,000 objects of 64 KiB; what the engine begins with, and what it comes to", what: "target", unit: "object", shows: true,
		rows: (*Options).targets},
	{Name: "threads", About: "NumThreads: 64 objects of 16 MiB to files on 64 lanes", what: "NumThreads", unit: "GB", shows: true, rows: (*Options).threads},
}

// Names are the names of all tables.
func Names() (names []string) {
	for _, t := range All {
		names = append(names, t.Name)
	}
	return names
}

// Validate reports every fault of the options.
func (o *Options) Validate() error {
	var errs []error
	for _, name := range o.Tables {
		if !slices.Contains(Names(), name) {
			errs = append(errs, fmt.Errorf("no table is named %q: there are %s", name, strings.Join(Names(), ", ")))
		}
	}
	if o.Rounds < 1 || o.Objects < 1 {
		errs = append(errs, errors.New("rounds and objects must be positive"))
	}
	return errors.Join(errs...)
}

// less is the one, or the other where little is to be moved.
func (o *Options) less(usual, quick int64) int64 {
	if o.Quick {
		return quick
	}
	return usual
}

func (o *Options) lanes(s load.Spec) (rows []row) {
	for n := 1; n <= 256; n *= 2 {
		s.Fixed = n
		rows = append(rows, row{fmt.Sprint(n), float64(n), s})
	}
	return rows
}

func (o *Options) sizes() (rows []row) {
	for _, size := range []int64{kib, 16 * kib, 256 * kib, 4 * mib, 64 * mib, gib, 16 * gib} {
		s := load.Spec{Size: size, Fixed: 16, Objects: int(max(1, min(o.less(10_000, 100), o.less(2*gib, 32*mib)/size)))}
		if o.Quick && size > 64*mib {
			break
		}
		rows = append(rows, row{sizeName(size), float64(size), s})
	}
	return rows
}

func (o *Options) sizesUp() (rows []row) {
	rows = o.sizes()
	for i := range rows {
		rows[i].spec.Up = true
	}
	return rows
}

func (o *Options) objects() (rows []row) {
	most := int(min(int64(o.Objects), o.less(int64(o.Objects), 1000)))
	for n := 1; n <= most; n *= 10 {
		rows = append(rows, row{fmt.Sprint(n), float64(n), load.Spec{Size: kib, Objects: n, Listed: true, Fixed: 16}})
	}
	return rows
}

func (o *Options) transfers() (rows []row) {
	for _, n := range []int{1, 4, 16, 64, 256, 1000} {
		s := load.Spec{Size: 4 * mib, PartSize: mib, Objects: int(o.less(1000, 20)), AtOnce: n, Fixed: 32}
		rows = append(rows, row{fmt.Sprint(n), float64(n), s})
	}
	return rows
}

func (o *Options) targets() (rows []row) {
	for _, gbps := range []float64{1, 10, 40, 100} {
		s := load.Spec{Size: 64 * kib, Objects: int(o.less(2_000, 100)), TargetThroughput: gbps * 1e9 / 8, Every: 2 * time.Millisecond}
		rows = append(rows, row{fmt.Sprintf("%.0f Gbit/s", gbps), gbps, s})
	}
	return rows
}

func (o *Options) threads() (rows []row) {
	for _, n := range []int{1, 2, 8, 64} {
		s := load.Spec{Size: o.less(16*mib, 2*mib), Objects: int(o.less(64, 8)), NumThreads: n, Fixed: 64, Dir: o.Dir, Every: 2 * time.Millisecond}
		rows = append(rows, row{fmt.Sprint(n), float64(n), s})
	}
	return rows
}

func sizeName(n int64) string {
	switch {
	case n >= gib:
		return fmt.Sprintf("%d GiB", n/gib)
	case n >= mib:
		return fmt.Sprintf("%d MiB", n/mib)
	}
	return fmt.Sprintf("%d KiB", n/kib)
}
