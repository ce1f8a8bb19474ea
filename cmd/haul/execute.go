package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/batch"
)

// execute makes client and Manager, then the job, and runs it. When ctx ends
// all transfers are cancelled, and execute returns when nothing of them is left.
func (a *app) execute(ctx context.Context, set func(*haul.Options), prepare func(context.Context, *tools) *job) error {
	client, err := a.settings.client(ctx)
	if err != nil {
		return err
	}
	manager, err := a.settings.manager(client, set)
	if err != nil {
		return err
	}
	return manager.Run(ctx, func(ctx context.Context) error {
		return a.runJob(ctx, prepare(ctx, &tools{app: a, client: client, manager: manager}))
	})
}

// runJob moves what the job names, and tells the user about it.
func (a *app) runJob(ctx context.Context, j *job) error {
	r := a.newReport(j)
	items := watched(j.items, r.progress)
	start := func(ctx context.Context, item batch.Item, opts ...haul.TransferOption) (*haul.Future, error) {
		return j.start(ctx, item, append(opts, haul.WithSubscribers(r.progress))...)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var stop sync.Once // what fails in the same way before it is cancelled needs no second line
	done := func(item batch.Item, result *haul.Result, err error) {
		if !j.many || !isHopeless(err) {
			r.done(item, result, err)
			return
		}
		stop.Do(func() {
			r.done(item, result, err)
			cancel(errHopeless)
		})
	}
	tally, err := batch.Run(ctx, items, start, batch.Options{Skip: j.skip, Done: done})
	r.finish(tally)
	switch {
	case errors.Is(err, errHopeless):
		return err
	case err != nil:
		return errors.Join(errReported, err)
	case tally.Failed > 0:
		return errReported
	case j.bytes && j.many && tally.Objects+tally.Skipped == 0:
		return fmt.Errorf("%s: nothing is there", j.source)
	}
	return nil
}

// errHopeless is why a job was ended before it was through.
var errHopeless = errors.New("stopped: the others would fail in the same way")

// watched tells the progress what there is to do.
func watched(items iter.Seq2[batch.Item, error], p *progress) iter.Seq2[batch.Item, error] {
	return func(yield func(batch.Item, error) bool) {
		for item, err := range items {
			if err == nil {
				p.expect(item.Size)
			}
			if !yield(item, err) {
				return
			}
		}
		p.complete()
	}
}
