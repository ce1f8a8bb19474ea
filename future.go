package haul

import (
	"context"
	"errors"
	"sync"
)

// Future is a transfer under way. It settles when the transfer has an outcome
// and nothing of it runs any more; then the OnDone hooks run; then it is done.
// It is safe for concurrent use, and may be dropped.
type Future struct {
	meta Meta

	mu       sync.Mutex
	live     *transfer     // guarded by mu; nil before begin and after finish
	done     chan struct{} // guarded by mu; made when it is asked for, closed by finish
	finished bool          // guarded by mu: every OnDone has returned
	settled  bool          // guarded by mu
	result   *Result       // guarded by mu, set once settled
	err      error         // guarded by mu

	keep func() (token string, err error) // guarded by mu; nil: can't be paused
}

// ID numbers the Manager's transfers from 0.
func (f *Future) ID() uint64 { return f.meta.id }

// Meta tells what is known of the transfer.
func (f *Future) Meta() *Meta { return &f.meta }

// Done is closed when the transfer has settled and every OnDone has returned.
func (f *Future) Done() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done == nil {
		f.done = make(chan struct{})
		if f.finished {
			close(f.done)
		}
	}
	return f.done
}

// IsDone says whether Done is closed.
func (f *Future) IsDone() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.finished
}

// Result waits until Done and returns the outcome. ctx bounds the waiting, not
// the transfer: if it ends first, the error is ErrNotDone with the context's
// cause, the transfer goes on, and Result may be called again.
func (f *Future) Result(ctx context.Context) (*Result, error) {
	if f.IsDone() {
		return f.Outcome()
	}
	select {
	case <-f.Done():
		return f.Outcome()
	case <-ctx.Done():
		return nil, f.meta.fail(&notDoneError{context.Cause(ctx)})
	}
}

// Outcome returns the outcome without waiting: ErrNotDone until the transfer
// has settled. Unlike Result it may be called in an OnDone hook. The Result is
// nil if the transfer failed; if only SetError made it a failure, both are
// returned.
func (f *Future) Outcome() (*Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.settled {
		return nil, f.meta.fail(ErrNotDone)
	}
	return f.result, f.err
}

// Cancel stops the transfer and returns at once, true if this call cancelled
// it, false if it had settled or been cancelled before. It ends in ErrCanceled,
// unless it was finishing at that moment: bytes that have arrived are not taken
// back.
func (f *Future) Cancel() bool { return f.end(context.Canceled) }

// end has the transfer give up, wherever it stands, and says whether it was this
// call that ended it.
func (f *Future) end(cause error) bool {
	f.mu.Lock()
	t := f.live
	if f.settled || t == nil || !t.endableLocked() {
		f.mu.Unlock()
		return false
	}
	t.cause = cause
	stop := t.stop
	f.mu.Unlock()
	if stop == nil {
		// On a goroutine of its own, so that hooks never run inside Cancel.
		go t.manager.q.cancel(t)
		return true
	}
	stop(cause)
	return true
}

// SetError makes the transfer fail with err, whatever its outcome was. It is
// for OnDone hooks whose own work belongs to the transfer. Before the transfer
// has settled it returns ErrNotDone and changes nothing.
func (f *Future) SetError(err error) error {
	if err == nil {
		return f.meta.fail(errors.New("SetError needs an error"))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.settled {
		return f.meta.fail(ErrNotDone)
	}
	f.err = f.meta.fail(err)
	return nil
}

// finish closes Done and lets go of the transfer.
func (f *Future) finish() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live.stop != nil {
		f.live.stop(nil) // frees what the caller's context holds of it
	}
	f.live, f.finished = nil, true
	if f.done != nil {
		close(f.done)
	}
}

// settle gives the future its outcome; Outcome and SetError work from here on.
func (f *Future) settle(r *Result, err error) {
	status := StatusSucceeded
	switch {
	case errors.Is(err, ErrCanceled), errors.Is(err, ErrPaused):
		status = StatusCanceled
	case err != nil:
		status = StatusFailed
	}
	f.meta.setStatus(status)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settled, f.result, f.err = true, r, err
}
