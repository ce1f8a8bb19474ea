package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// stallError says that an attempt made no progress for too long.
type stallError struct {
	doing string
	limit time.Duration
}

func (e *stallError) Error() string { return fmt.Sprintf("no progress %s for %s", e.doing, e.limit) }

func isStall(err error) bool {
	var stall *stallError
	return errors.As(err, &stall)
}

// Timeout and Temporary make it a net.Error, a time-out, for those who ask.
func (e *stallError) Timeout() bool   { return true }
func (e *stallError) Temporary() bool { return true }

// watch ends an attempt that stalls. Its limit depends on what the attempt is
// doing, and it stands still while something else than the network is waited
// for. The exchange may call it from another goroutine than the attempt's.
type watch struct {
	cancel context.CancelCauseFunc
	work   *work // of the attempt's lane

	mu       sync.Mutex
	timer    *time.Timer   // calls expired; guarded by mu, nil before the first begin
	armed    time.Time     // when the timer will, perhaps too early; guarded by mu, zero: never
	doing    string        // guarded by mu
	limit    time.Duration // guarded by mu
	deadline time.Time     // guarded by mu; zero: standing still
	stopped  bool          // guarded by mu
}

// newWatch returns a context that ends with a *stallError when what is being
// done makes no progress. The watch stands still until begin. lane is the work
// of the attempt's lane.
func newWatch(ctx context.Context, lane *work) (context.Context, *watch) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &watch{cancel: cancel, work: lane}
}

// expired is called by the timer, which progress leaves as it is: it is for
// expired to find out that it comes too early, or that nothing is waited for any
// more.
func (w *watch) expired() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = time.Time{}
	if w.deadline.IsZero() {
		return
	}
	if left := time.Until(w.deadline); left > 0 {
		w.armLocked(left)
		return
	}
	w.cancel(&stallError{w.doing, w.limit})
}

// armLocked has the timer call expired when the deadline is there.
func (w *watch) armLocked(left time.Duration) {
	w.armed = w.deadline
	if w.timer == nil {
		w.timer = time.AfterFunc(left, w.expired)
	} else {
		w.timer.Reset(left)
	}
}

// begin says what is being done from now on, and how long it may make no
// progress. Once the watch is stopped it does nothing.
func (w *watch) begin(doing string, limit time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.doing, w.limit = doing, limit
	w.startLocked()
}

// awaiting is what an attempt does between its request and the answer.
const awaiting = "waiting for the answer"

// waited is for how long the answer has been waited for; false while something
// else is being done.
func (w *watch) waited() (time.Duration, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.limit - time.Until(w.deadline), w.doing == awaiting && !w.deadline.IsZero()
}

// progress starts the limit anew, also after a pause.
func (w *watch) progress() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.limit > 0 {
		w.startLocked()
	}
}

func (w *watch) startLocked() {
	if !w.stopped {
		w.deadline = time.Now().Add(w.limit)
		if w.armed.IsZero() || w.deadline.Before(w.armed) {
			w.armLocked(w.limit)
		}
	}
}

// pause stands still until the next progress or begin.
func (w *watch) pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deadline = time.Time{}
}

// stop ends the watch and its context.
func (w *watch) stop() {
	w.mu.Lock()
	w.stopped, w.deadline = true, time.Time{}
	if w.timer != nil {
		w.timer.Stop()
	}
	w.mu.Unlock()
	w.cancel(nil)
}
