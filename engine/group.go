package engine

import (
	"context"
	"errors"
	"sync"
)

// group is the goroutines of one transfer that end together: the first that
// fails ends the context of all of them. Unlike x/sync's errgroup it takes one
// that was ended by runtime.Goexit, in a hook or a writer of the caller's, for a
// failure: its bytes are missing.
type group struct {
	cancel  context.CancelCauseFunc
	running sync.WaitGroup

	mu  sync.Mutex
	err error // the first failure; guarded by mu
}

// errEnded is the error of a goroutine that was ended by runtime.Goexit.
var errEnded = errors.New("the goroutine that carried the bytes ended in the caller's code")

// newGroup returns a group without goroutines, and their context.
func newGroup(ctx context.Context) (*group, context.Context) {
	ctx, cancel := context.WithCancelCause(ctx)
	return &group{cancel: cancel}, ctx
}

// goes has a goroutine of the group do work.
func (g *group) goes(work func() error) {
	g.running.Add(1)
	go g.run(work)
}

func (g *group) run(work func() error) {
	err := errEnded
	defer func() {
		g.fail(err)
		g.running.Done()
	}()
	err = work()
}

// fail has the group fail with err, unless that is nil or it has failed already.
func (g *group) fail(err error) {
	if err == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err == nil {
		g.err = err
		g.cancel(err)
	}
}

// wait waits until all goroutines have ended, ends their context, and returns
// the first failure. It may be called again.
func (g *group) wait() error {
	g.running.Wait()
	g.cancel(nil)
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// join gives the lanes a context of their own, with which the first lane's ends
// too. Most objects need only one lane, and none.
func (d *download) join() {
	ctx, cancel := context.WithCancelCause(d.groupCtx)
	first := d.first.cancel
	d.groupCtx, d.group.cancel = ctx, func(cause error) {
		cancel(cause)
		first(cause)
	}
}
