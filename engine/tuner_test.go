package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/engine"
)

// model is a server and a network that parts are carried over: so many bytes
// per second for each connection, so many for all, so long until an answer
// comes.
type model struct {
	latency    time.Duration
	perLane    float64 // bytes per second
	altogether float64
	part       int64
	// slower makes the latency grow with the connections, from so many on.
	slowerFrom int
}

// goodput is what n lanes bring, in bytes per second.
func (m model) goodput(n int) float64 {
	return float64(n) * float64(m.part) / m.duration(n).Seconds()
}

// duration is how long one part takes while n are carried.
func (m model) duration(n int) time.Duration {
	rate := min(m.perLane, m.altogether/float64(n))
	latency := m.latency
	if m.slowerFrom > 0 && n > m.slowerFrom {
		latency = latency * time.Duration(n) / time.Duration(m.slowerFrom)
	}
	return latency + time.Duration(float64(m.part)/rate*float64(time.Second))
}

// best is the most that any number of lanes brings.
func (m model) best(most int) (best float64) {
	for n := 1; n <= most; n++ {
		best = max(best, m.goodput(n))
	}
	return best
}

// run carries parts on lanes for a while of fake time, and returns the lanes at
// the end.
func (m model) run(t *testing.T, l *engine.Lanes, bytes, requests *atomic.Int64, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var wg sync.WaitGroup
	for range 600 {
		wg.Go(func() {
			var f engine.Flow
			for l.Acquire(ctx, &f) == nil {
				_, busy := l.Counts()
				slices := max(1, m.part>>18) // of 256 KiB, counted as they come
				for range slices {
					<-time.After(m.duration(busy) / time.Duration(slices)) // fake time
					bytes.Add(m.part / slices)
				}
				requests.Add(1)
				l.Release()
			}
		})
	}
	wg.Wait()
}

const mib = 1 << 20

// TestTunerFindsTheKnee starts from the default, on links of all kinds, and
// wants 95% of what the best fixed number brings after 5 seconds.
func TestTunerFindsTheKnee(t *testing.T) {
	for name, m := range map[string]model{
		"wan":           {latency: 20 * time.Millisecond, perLane: 90 * mib, altogether: 6800 * mib, part: 8 * mib},
		"fast-lan":      {latency: time.Millisecond, perLane: 1000 * mib, altogether: 3000 * mib, part: 8 * mib},
		"slow-link":     {latency: 10 * time.Millisecond, perLane: 90 * mib, altogether: 100 * mib, part: 1 * mib},
		"small-objects": {latency: 20 * time.Millisecond, perLane: 90 * mib, altogether: 2000 * mib, part: 64 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && m.altogether > 1000*mib {
				t.Skip("takes a second and more for hundreds of lanes")
			}
			synctest.Test(t, func(t *testing.T) {
				var bytes, requests atomic.Int64
				l := engine.NewTunedLanes(25, 512, func() (int64, int64) { return bytes.Load(), requests.Load() })
				m.run(t, l, &bytes, &requests, 5*time.Second)
				n, _ := l.Counts()
				if got, want := m.goodput(n), 0.95*m.best(512); got < want {
					t.Errorf("%d lanes bring %.0f MiB/s, want %.0f:\n%s", n, got/mib, want/mib, told(l))
				}
			})
		})
	}
}

// TestTunerIsAGoodCitizen keeps few lanes where more only make the server slow.
func TestTunerIsAGoodCitizen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := model{latency: 10 * time.Millisecond, perLane: 400 * mib, altogether: 400 * mib, part: mib, slowerFrom: 16}
		var bytes, requests atomic.Int64
		l := engine.NewTunedLanes(25, 512, func() (int64, int64) { return bytes.Load(), requests.Load() })
		m.run(t, l, &bytes, &requests, time.Minute)
		if n, _ := l.Counts(); n > 64 {
			t.Errorf("%d lanes after a minute:\n%s", n, told(l))
		}
	})
}

// TestTunerCutsOnThrottle gives three tenths back at once, and not again for
// every answer of the same storm.
func TestTunerCutsOnThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := engine.NewTunedLanes(100, 512, func() (int64, int64) { return 0, 0 })
		time.Sleep(time.Second)
		for range 50 {
			l.Throttled()
		}
		if n, _ := l.Counts(); n != 70 {
			t.Errorf("%d lanes after a storm of throttles, want 70", n)
		}
		for range 100 {
			time.Sleep(time.Second)
			l.Throttled()
		}
		if n, _ := l.Counts(); n != 4 {
			t.Errorf("%d lanes after throttles without end, want 4", n)
		}
		if s := told(l); !strings.Contains(s, "slow down") {
			t.Errorf("the decisions don't say why:\n%s", s)
		}
	})
}

// TestTunerIgnoresIdleLanes decides nothing while lanes are free.
func TestTunerIgnoresIdleLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		l := engine.NewTunedLanes(25, 512, func() (int64, int64) { return n.Load(), n.Load() })
		var f engine.Flow
		for range 1000 {
			if err := l.Acquire(context.Background(), &f); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
			n.Add(mib)
			l.Release()
		}
		if lanes, _ := l.Counts(); lanes != 25 || len(l.Decisions()) > 0 {
			t.Errorf("%d lanes:\n%s", lanes, told(l))
		}
	})
}

func told(l *engine.Lanes) string {
	var b strings.Builder
	for _, d := range l.Decisions() {
		fmt.Fprintf(&b, "%d -> %d at %.0f MiB/s: %s\n", d.From, d.To, d.Goodput/mib, d.Reason)
	}
	return b.String()
}
