package engine

import "context"

// Lanes and Flow are what the tests of lanes and tuner see.
type (
	Lanes = lanes
	Flow  = flow
)

// NewTunedLanes returns n lanes whose number is tuned up to most.
func NewTunedLanes(n, most int, count func() (bytes, requests int64)) *Lanes {
	return newLanes(n, newTuner(lanesFloor, most, count))
}

// Acquire waits for a lane.
func (l *lanes) Acquire(ctx context.Context, f *Flow) error { return l.acquire(ctx, f) }

// Release gives a lane back.
func (l *lanes) Release() { l.release() }

// Throttled says that the server asks to slow down.
func (l *lanes) Throttled() { l.throttled() }

// Counts is how many lanes there are, and how many are in use.
func (l *lanes) Counts() (limit, busy int) { return l.counts() }

// Decisions are the tuner's.
func (l *lanes) Decisions() []Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tuner.decisions()
}
