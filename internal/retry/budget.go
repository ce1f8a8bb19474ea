package retry

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Budget bounds the retries of everything that shares it, so that an outage is
// not answered by a storm. It is refilled by time alone: an outage can drain it
// for a while, never for good. A request is never failed for lack of budget: it
// waits in turn, and never longer than budgetWaitMax. It is safe for concurrent
// use.
type Budget struct {
	size float64 // immutable
	rate float64 // immutable; tokens a second

	mu     sync.Mutex
	tokens float64   // guarded by mu; below 0: retries that wait
	last   time.Time // guarded by mu; when tokens was right
}

// budgetWaitMax is the longest wait for a retry: the longest back-off. What was
// taken by transfers that were cancelled since is never given back, and must not
// hold up others for minutes.
const budgetWaitMax = 20 * time.Second

// NewBudget returns a full budget of size retries that refills at rate a
// second; rate must be positive.
func NewBudget(size, rate float64) *Budget {
	return &Budget{size: size, rate: rate, tokens: size, last: time.Now()}
}

// Take takes one retry and says how long to wait for it: 0 while there are
// some, else the time until it will have been refilled. Where more wait than
// are refilled in budgetWaitMax, the rest is spread over the second half of
// that time, so that they don't come back all at once.
func (b *Budget) Take() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.tokens = min(b.size, b.tokens+now.Sub(b.last).Seconds()*b.rate)
	b.last = now
	debtMax := b.rate * budgetWaitMax.Seconds()
	if b.tokens-1 < -debtMax {
		return budgetWaitMax/2 + rand.N(budgetWaitMax/2)
	}
	b.tokens--
	if b.tokens >= 0 {
		return 0
	}
	return time.Duration(-b.tokens / b.rate * float64(time.Second))
}
