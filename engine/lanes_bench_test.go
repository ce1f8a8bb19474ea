package engine_test

import (
	"testing"

	"github.com/haul-s3/haul/engine"
)

// turn is what a part costs of the scheduler: a lane is taken and given back,
// and the tuner told.
func turn(tb testing.TB) (once func()) {
	l := engine.NewTunedLanes(1, 1, func() (bytes, requests int64) { return 0, 0 })
	var f engine.Flow
	return func() {
		if err := l.Acquire(tb.Context(), &f); err != nil {
			tb.Fatal(err)
		}
		l.Release()
	}
}

func BenchmarkLanes(b *testing.B) {
	once := turn(b)
	b.ReportAllocs()
	for b.Loop() {
		once()
	}
}

func TestLanesAllocations(t *testing.T) {
	if got := testing.AllocsPerRun(100, turn(t)); got != 0 {
		t.Errorf("allocations of a lane that is free: got %v, want 0", got)
	}
}
