package haul

import (
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
)

// Subscriber is told what happens to a transfer. The interface may grow: embed
// NopSubscriber in your own type. A panic in a hook is contained: see the
// methods. Calling Result, Wait, Shutdown or Run in a hook may wait for the
// hook itself, and so forever.
type Subscriber interface {
	// OnQueued runs on the goroutine that called Upload (or Download, Copy,
	// Delete), before that call returns and before any request. Here, and only
	// here, the input (Future.Meta().Input()) may be changed and size and ETag
	// may be provided. An error, or a panic, fails the transfer: no request is
	// sent, the OnQueued of later subscribers are skipped, all OnDone run.
	OnQueued(f *Future) error
	// OnProgress tells that n bytes more are done. It may run on several
	// goroutines at once and must be quick. Over a successful transfer the sum
	// is the object's size. n is never negative for an upload or a copy; it is
	// where a download goes back to fetch bytes again. A panic cancels the
	// transfer with a *PanicError as the cause.
	OnProgress(f *Future, n int64)
	// OnDone runs exactly once, after the transfer has settled: f.Outcome()
	// tells how, f.SetError may still turn it into a failure. f.Done() closes
	// when the last OnDone has returned. A panic is logged, the others run.
	OnDone(f *Future)
}

// NopSubscriber does nothing; embed it to implement only some hooks.
type NopSubscriber struct{}

// OnQueued returns nil.
func (NopSubscriber) OnQueued(*Future) error { return nil }

// OnProgress does nothing.
func (NopSubscriber) OnProgress(*Future, int64) {}

// OnDone does nothing.
func (NopSubscriber) OnDone(*Future) {}

// SubscriberFuncs is a Subscriber made of functions, any of which may be nil.
type SubscriberFuncs struct {
	Queued   func(f *Future) error
	Progress func(f *Future, n int64)
	Done     func(f *Future)
}

// OnQueued calls Queued.
func (s SubscriberFuncs) OnQueued(f *Future) error {
	if s.Queued == nil {
		return nil
	}
	return s.Queued(f)
}

// OnProgress calls Progress.
func (s SubscriberFuncs) OnProgress(f *Future, n int64) {
	if s.Progress != nil {
		s.Progress(f, n)
	}
}

// OnDone calls Done.
func (s SubscriberFuncs) OnDone(f *Future) {
	if s.Done != nil {
		s.Done(f)
	}
}

// hooksRunning counts the hooks that run at the moment, of all Managers.
var hooksRunning atomic.Int64

// hookFrame is the name that callHook has on a stack.
const hookFrame = "haul.callHook"

// callHook calls a hook and turns a panic into an error. Every hook is called
// through it, so that insideHook can tell.
//
//go:noinline
func callHook(name string, hook func() error) (err error) {
	hooksRunning.Add(1)
	defer func() {
		hooksRunning.Add(-1)
		if v := recover(); v != nil {
			err = &PanicError{Hook: name, Value: v, Stack: debug.Stack()}
		}
	}()
	return hook()
}

// insideHook says whether the calling goroutine is in a hook. If any is running
// it walks the stack, so it is asked only where a call would have to block.
func insideHook() bool {
	if hooksRunning.Load() == 0 {
		return false
	}
	pcs := make([]uintptr, 64)
	for skip := 1; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs)
		if n == 0 {
			return false
		}
		frames := runtime.CallersFrames(pcs[:n])
		for more := true; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			if strings.HasSuffix(frame.Function, hookFrame) {
				return true
			}
		}
	}
}
