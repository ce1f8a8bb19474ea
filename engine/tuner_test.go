package engine_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
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
	// uneven is by how much parts differ in the time they take, from 0 to 1, and
	// by how much the link does from one second to the next.
	uneven, wobble float64
}

// goodput is what n lanes bring, in bytes per second.
func (m model) goodput(n int) float64 {
	took := m.answer(n).Seconds() + float64(m.part)/m.perLane
	return min(m.altogether, float64(n)*float64(m.part)/took)
}

// best is the most that any number of lanes brings.
func (m model) best() (best float64) {
	for n := 1; n <= 512; n++ {
		best = max(best, m.goodput(n))
	}
	return best
}

// answer is how long an answer takes to come while n are asked for.
func (m model) answer(n int) time.Duration {
	if m.slowerFrom > 0 && n > m.slowerFrom {
		return m.latency * time.Duration(n) / time.Duration(m.slowerFrom)
	}
	return m.latency
}

// link is a model at work on lanes.
type link struct {
	model           atomic.Pointer[model] // a test may exchange it
	lanes           *engine.Lanes
	bytes, requests atomic.Int64
	moving          atomic.Int64 // lanes that carry a body
	began           time.Time
	stop            func() // ends it and waits
}

// startLink begins with n lanes of at most 512, and goes on until stop.
func startLink(t *testing.T, m model, n int) *link {
	k := &link{began: time.Now()}
	k.model.Store(&m)
	k.lanes = engine.NewTunedLanes(n, 512, func() (int64, int64) { return k.bytes.Load(), k.requests.Load() })
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	k.stop = func() { cancel(); wg.Wait() }
	for i := range 600 {
		luck := rand.New(rand.NewPCG(uint64(i), 1))
		wg.Go(func() {
			var f engine.Flow
			for k.lanes.Acquire(ctx, &f) == nil {
				k.carry(luck)
				k.lanes.Release()
			}
		})
	}
	return k
}

// during returns the goodput of the next while, in bytes per second.
func (k *link) during(d time.Duration) float64 {
	before := k.bytes.Load()
	<-time.After(d) // fake time
	return float64(k.bytes.Load()-before) / d.Seconds()
}

// carry carries a part, MiB by MiB, each as fast as the link is
// then.
func (k *link) carry(luck *rand.Rand) {
	m := k.model.Load()
	_, busy := k.lanes.Counts()
	k.requests.Add(1)
	fate := 1 + m.uneven*(2*luck.Float64()-1)
	<-time.After(time.Duration(fate * float64(m.answer(busy)))) // fake time
	k.moving.Add(1)
	defer k.moving.Add(-1)
	for left := m.part; left > 0; {
		slice := min(left, mib)
		weather := 1 + m.wobble*math.Sin(2*math.Pi*time.Since(k.began).Seconds()/0.7)
		rate := min(m.perLane/fate, m.altogether*weather/float64(k.moving.Load()))
		<-time.After(time.Duration(float64(slice) / rate * float64(time.Second))) // fake time
		k.bytes.Add(slice)
		k.lanes.Progressed()
		left -= slice
	}
}

const mib = 1 << 20

// links are of all kinds.
var links = map[string]model{
	"wan":            {latency: 20 * time.Millisecond, perLane: 90 * mib, altogether: 6800 * mib, part: 8 * mib},
	"wan-uneven":     {latency: 20 * time.Millisecond, perLane: 90 * mib, altogether: 6800 * mib, part: 8 * mib, uneven: 0.5, wobble: 0.05},
	"fast-lan":       {latency: time.Millisecond, perLane: 300 * mib, altogether: 900 * mib, part: 8 * mib},
	"slow-link":      {latency: 10 * time.Millisecond, perLane: 90 * mib, altogether: 100 * mib, part: 1 * mib},
	"far-and-thin":   {latency: 100 * time.Millisecond, perLane: 3 * mib, altogether: 200 * mib, part: 8 * mib},
	"thin-uneven":    {latency: 20 * time.Millisecond, perLane: 6 * mib, altogether: 400 * mib, part: 8 * mib, uneven: 0.5, wobble: 0.05},
	"small-objects":  {latency: 80 * time.Millisecond, perLane: 90 * mib, altogether: 2000 * mib, part: 64 << 10},
	"small-and-far":  {latency: 60 * time.Millisecond, perLane: 90 * mib, altogether: 100 * mib, part: 64 << 10, uneven: 0.3},
	"tiny-objects":   {latency: 80 * time.Millisecond, perLane: 90 * mib, altogether: 2000 * mib, part: 1 << 10, uneven: 0.3},
	"small-capacity": {latency: 20 * time.Millisecond, perLane: 90 * mib, altogether: 40 * mib, part: 64 << 10, wobble: 0.05},
}

// millionsOfParts skips a test of a model among the short ones.
func millionsOfParts(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("carries millions of parts")
	}
}

// TestTunerFindsTheKnee starts from the default, on links of all kinds, and
// wants 95% of what the best fixed number brings in the seconds 5 to 10, and
// nearly as much for as long as it goes on, what it tries now and then included.
// Of a link that changes by itself it wants a little less.
func TestTunerFindsTheKnee(t *testing.T) {
	t.Parallel()
	millionsOfParts(t)
	for name, m := range links {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := startLink(t, m, 25)
				defer k.stop()
				k.during(5 * time.Second)
				for i, share := range []float64{0.95, 0.93} {
					want, d := (share-m.wobble/2)*m.best(), time.Duration(5+10*i)*time.Second
					got := k.during(d)
					if n, _ := k.lanes.Counts(); got < want {
						t.Errorf("%d lanes brought %.1f MiB/s in %v, want %.1f:\n%s", n, got/mib, d, want/mib, told(k.lanes))
					}
				}
			})
		})
	}
}

// TestTunerIsAGoodCitizen keeps few lanes where more only make the server slow.
func TestTunerIsAGoodCitizen(t *testing.T) {
	t.Parallel()
	millionsOfParts(t)
	synctest.Test(t, func(t *testing.T) {
		m := model{latency: 10 * time.Millisecond, perLane: 400 * mib, altogether: 1000 * mib, part: 64 << 10, slowerFrom: 16}
		k := startLink(t, m, 100)
		defer k.stop()
		k.during(20 * time.Second)
		got := k.during(20 * time.Second)
		if n, _ := k.lanes.Counts(); n > 40 || got < 0.93*m.best() {
			t.Errorf("%d lanes after 40 s, %.1f MiB/s, want at most 40, %.1f:\n%s", n, got/mib, m.best()/mib, told(k.lanes))
		}
	})
}

// TestTunerBacksOffFromASlowServer has a server get slow while nothing is tried.
func TestTunerBacksOffFromASlowServer(t *testing.T) {
	t.Parallel()
	millionsOfParts(t)
	synctest.Test(t, func(t *testing.T) {
		m := model{latency: 60 * time.Millisecond, perLane: 90 * mib, altogether: 200 * mib, part: 64 << 10}
		k := startLink(t, m, 25)
		defer k.stop()
		k.during(30 * time.Second)
		before, _ := k.lanes.Counts()
		m.slowerFrom = 16
		k.model.Store(&m)
		k.during(10 * time.Second)
		if n, _ := k.lanes.Counts(); n > before/3 {
			t.Errorf("%d lanes 10 s after the server got slow, want a third of %d at most:\n%s", n, before, told(k.lanes))
		}
		if got := k.during(10 * time.Second); got < 0.9*m.best() {
			t.Errorf("%.1f MiB/s after the server got slow, want 90%% of %.1f:\n%s", got/mib, m.best()/mib, told(k.lanes))
		}
	})
}

// TestTunerForgetsAStall has the link stand still for a moment.
func TestTunerForgetsAStall(t *testing.T) {
	t.Parallel()
	millionsOfParts(t)
	synctest.Test(t, func(t *testing.T) {
		m := model{latency: 20 * time.Millisecond, perLane: 90 * mib, altogether: 4000 * mib, part: mib}
		k := startLink(t, m, 25)
		defer k.stop()
		k.during(30 * time.Second)
		stalled := m
		stalled.latency = time.Second
		k.model.Store(&stalled)
		k.during(3 * time.Second)
		k.model.Store(&m)
		k.during(10 * time.Second)
		if got := k.during(10 * time.Second); got < 0.9*m.best() {
			t.Errorf("%.1f MiB/s 10 s after the link stood still, want 90%% of %.1f:\n%s", got/mib, m.best()/mib, told(k.lanes))
		}
	})
}

// TestTunerTakesUpWhatComesBack has a link grow while nothing is tried.
func TestTunerTakesUpWhatComesBack(t *testing.T) {
	t.Parallel()
	millionsOfParts(t)
	synctest.Test(t, func(t *testing.T) {
		m := model{latency: 20 * time.Millisecond, perLane: 90 * mib, altogether: 400 * mib, part: mib}
		k := startLink(t, m, 25)
		defer k.stop()
		k.during(30 * time.Second)
		m.altogether = 4000 * mib
		k.model.Store(&m)
		k.during(15 * time.Second)
		if got := k.during(15 * time.Second); got < 0.95*m.best() {
			t.Errorf("%.1f MiB/s 15 s after the link has grown, want 95%% of %.1f:\n%s", got/mib, m.best()/mib, told(k.lanes))
		}
	})
}

// TestTunerCutsOnThrottle gives three tenths back at once, and not again for
// every answer of the same storm.
func TestTunerCutsOnThrottle(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
