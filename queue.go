package haul

import (
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
	line    line // guarded by mu: who waits
	runners int  // guarded by mu: goroutines in runLoop
}

func newQueue(size int, parallel func() int, run, drop func(*transfer)) *queue {
	q := &queue{slots: semaphore.NewWeighted(int64(size)), parallel: parallel, run: run, drop: drop}
	q.line.ended = q.parentEnded
	return q
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
	if q.line.length == 0 && q.runners < max(q.parallel(), 1) {
		q.startLocked(t)
		return
	}
	q.line.push(t)
	if t.over() != nil { // perhaps since before it stood here
		go q.cancel(t)
	}
	q.fillLocked(0)
}

// cancel takes a transfer out of the queue that was told to end.
func (q *queue) cancel(t *transfer) {
	q.mu.Lock()
	if !t.wait.waits { // its turn came first, or it has not been pushed yet
		q.mu.Unlock()
		return
	}
	q.line.remove(t)
	q.mu.Unlock()
	q.slots.Release(1)
	q.drop(t)
}

// parentEnded takes all transfers out of the queue whose contexts, which end
// together, have ended. Their hooks run on goroutines of their own.
func (q *queue) parentEnded(done <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range q.line.removeAll(done) {
		q.slots.Release(1)
		go q.drop(t)
	}
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
	if q.line.length == 0 || q.runners >= max(q.parallel(), 1) {
		return nil
	}
	t := q.popLocked()
	q.runners++
	q.slots.Release(1)
	return t
}

// fillLocked starts runners while turns are free, all but keep of them.
func (q *queue) fillLocked(keep int) {
	for q.line.length > keep && q.runners+keep < max(q.parallel(), 1) {
		q.startLocked(q.popLocked())
	}
}

func (q *queue) popLocked() *transfer {
	t := q.line.first
	q.line.remove(t)
	return t
}
