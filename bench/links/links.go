//go:build linux

// Package links measures haul over simulated links and against a small server:
// what each fixed number of lanes brings, and what the engine finds by itself.
//
//	links.go   the links
//	run.go     the rounds
//	window.go  what a stretch of a load brought
//	report.go  the tables
package links

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/haul-s3/haul/bench/nulls3"
)

// Link is a network and a server, and what is moved over it.
type Link struct {
	Name   string
	About  string
	server nulls3.Config
	up     bool
	size   int64
	lanes  []int // fixed numbers that are tried
	// rival is what another client reached on a link like this, bytes or objects
	// per second, times is how much more is to be reached; 0: no such figure.
	rival, times float64
}

const (
	mib   = 1 << 20
	large = 64 << 30
	small = 64 << 10
)

// The figures of the AWS Common Runtime with its default target, measured on an
// earlier occasion with bare sockets beside it (54 Gbit/s; 19,000 objects/s).
const (
	runtimeLarge = 13.6e9 / 8
	runtimeSmall = 1130
)

var wan = nulls3.Config{Latency: 20 * time.Millisecond, RateMiB: 90}

// narrow is a wide-area link that is narrower than what the processors of a
// small machine can do, so that it is the link that limits.
var narrow = nulls3.Config{Latency: 20 * time.Millisecond, RateMiB: 6, TotalMiB: 400}

// smallServer has 256 descriptors, serves 16 requests at once, and gets slower
// with each that is more.
var smallServer = nulls3.Config{Latency: 10 * time.Millisecond, RateMiB: 40, TotalMiB: 250, SlowFrom: 16, Descriptors: 256}

// All are the links.
var All = []Link{
	{Name: "wan-large-down", About: "20 ms, 90 MiB/s for each connection; objects of 64 GiB", server: wan, size: large,
		lanes: []int{8, 16, 32, 64, 128, 256}, rival: runtimeLarge, times: 3},
	{Name: "wan-small-down", About: "20 ms, 90 MiB/s for each connection; objects of 64 KiB", server: wan, size: small,
		lanes: []int{32, 64, 128, 256, 384, 512}, rival: runtimeSmall, times: 10},
	{Name: "wan-large-up", About: "the same; uploads", server: wan, up: true, size: large, lanes: []int{8, 16, 32, 64, 128, 256}},
	{Name: "narrow-large-down", About: "20 ms, 6 MiB/s for each connection, 400 MiB/s for all; objects of 64 GiB", server: narrow, size: large,
		lanes: []int{32, 64, 96, 128, 192, 256}},
	{Name: "narrow-small-down", About: "60 ms, 90 MiB/s for each connection, 100 MiB/s for all; objects of 64 KiB, for which that is little enough that the line limits",
		server: nulls3.Config{Latency: 60 * time.Millisecond, RateMiB: 90, TotalMiB: 100}, size: small,
		lanes: []int{32, 64, 96, 128, 192, 256}},
	{Name: "server-large-down", About: "10 ms and more: 16 requests at once, 256 descriptors, 250 MiB/s; objects of 64 GiB", server: smallServer, size: large,
		lanes: []int{4, 8, 16, 32, 64, 128, 256}},
	{Name: "server-small-down", About: "the same; objects of 64 KiB", server: smallServer, size: small,
		lanes: []int{4, 8, 16, 32, 64, 128, 256}},
}

// Options are what is measured.
type Options struct {
	Links  []string // names
	Rounds int
	Quick  bool // shorter and fewer, to see that it works
	Log    func(format string, args ...any)
}

// Names are the names of all links.
func Names() (names []string) {
	for _, l := range All {
		names = append(names, l.Name)
	}
	return names
}

// Validate reports every fault of the options.
func (o *Options) Validate() error {
	var errs []error
	for _, name := range o.Links {
		if !slices.Contains(Names(), name) {
			errs = append(errs, fmt.Errorf("no link is named %q: there are %s", name, strings.Join(Names(), ", ")))
		}
	}
	if o.Rounds < 1 {
		errs = append(errs, errors.New("rounds must be positive"))
	}
	return errors.Join(errs...)
}

// The times of a load: a fixed number of lanes is measured in its first seconds,
// the engine's own choice once it has had five.
const (
	settle     = 2 * time.Second
	fixedUntil = 5 * time.Second
	tunedFrom  = 5 * time.Second
	tunedUntil = 10 * time.Second
)
