//go:build linux

// Package floor does a benchmark's work with bare sockets and nothing else: it
// sends heads that were formed beforehand and unsigned, takes every answer for
// granted but for its status and length, computes the CRC64NVME of each byte,
// and reads and writes files at their place. No client can do the same work with
// much less; what one needs more is its own.
//
// The sockets block, each has a goroutine and so a thread, and a slice of 256
// KiB passes at a time: socket.go. What is done with them is in transfer.go.
package floor

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/haul-s3/haul/bench/workload"
)

// slice is how much passes at a time.
const slice = 256 << 10

// Run does the work of the workload, which is warm. It changes GOMAXPROCS of the process.
func Run(ctx context.Context, w *workload.Spec) error {
	// A goroutine that comes back from a blocking call must not have to wait for
	// a place to run at: 64 KiB objects cost a tenth less so.
	runtime.GOMAXPROCS(w.Concurrency + runtime.NumCPU())
	r := &run{w: w}
	if w.Large() {
		return r.large(ctx)
	}
	return r.spread(ctx, w.Objects, func(c *socket, i int) error { return r.object(c, i) })
}

// run is one run of a workload.
type run struct {
	w      *workload.Spec
	upload string // the id of a large object's upload
}

// spread gives the numbers below n to the connections, until one fails.
func (r *run) spread(ctx context.Context, n int, fn func(c *socket, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(r.w.Concurrency, n) {
		wg.Go(func() {
			c, err := dial(r.w)
			if err != nil {
				cancel(err)
				return
			}
			defer c.close()
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := fn(c, i); err != nil {
					cancel(fmt.Errorf("piece %d: %w", i, err))
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
