package engine

import (
	"context"
	"sync"
)

// lanes hands out the client's lanes. A lane is the right to carry one part or
// one small request at a time. Lanes are given in turn to the transfers that
// wait, one each, so that a huge object never starves small ones.
type lanes struct {
	mu    sync.Mutex
	free  int
	total int
	ring  []*flow // transfers with waiters, in the order of their turn
}

// flow is one transfer's place in the order.
type flow struct {
	waiting []chan struct{} // guarded by lanes.mu; a closed one was granted
}

func newLanes(n int) *lanes { return &lanes{free: n, total: n} }

// acquire waits for a lane.
func (l *lanes) acquire(ctx context.Context, f *flow) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	if l.free > 0 {
		l.free--
		l.mu.Unlock()
		return nil
	}
	granted := make(chan struct{})
	if len(f.waiting) == 0 {
		l.ring = append(l.ring, f)
	}
	f.waiting = append(f.waiting, granted)
	l.mu.Unlock()
	select {
	case <-granted:
		return nil
	case <-ctx.Done():
		if !l.forget(f, granted) {
			l.release() // it was granted meanwhile
		}
		return context.Cause(ctx)
	}
}

// forget takes a waiter out again; false if it has a lane already.
func (l *lanes) forget(f *flow, granted chan struct{}) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, w := range f.waiting {
		if w == granted {
			f.waiting = append(f.waiting[:i], f.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// release gives a lane to the transfer whose turn it is.
func (l *lanes) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.ring) > 0 {
		f := l.ring[0]
		l.ring = l.ring[1:]
		if len(f.waiting) == 0 {
			continue // all of them gave up
		}
		close(f.waiting[0])
		f.waiting = f.waiting[1:]
		if len(f.waiting) > 0 {
			l.ring = append(l.ring, f)
		}
		return
	}
	l.free++
}

// busy is how many lanes are in use.
func (l *lanes) busy() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total - l.free
}

// lane is a goroutine's hold on a lane. It belongs to that goroutine.
type lane struct {
	lanes *lanes
	flow  *flow
	held  bool
}

// take acquires the lane unless it is held already.
func (l *lane) take(ctx context.Context) error {
	if l.held {
		return nil
	}
	if err := l.lanes.acquire(ctx, l.flow); err != nil {
		return err
	}
	l.held = true
	return nil
}

// drop releases the lane if it is held.
func (l *lane) drop() {
	if l.held {
		l.held = false
		l.lanes.release()
	}
}

// away runs fn, which may block in the caller's code, without the lane.
func (l *lane) away(ctx context.Context, fn func() error) error {
	l.drop()
	if err := fn(); err != nil {
		return err
	}
	return l.take(ctx)
}
