package engine

import (
	"context"
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

// Timeout makes it a net.Error's time-out for those who ask.
func (e *stallError) Timeout() bool { return true }

// watch ends an attempt that stalls. Its limit depends on what the attempt is
// doing, and it stands still while something else than the network is waited
// for.
type watch struct {
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	timer *time.Timer
	doing string        // guarded by mu
	limit time.Duration // guarded by mu; 0: standing still
}

// newWatch returns a context that ends with a *stallError when what is being
// done makes no progress.
func newWatch(ctx context.Context) (context.Context, *watch) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{cancel: cancel}
	w.timer = time.AfterFunc(time.Hour, w.expired)
	w.timer.Stop()
	return ctx, w
}

func (w *watch) expired() {
	w.mu.Lock()
	doing, limit := w.doing, w.limit
	w.mu.Unlock()
	if limit > 0 {
		w.cancel(&stallError{doing, limit})
	}
}

// begin says what is being done from now on, and how long it may make no
// progress.
func (w *watch) begin(doing string, limit time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.doing, w.limit = doing, limit
	w.timer.Reset(limit)
}

// progress starts the limit anew.
func (w *watch) progress() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.limit > 0 {
		w.timer.Reset(w.limit)
	}
}

// pause stands still until the next progress or begin.
func (w *watch) pause() { w.timer.Stop() }

// stop ends the watch and its context.
func (w *watch) stop() {
	w.timer.Stop()
	w.cancel(nil)
}
