package retry

import (
	"sync"
	"time"
)

// Budget bounds the retries of everything that shares it, so that an outage is
// not answered by a storm. It is refilled by time alone: an outage can drain it
// for a while, never for good. A request is never failed for lack of budget
// before its second attempt; what waits, waits in turn.
type Budget struct {
	mu     sync.Mutex
	tokens float64
	last   time.Time
	size   float64
	rate   float64 // tokens a second
}

// NewBudget returns a full budget of size retries that refills at rate a
// second.
func NewBudget(size, rate float64) *Budget {
	return &Budget{tokens: size, last: time.Now(), size: size, rate: rate}
}

// Take takes one retry and says how long to wait for it: 0 while there are
// some, else the time until it will have been refilled.
func (b *Budget) Take() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.tokens = min(b.size, b.tokens+now.Sub(b.last).Seconds()*b.rate)
	b.last = now
	b.tokens--
	if b.tokens >= 0 {
		return 0
	}
	return time.Duration(-b.tokens / b.rate * float64(time.Second))
}
