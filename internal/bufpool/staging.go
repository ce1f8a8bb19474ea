package bufpool

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// staging is the part of a Pool that lends staging buffers. At every moment the
// bytes reserved and the bytes of idle buffers together are within the limit.
type staging struct {
	mu        sync.Mutex
	used      int64     // guarded by mu; bytes reserved
	lent      int       // guarded by mu; number of reservations
	waiting   list.List // guarded by mu; of *waiter, the oldest in front
	idle      [][]byte  // guarded by mu; buffers given back, the oldest first
	idleBytes int64     // guarded by mu; of all idle buffers
}

// waiter is one blocked Reserve.
type waiter struct {
	bytes   int64
	buffer  []byte        // set before granted closes; nil if no idle one fitted
	granted chan struct{} // closed by grantLocked
}

// LimitError says that a reservation is larger than the whole memory limit.
type LimitError struct {
	Bytes int64 // what was asked for
	Limit int64 // of the pool
}

// Error implements error.
func (e *LimitError) Error() string {
	return fmt.Sprintf("staging buffer of %d bytes is larger than the memory limit of %d bytes", e.Bytes, e.Limit)
}

// Reservation is a right to so many bytes of staging memory. It belongs to one
// goroutine at a time; handing it over hands over the bytes.
type Reservation struct {
	pool   atomic.Pointer[Pool] // nil once released; atomic so that a double release is always seen
	bytes  int64                // immutable
	buffer []byte               // the owner's; nil until Bytes, unless an idle buffer was there
}

// Reserve lends n bytes of staging memory. It blocks until they are free under
// the limit, in the order of the calls, or until ctx ends, then with its cause.
// Whoever waits must hold no reservation that those before it need. An n over
// the limit is a *LimitError at once.
func (p *Pool) Reserve(ctx context.Context, n int64) (*Reservation, error) {
	if n < 0 {
		return nil, fmt.Errorf("staging buffer of %d bytes: negative size", n)
	}
	if n > p.limit {
		return nil, &LimitError{Bytes: n, Limit: p.limit}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	w := &waiter{bytes: n, granted: make(chan struct{})}
	s := &p.staging
	s.mu.Lock()
	place := s.waiting.PushBack(w)
	s.grantLocked(p.limit)
	s.mu.Unlock()
	select {
	case <-w.granted:
	case <-ctx.Done():
		if p.abandon(place) {
			return nil, context.Cause(ctx)
		}
	}
	r := &Reservation{bytes: n, buffer: w.buffer}
	r.pool.Store(p)
	return r, nil
}

// TryReserve lends n bytes of staging memory if they are free and nobody waits
// for memory, else nil. It doesn't block, so that whoever holds reservations may
// call it.
func (p *Pool) TryReserve(n int64) *Reservation {
	s := &p.staging
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < 0 || s.waiting.Len() > 0 || n > p.limit-s.used {
		return nil
	}
	r := &Reservation{bytes: n, buffer: s.lendLocked(n, p.limit)}
	r.pool.Store(p)
	return r
}

// abandon takes a waiter out of the queue. It returns false if the waiter was
// granted in the meantime: the reservation is then there and is used.
func (p *Pool) abandon(place *list.Element) bool {
	s := &p.staging
	s.mu.Lock()
	defer s.mu.Unlock()
	w := place.Value.(*waiter)
	select {
	case <-w.granted:
		return false
	default:
	}
	s.waiting.Remove(place)
	s.grantLocked(p.limit) // those behind it may fit
	return true
}

// grantLocked serves waiters from the front while they fit. One that does not
// fit stops those behind it, so that a large reservation is not starved.
func (s *staging) grantLocked(limit int64) {
	for front := s.waiting.Front(); front != nil; front = s.waiting.Front() {
		w := front.Value.(*waiter)
		if s.used+w.bytes > limit {
			return
		}
		s.waiting.Remove(front)
		w.buffer = s.lendLocked(w.bytes, limit)
		close(w.granted)
	}
}

// lendLocked counts n bytes that fit as reserved, and returns an idle buffer for
// them, or nil.
func (s *staging) lendLocked(n, limit int64) []byte {
	b := s.takeLocked(n)
	s.used += n
	s.lent++
	s.evictLocked(limit - s.used)
	return b
}

// takeLocked returns the idle buffer of n bytes that was given back last, or
// nil. Parts of one transfer have one size, so the search is short.
func (s *staging) takeLocked(n int64) []byte {
	for i := len(s.idle) - 1; i >= 0; i-- {
		if b := s.idle[i]; int64(len(b)) == n {
			copy(s.idle[i:], s.idle[i+1:])
			s.idle[len(s.idle)-1] = nil
			s.idle = s.idle[:len(s.idle)-1]
			s.idleBytes -= n
			return b
		}
	}
	return nil
}

// evictLocked drops the idle buffers given back first until at most room bytes
// are idle.
func (s *staging) evictLocked(room int64) {
	n := 0
	for s.idleBytes > room {
		s.idleBytes -= int64(len(s.idle[n]))
		n++
	}
	if n > 0 {
		kept := copy(s.idle, s.idle[n:])
		clear(s.idle[kept:])
		s.idle = s.idle[:kept]
	}
}

// Len returns the number of bytes reserved.
func (r *Reservation) Len() int64 { return r.bytes }

// Bytes returns the reserved memory, always the same slice of Len bytes. It is
// allocated at the first call; its contents are arbitrary. It is not to be used
// after Release; Bytes panics then.
func (r *Reservation) Bytes() []byte {
	if r.pool.Load() == nil {
		panic("bufpool: bytes of a released reservation")
	}
	if r.buffer == nil {
		r.buffer = make([]byte, r.bytes)
	}
	return r.buffer
}

// Release gives the memory back. It must be called exactly once; a second call
// panics.
func (r *Reservation) Release() {
	p := r.pool.Swap(nil)
	if p == nil {
		panic("bufpool: reservation released twice")
	}
	b := r.buffer
	r.buffer = nil
	poison(b)
	s := &p.staging
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= r.bytes
	s.lent--
	if len(b) > 0 {
		s.idle = append(s.idle, b)
		s.idleBytes += r.bytes
	}
	s.grantLocked(p.limit)
	if s.used == 0 {
		s.evictLocked(idleBytesMax)
	}
}

// InUse returns how many bytes of staging memory are reserved.
func (p *Pool) InUse() int64 {
	p.staging.mu.Lock()
	defer p.staging.mu.Unlock()
	return p.staging.used
}
