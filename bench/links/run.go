//go:build linux

package links

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/haul-s3/haul/bench/load"
	"github.com/haul-s3/haul/bench/nulls3"
	"github.com/haul-s3/haul/engine"
)

// Results are what the links came to.
type Results struct{ blocks []*block }

// block is one link.
type block struct {
	link  *Link
	fixed map[int][]window // by the number of lanes
	tuned []tuned
}

// tuned is one load whose lanes the engine has chosen.
type tuned struct {
	at5, later window // around the fifth second, after it
	decisions  []engine.Decision
}

// Run measures. The program must call nulls3.MaybeServe and load.MaybeRun first
// of all.
func Run(ctx context.Context, o Options) (*Results, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	r := &Results{}
	for _, name := range o.Links {
		for i := range All {
			if All[i].Name != name {
				continue
			}
			b, err := o.measure(ctx, &All[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			r.blocks = append(r.blocks, b)
		}
	}
	return r, nil
}

// measure lets the numbers of lanes take turns on one link.
func (o *Options) measure(ctx context.Context, l *Link) (*block, error) {
	b := &block{link: l, fixed: map[int][]window{}}
	lanes := l.lanes
	if o.Quick {
		lanes = lanes[len(lanes)/2 : len(lanes)/2+1]
	}
	for round := range o.Rounds {
		for _, n := range lanes {
			out, err := l.carry(ctx, n, fixedUntil)
			if err != nil {
				return nil, err
			}
			w := between(out.Samples, settle, fixedUntil)
			b.fixed[n] = append(b.fixed[n], w)
			o.Log("%s, round %d: %d lanes: %s", l.Name, round+1, n, l.text(w))
		}
		out, err := l.carry(ctx, 0, tunedUntil)
		if err != nil {
			return nil, err
		}
		t := tuned{between(out.Samples, tunedFrom-time.Second, tunedFrom+time.Second), between(out.Samples, tunedFrom, tunedUntil), out.Decisions}
		b.tuned = append(b.tuned, t)
		o.Log("%s, round %d: by itself: %s", l.Name, round+1, l.text(t.later))
	}
	return b, nil
}

// carry does one load over a link.
func (l *Link) carry(ctx context.Context, lanes int, d time.Duration) (load.Outcome, error) {
	dir, err := os.MkdirTemp("", "haul-links-")
	if err != nil {
		return load.Outcome{}, err
	}
	defer os.RemoveAll(dir)
	server, err := nulls3.Start(l.server, dir)
	if err != nil {
		return load.Outcome{}, err
	}
	defer server.Close()
	spec := load.Spec{
		Endpoint: server.Endpoints[0], Up: l.up, Size: l.size, For: d, Every: 50 * time.Millisecond, Fixed: lanes,
	}
	if l.size == large {
		spec.AtOnce = 1
	}
	return load.InChild(ctx, spec)
}
