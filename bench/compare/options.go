//go:build linux

// Package compare runs the clients against the null server, in turn, and makes
// one table of what they took.
//
//	options.go  which workloads, which clients
//	run.go      the rounds
//	proof.go    the round before: every client's bytes are compared
//	table.go    medians, ratios, the table
//	results.go  the page
//	machine.go  what it ran on
package compare

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/haul-s3/haul/bench/peers"
	"github.com/haul-s3/haul/bench/workload"
)

// Options are what is compared.
type Options struct {
	Workloads   []string // large-down, large-up, small-down, small-up
	Media       []string // memory, file
	Transports  []string // plain, tls
	Peers       []string // names; empty: all
	Size        int64    // of the large object
	PartSize    int64
	Objects     int   // how many small ones
	ObjectSize  int64 // of a small one
	Concurrency int
	Rounds      int
	Dir         string // for files: on tmpfs, unless the disk is to be measured
	Command     string // as it was typed, for the page
	Log         func(format string, args ...any)
}

// Names of what can be chosen.
var (
	Workloads  = []string{"large-down", "large-up", "small-down", "small-up"}
	Media      = []string{"memory", "file"}
	Transports = []string{"plain", "tls"}
)

// Validate reports every fault of the options.
func (o *Options) Validate() error {
	var errs []error
	known := func(what string, given, all []string) {
		for _, g := range given {
			if !slices.Contains(all, g) {
				errs = append(errs, fmt.Errorf("no %s is named %q: there are %s", what, g, strings.Join(all, ", ")))
			}
		}
	}
	known("workload", o.Workloads, Workloads)
	known("medium", o.Media, Media)
	known("transport", o.Transports, Transports)
	for _, name := range o.Peers {
		if _, err := peers.ByName(name); err != nil {
			errs = append(errs, err)
		}
	}
	if o.Size <= o.PartSize || o.ObjectSize > o.PartSize || o.ObjectSize < 1 || o.PartSize < 5<<20 {
		errs = append(errs, errors.New("a part must be at least 5 MiB, larger than a small object, smaller than the large one"))
	}
	if o.Rounds < 1 || o.Objects < 1 || o.Concurrency < 1 {
		errs = append(errs, errors.New("rounds, objects and concurrency must be positive"))
	}
	return errors.Join(errs...)
}

// cell is one workload over one transport: a block of rows of the table.
type cell struct {
	workload, medium string
	spec             workload.Spec
}

func (c *cell) name() string { return c.workload + ", " + c.medium }

func (c *cell) large() bool { return strings.HasPrefix(c.workload, "large") }

// cells are the blocks over one transport.
func (o *Options) cells() (cells []*cell) {
	for _, name := range o.Workloads {
		for _, medium := range o.Media {
			spec := workload.Spec{
				Up: strings.HasSuffix(name, "-up"), File: medium == "file",
				Objects: 1, Size: o.Size, PartSize: o.PartSize, Concurrency: o.Concurrency, Dir: o.Dir,
			}
			if strings.HasPrefix(name, "small") {
				spec.Objects, spec.Size = o.Objects, o.ObjectSize
			}
			cells = append(cells, &cell{workload: name, medium: medium, spec: spec})
		}
	}
	return cells
}

func (o *Options) peers() (chosen []*peers.Peer) {
	for i := range peers.All {
		if p := &peers.All[i]; len(o.Peers) == 0 || slices.Contains(o.Peers, p.Name) {
			chosen = append(chosen, p)
		}
	}
	return chosen
}
