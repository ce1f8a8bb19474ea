// Package throttle limits bandwidth: one [Limiter] is shared by all transfers
// of a manager, up and down, and holds the sum of their bytes under a rate.
//
// It is a token bucket whose waiters take turns. Large waits are cut into
// quanta and every quantum queues anew, so that many lanes share the rate
// evenly and no socket is left silent for long.
package throttle

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"
)

const (
	// quantumMax is the most bytes that are waited for in one turn.
	quantumMax = 64 << 10
	// burstsPerSecond says how large the bucket is: the bytes of an eighth of
	// a second, which covers the lateness of timers.
	burstsPerSecond = 8
)

// Limiter holds a rate of bytes per second. All its methods may be called from
// several goroutines at once, and on a nil Limiter, which limits nothing.
type Limiter struct {
	turn    chan struct{} // holds one token while a waiter has its turn; Go serves senders in order
	changed chan struct{} // capacity 1; wakes the waiter that has its turn; never closed

	mu     sync.Mutex
	rate   int64     // guarded by mu; bytes per second, 0 is no limit
	tokens float64   // guarded by mu; bytes that may pass now
	filled time.Time // guarded by mu; when tokens was brought up to date
}

// New returns a limiter of so many bytes per second; 0 is no limit, until Set.
// It panics if the rate is negative. The bucket starts empty, so that the rate
// holds from the first byte.
func New(bytesPerSecond int64) *Limiter {
	l := &Limiter{turn: make(chan struct{}, 1), changed: make(chan struct{}, 1), filled: time.Now()}
	l.Set(bytesPerSecond)
	return l
}

// Limit returns the rate in bytes per second, 0 for no limit.
func (l *Limiter) Limit() int64 {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rate
}

// Set changes the rate, also for those who wait now; 0 is no limit. It panics
// if the rate is negative, and does nothing on a nil Limiter.
func (l *Limiter) Set(bytesPerSecond int64) {
	if bytesPerSecond < 0 {
		panic(fmt.Sprintf("throttle: negative rate %d", bytesPerSecond))
	}
	if l == nil {
		return
	}
	l.mu.Lock()
	l.fillLocked()
	l.rate = bytesPerSecond
	l.tokens = min(l.tokens, l.burstLocked())
	l.mu.Unlock()
	select {
	case l.changed <- struct{}{}:
	default: // the waiter has not seen the change before this one yet
	}
}

// Wait blocks until n more bytes may pass, or until ctx ends, then returns its
// cause. Those who wait are served in turn, at most 64 KiB each time. Bytes that
// a cancelled Wait had been granted already stay counted.
func (l *Limiter) Wait(ctx context.Context, n int) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for n > 0 && l.Limit() > 0 {
		granted, err := l.waitTurn(ctx, n)
		if err != nil {
			return err
		}
		n -= granted
	}
	return nil
}

// waitTurn waits for the turn and then for one quantum of the n bytes, and
// returns its size.
func (l *Limiter) waitTurn(ctx context.Context, n int) (int, error) {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	defer func() { <-l.turn }()
	for {
		granted, delay := l.take(n)
		if granted > 0 {
			return granted, nil
		}
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-l.changed: // a new rate, a new delay
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return 0, context.Cause(ctx)
		}
	}
}

// take takes one quantum of n bytes out of the bucket and returns its size; if
// the bucket holds too little, it returns 0 and when to come again.
func (l *Limiter) take(n int) (granted int, delay time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rate == 0 {
		return n, 0
	}
	l.fillLocked()
	quantum := math.Floor(min(float64(n), quantumMax, l.burstLocked()))
	if missing := quantum - l.tokens; missing > 0 {
		return 0, time.Duration(math.Ceil(missing / float64(l.rate) * float64(time.Second)))
	}
	l.tokens -= quantum
	return int(quantum), 0
}

// fillLocked adds what has run in since the last call.
func (l *Limiter) fillLocked() {
	now := time.Now()
	l.tokens = min(l.tokens+now.Sub(l.filled).Seconds()*float64(l.rate), l.burstLocked())
	l.filled = now
}

// burstLocked returns the size of the bucket in bytes, at least one.
func (l *Limiter) burstLocked() float64 { return max(float64(l.rate)/burstsPerSecond, 1) }
