package managertest

import (
	"runtime"
	"time"
)

// leakPatience is how long goroutines may need to end: those of a closed
// connection notice it by themselves.
const leakPatience = 10 * time.Second

// noGoroutines fails the test if there are more goroutines than before, and
// shows them.
func (w *world) noGoroutines(before int) {
	w.t.Helper()
	deadline := time.After(leakPatience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for runtime.NumGoroutine() > before {
		select {
		case <-tick.C:
		case <-deadline:
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			w.t.Errorf("%d goroutines, %d before the test:\n%s", runtime.NumGoroutine(), before, stacks)
			return
		}
	}
}
