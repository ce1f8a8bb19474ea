package haul

import (
	"container/list"
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/semaphore"
)

// queue holds the transfers that wait for their turn, first in, first out. The
// way of a transfer: admit (may block) -> push -> run, or drop if it is
// cancelled before its turn. No goroutine stands behind a transfer that waits.
type queue struct {
	slots    *semaphore.Weighted // one for each transfer between admit and its start
	parallel func() int          // how many are worth running at once
	run      func(*transfer)     // carries one to its end
	drop     func(*transfer)     // ends one that was cancelled before its turn

	mu      sync.Mutex
	waiting list.List // of *transfer, guarded by mu
	runners int       // guarded by mu: goroutines in runLoop
}

func newQueue(size int, parallel func() int, run, drop func(*transfer)) *queue {
	return &queue{slots: semaphore.NewWeighted(int64(size)), parallel: parallel, run: run, drop: drop}
}

// admit waits for a place until ctx or life ends. In a hook it doesn't wait.
func (q *queue) admit(ctx, life context.Context) error {
	if q.slots.TryAcquire(1) {
		return nil
	}
	if insideHook() {
		return ErrQueueFull
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(life, func() { cancel(context.Cause(life)) })()
	if q.slots.Acquire(ctx, 1) == nil {
		return nil
	}
	if cause := context.Cause(ctx); !errors.Is(cause, ErrShutdown) {
		return &canceledError{cause}
	}
	return ErrShutdown
}

// push gives an admitted transfer to a runner, or has it wait for one.
func (q *queue) push(t *transfer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting.Len() == 0 && q.runners < max(q.parallel(), 1) {
		q.startLocked(t)
		return
	}
	t.place = q.waiting.PushBack(t)
	t.unwatch = context.AfterFunc(t.future.ctx, func() { q.cancel(t) })
	q.fillLocked(0)
}

// cancel takes a transfer out of the queue whose context has ended. It runs on
// a goroutine of its own, so that hooks never run inside somebody's Cancel.
func (q *queue) cancel(t *transfer) {
	q.mu.Lock()
	if t.place == nil { // its turn came first
		q.mu.Unlock()
		return
	}
	q.waiting.Remove(t.place)
	t.place = nil
	q.mu.Unlock()
	q.slots.Release(1)
	q.drop(t)
}

// startLocked starts a runner with t as its first transfer.
func (q *queue) startLocked(t *transfer) {
	q.runners++
	q.slots.Release(1)
	go q.runLoop(t)
}

// runLoop carries t and then one waiting transfer after the other.
func (q *queue) runLoop(t *transfer) {
	defer func() {
		if t != nil { // a hook ended this goroutine with runtime.Goexit
			q.mu.Lock()
			defer q.mu.Unlock()
			q.runners--
			q.fillLocked(0)
		}
	}()
	for t != nil {
		q.run(t)
		t = q.next()
	}
}

// next returns the transfer whose turn it is, nil if there is none or if there
// are more runners than are worth having.
func (q *queue) next() *transfer {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.runners--
	q.fillLocked(1) // the first one is this runner's
	if q.waiting.Len() == 0 || q.runners >= max(q.parallel(), 1) {
		return nil
	}
	t := q.popLocked()
	q.runners++
	q.slots.Release(1)
	return t
}

// fillLocked starts runners while turns are free, all but keep of them.
func (q *queue) fillLocked(keep int) {
	for q.waiting.Len() > keep && q.runners+keep < max(q.parallel(), 1) {
		q.startLocked(q.popLocked())
	}
}

func (q *queue) popLocked() *transfer {
	t := q.waiting.Remove(q.waiting.Front()).(*transfer)
	t.place = nil
	t.unwatch()
	return t
}
