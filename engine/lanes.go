package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// lanes hands out the client's lanes. A lane is the right to carry one part or
// one small request at a time. Lanes are given in turn to the transfers that
// wait, one each, so that a huge object never starves small ones. How many
// there are is the tuner's to say.
type lanes struct {
	mu    sync.Mutex
	limit int     // lanes there are; guarded by mu
	busy  int     // lanes that are held; more than limit for a while after a cut; guarded by mu
	ring  []*flow // transfers with waiters, in the order of their turn; guarded by mu
	tuner *tuner  // guarded by mu

	sampler sampler // guarded by mu

	epoch time.Time    // immutable
	due   atomic.Int64 // when progressed is to look again, since epoch

	grants sync.Pool // of channels that were waited on before
}

// flow is one transfer's place in the order.
type flow struct {
	waiting []waiter  // guarded by lanes.mu
	first   [1]waiter // guarded by lanes.mu; memory of waiting, enough for most
	queued  bool      // stands in the ring; guarded by lanes.mu
}

// waiter is one who waits for a lane, and what the lane will be about.
type waiter struct {
	granted chan struct{} // holds a token when it is
	work    *work
}

// newLanes returns n lanes, which t, if it isn't nil, makes more or fewer.
func newLanes(n int, t *tuner) *lanes {
	return &lanes{limit: n, tuner: t, sampler: newSampler(), epoch: time.Now()}
}

// acquire waits for a lane, which w tells about until release.
func (l *lanes) acquire(ctx context.Context, f *flow, w *work) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	if l.busy < l.limit {
		l.busy++
		l.holdLocked(w)
		l.noteLocked()
		l.mu.Unlock()
		return nil
	}
	granted := l.grant()
	if f.waiting == nil {
		f.waiting = f.first[:0]
	}
	f.waiting = append(f.waiting, waiter{granted, w})
	if !f.queued {
		f.queued = true
		l.ring = append(l.ring, f)
	}
	l.mu.Unlock()
	defer l.grants.Put(granted) // empty again
	select {
	case <-granted:
		return nil
	case <-ctx.Done():
		if !l.forget(f, granted) {
			<-granted // meanwhile
			l.release(w)
		}
		return context.Cause(ctx)
	}
}

// grant returns a channel to wait on: nearly every small object waits.
func (l *lanes) grant() chan struct{} {
	if c, ok := l.grants.Get().(chan struct{}); ok {
		return c
	}
	return make(chan struct{}, 1)
}

// forget takes a waiter out again; false if it has a lane already.
func (l *lanes) forget(f *flow, granted chan struct{}) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, w := range f.waiting {
		if w.granted == granted {
			f.waiting = append(f.waiting[:i], f.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// release gives a lane back, to the transfer whose turn it is.
func (l *lanes) release(w *work) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.letGoLocked()
	l.busy--
	l.grantLocked()
	l.noteLocked()
}

// grantLocked hands free lanes to those who wait.
func (l *lanes) grantLocked() {
	for l.busy < l.limit && len(l.ring) > 0 {
		f := l.ring[0]
		l.ring = l.ring[1:]
		f.queued = false
		if len(f.waiting) == 0 {
			continue // all of them gave up
		}
		l.busy++
		l.holdLocked(f.waiting[0].work)
		f.waiting[0].granted <- struct{}{}
		f.waiting = f.waiting[1:]
		if len(f.waiting) > 0 {
			f.queued = true
			l.ring = append(l.ring, f)
		}
	}
}

// noteLocked tells the tuner how busy the lanes are, and does what it says.
func (l *lanes) noteLocked() {
	if l.tuner == nil {
		return
	}
	l.tuner.limitedBy = l.sampler.limit
	if n := l.tuner.note(time.Now(), l.busy, l.limit); n != l.limit {
		l.limit = n
		l.grantLocked()
	}
}

// lookEvery is how often the tuner is moved on by what is carried.
const lookEvery = 50 * time.Millisecond

// progressed is called for every slice that is carried: a large part over a
// thin line takes so long that the tuner can't wait for its end.
func (l *lanes) progressed() {
	now := int64(time.Since(l.epoch))
	if due := l.due.Load(); now < due || !l.due.CompareAndSwap(due, now+int64(lookEvery)) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.noteLocked()
}

// wanted says whether other transfers than f's wait for a lane, or whether there
// are fewer lanes now than are held.
func (l *lanes) wanted(f *flow) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, other := range l.ring {
		if other != f && len(other.waiting) > 0 {
			return true
		}
	}
	return l.busy > l.limit
}

// throttled says that the server has asked to slow down.
func (l *lanes) throttled() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tuner != nil {
		l.tuner.limitedBy = l.sampler.limit
		l.limit = l.tuner.throttled(time.Now(), l.limit)
	}
}

// spare says whether a lane is free that nobody waits for, so that a transfer
// may put another goroutine to work.
func (l *lanes) spare() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.busy < l.limit
}

// counts is how many lanes there are, and how many are in use.
func (l *lanes) counts() (limit, busy int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limit, l.busy
}

// lane is a goroutine's hold on a lane. It belongs to that goroutine.
type lane struct {
	lanes *lanes
	flow  *flow
	held  bool
	work  work // what the lane is about
}

// take acquires the lane unless it is held already.
func (l *lane) take(ctx context.Context) error {
	if l.held {
		return nil
	}
	if err := l.lanes.acquire(ctx, l.flow, &l.work); err != nil {
		return err
	}
	l.held = true
	return nil
}

// drop releases the lane if it is held.
func (l *lane) drop() {
	if l.held {
		l.held = false
		l.lanes.release(&l.work)
	}
}

// away runs fn, which may block in the caller's code, without the lane.
func (l *lane) away(ctx context.Context, fn func() error) error {
	l.drop()
	if err := l.lanes.outside(atCaller, fn); err != nil {
		return err
	}
	return l.take(ctx)
}
