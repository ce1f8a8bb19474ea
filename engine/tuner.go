package engine

import (
	"fmt"
	"time"
)

// The tuner finds out how many lanes bring the most, and keeps no more than are
// needed for that. It looks at goodput in short windows, and moves between these
// states:
//
//	growing    doubles while each doubling brings a tenth more. One that doesn't
//	           is looked at twice, and then taken back
//	returning  looks anew at the number that was best
//	shrinking  takes a fifth less, and then more than that, while it costs
//	           nothing
//	holding    leaves things alone for a while, the longer the more often
//	           nothing better was found; ends when goodput changes by itself
//	probing    tries a quarter more; grows on if that brings something, else
//	           shrinks
//
// With all lanes busy, a request takes as long as there are lanes for each
// request that is done: more lanes without more goodput are latency that grows
// for nothing. So shrinking is how it backs off from a slow server, and an
// answer that asks to slow down cuts at once.
//
// Windows in which lanes were free say nothing about lanes, and are not looked
// at. So is the window after a change, in which the new lanes open their
// connections. It has no goroutine: whoever takes or gives back a lane, or has
// carried a slice, moves it on.
type tuner struct {
	count    func() (bytes, requests int64) // since the client was made
	min, max int

	// All of this is guarded by lanes.mu.
	state     tunerState
	settling  bool      // the window under way follows a change
	began     time.Time // of the window; zero while nothing runs
	bytes     int64     // at its begin
	requests  int64
	full      time.Duration // how long nearly all lanes were busy in it
	fullFrom  time.Time     // since when they are; zero if they aren't
	best      float64       // goodput that the state compares with; 0 if none is known
	bestN     int           // lanes that brought it
	tooFew    int           // lanes that brought less; 0 if none are known
	step      float64       // of shrinking, the share of the lanes that are tried without
	odd       int           // windows in a row that speak for leaving the state
	until     time.Time     // of holding
	holdFor   time.Duration // how long the next holding is
	cutAt     time.Time     // when it was cut last
	goodput   float64       // of the last window that counted
	limitedBy Limit         // what limited in the sampler's last window
	said      [saidMax]Decision
	saidN     int
}

type tunerState int

const (
	growing tunerState = iota
	returning
	shrinking
	holding
	probing
)

const (
	window     = 250 * time.Millisecond
	windowCalm = 2 * window // for windows of other states than growing
	// A window is longer where not every lane has ended two things in it. Large
	// parts are counted as their slices come, so it needn't wait for their ends.
	windowParts = 4 * window
	windowMax   = 8 * window
	windowLong  = 16 * window // for windows in which not even one has ended
	smooth      = 1 << 20     // bytes of each lane in a window, for it to be one of large parts
	holdMin     = 5 * time.Second
	holdMax     = 40 * time.Second
	fullShare   = 0.75 // of a window, for it to count
	// requestWorth is what a request counts beside its bytes, so that small
	// objects, which latency bounds, ask for lanes as large ones do.
	requestWorth = 32 << 10
	stepMin      = 0.2
	stepMax      = 0.5
	lanesFloor   = 4 // however often the server asks to slow down
	politeFloor  = 8 // no server is hurt by so few, so that fewer aren't tried
	saidMax      = 16
)

// What goodput must be, as a share of the best, for a state to go on.
const (
	worthDoubling = 1.10
	worthAllOfIt  = 1.25 // of a doubling, for half of it to be too few
	worthKeeping  = 1.03 // of a doubling
	worthAQuarter = 1.05
	costsNothing  = 0.985 // of fewer
	muchLess      = 0.80  // while nothing was changed
	muchMore      = 1.25
)

// Decision is one change of the number of lanes, and why.
type Decision struct {
	At       time.Time
	From, To int
	// Goodput is what the last window brought, bytes per second, with 32 KiB
	// for each request.
	Goodput float64
	Reason  string
	// LimitedBy is what limited the client at that moment; LimitNone in the
	// first quarter of a second.
	LimitedBy Limit
}

// newTuner returns a tuner that keeps to least..most lanes.
func newTuner(least, most int, count func() (bytes, requests int64)) *tuner {
	return &tuner{count: count, min: min(least, most), max: most, settling: true, holdFor: holdMin}
}

// note is told at every taking and giving back of a lane how many of n are busy,
// and returns how many there shall be.
func (t *tuner) note(now time.Time, busy, n int) int {
	if !t.fullFrom.IsZero() {
		t.full += now.Sub(t.fullFrom)
	}
	t.fullFrom = time.Time{}
	// Nearly all: a lane that goes from one small object to the next is free for
	// a moment.
	if busy >= n-n/8 {
		t.fullFrom = now
	}
	age := now.Sub(t.began)
	if age < window {
		return n
	}
	totalBytes, totalRequests := t.count()
	bytes, requests := totalBytes-t.bytes, totalRequests-t.requests
	if !t.enough(age, bytes, requests, int64(n)) {
		return n
	}
	counts := t.full >= time.Duration(fullShare*float64(age))
	settling := t.settling || busy > n // after a cut, large parts go on for a while
	t.began, t.bytes, t.requests, t.full, t.settling = now, totalBytes, totalRequests, 0, settling && !counts || busy > n
	if !counts || settling {
		return n
	}
	t.goodput = (float64(bytes) + requestWorth*float64(requests)) / age.Seconds()
	return t.decide(now, t.goodput, n)
}

// enough says whether a window is long enough to be judged.
func (t *tuner) enough(age time.Duration, bytes, requests, n int64) bool {
	switch {
	case t.settling:
		return requests >= n || age >= 2*window
	case requests >= 2*n:
		return t.state == growing || age >= windowCalm
	case bytes >= smooth*n && t.state == growing:
		return age >= windowParts
	case requests >= n:
		return age >= windowMax
	}
	return age >= windowLong
}

// decide moves the state on after a window that counts.
func (t *tuner) decide(now time.Time, rate float64, n int) int {
	switch t.state {
	case growing:
		return t.grow(now, rate, n)
	case returning:
		t.best = (t.best + rate) / 2 // one window may have been lucky
		return t.shrink(now, n, stepMin, "looking whether fewer do")
	case shrinking:
		return t.goOnShrinking(now, rate, n)
	case holding:
		return t.keep(now, rate, n)
	default: // probing
		if rate >= worthAQuarter*t.best {
			return t.double(now, rate, n, "a quarter more brought "+percent(t.best, rate))
		}
		reason := "a quarter more brought " + percent(t.best, rate) + "; looking whether fewer do"
		// Else a little would be lost with each time that fewer are tried.
		t.best = max(t.best, rate)
		return t.shrink(now, n, stepMin, reason)
	}
}

// grow judges a doubling, or the number that it all begins with.
func (t *tuner) grow(now time.Time, rate float64, n int) int {
	brought := "twice the lanes brought " + percent(t.best, rate)
	switch {
	case rate >= worthDoubling*t.best && n == t.max:
		t.best, t.bestN = rate, n
		return t.hold(now, n, n, "the cap is reached")
	case rate >= worthDoubling*t.best:
		return t.double(now, rate, n, "they brought "+percent(t.best, rate))
	case t.odd == 0:
		t.odd++
		return n
	case rate >= worthKeeping*t.best:
		t.best = rate
		return t.hold(now, n, n, brought)
	}
	t.state = returning
	return t.change(now, n, t.bestN, brought)
}

// double goes on growing from n lanes that are worth it.
func (t *tuner) double(now time.Time, rate float64, n int, reason string) int {
	t.state, t.holdFor = growing, holdMin
	if rate >= worthAllOfIt*t.best || n < 2*t.bestN {
		t.tooFew = t.bestN
	}
	t.best, t.bestN = rate, n
	return t.change(now, n, min(2*n, t.max), reason)
}

// shrink tries a share less than the number that was best.
func (t *tuner) shrink(now time.Time, n int, step float64, reason string) int {
	t.state, t.step = shrinking, step
	less := max(t.min, politeFloor, t.tooFew+max(1, t.tooFew/8), t.bestN-max(1, int(step*float64(t.bestN))))
	if less < t.bestN {
		return t.change(now, n, less, reason)
	}
	return t.hold(now, n, t.bestN, "fewer are too few")
}

// goOnShrinking judges what it is to have fewer.
func (t *tuner) goOnShrinking(now time.Time, rate float64, n int) int {
	switch {
	case rate > muchMore*t.best:
		reason := "goodput changed by itself, " + percent(t.best, rate)
		t.best = 0
		return t.hold(now, n, t.bestN, reason)
	case rate >= costsNothing*t.best:
		t.bestN = n
		return t.shrink(now, n, min(1.4*t.step, stepMax), "fewer cost nothing")
	case t.step > stepMin:
		t.tooFew = n
		return t.shrink(now, n, stepMin, "so few cost "+percent(t.best, rate))
	}
	return t.hold(now, n, t.bestN, "fewer cost "+percent(t.best, rate))
}

// keep looks whether it is time for something new.
func (t *tuner) keep(now time.Time, rate float64, n int) int {
	less, more := rate < muchLess*t.best, rate > muchMore*t.best && t.best > 0
	if less || more {
		t.odd++
	} else {
		t.odd = 0
	}
	switch {
	case t.best == 0:
		t.best = rate
	case t.odd == 2 && less:
		reason := "goodput changed by itself, " + percent(t.best, rate) + ": looking whether fewer do"
		t.best, t.tooFew, t.holdFor = rate, 0, holdMin
		return t.shrink(now, n, stepMax, reason)
	case t.odd == 2:
		reason := "goodput changed by itself, " + percent(t.best, rate) + ": looking whether more bring more"
		t.best, t.holdFor = rate, holdMin
		return t.probe(now, n, reason)
	case t.odd == 0:
		t.best += (rate - t.best) / 4
	}
	if now.Before(t.until) {
		return n
	}
	return t.probe(now, n, "looking whether more bring more")
}

// probe tries a quarter more.
func (t *tuner) probe(now time.Time, n int, reason string) int {
	t.tooFew = 0 // that was long ago
	if n == t.max {
		return t.shrink(now, n, stepMin, "looking whether fewer do")
	}
	t.state = probing
	return t.change(now, n, min(n+max(1, n/4), t.max), reason)
}

func percent(was, is float64) string {
	if was == 0 {
		return "something"
	}
	return fmt.Sprintf("%+.0f%%", 100*(is/was-1))
}

// hold keeps n lanes for a while.
func (t *tuner) hold(now time.Time, from, n int, reason string) int {
	t.state, t.bestN, t.until = holding, n, now.Add(t.holdFor)
	t.holdFor = min(2*t.holdFor, holdMax)
	return t.change(now, from, n, reason)
}

// change notes a decision. The next window only settles.
func (t *tuner) change(now time.Time, from, n int, reason string) int {
	t.settling, t.odd = from != n, 0
	t.said[t.saidN%saidMax] = Decision{At: now, From: from, To: n, Goodput: t.goodput, Reason: reason, LimitedBy: t.limitedBy}
	t.saidN++
	return n
}

// throttled cuts the lanes by three tenths, once for each window.
func (t *tuner) throttled(now time.Time, n int) int {
	if now.Sub(t.cutAt) < window {
		return n
	}
	t.cutAt, t.best, t.holdFor = now, 0, holdMin
	return t.hold(now, n, max(t.min, n*7/10), "the server asks to slow down")
}

// decisions are the last ones, the oldest first.
func (t *tuner) decisions() []Decision {
	var out []Decision
	for i := max(0, t.saidN-saidMax); i < t.saidN; i++ {
		out = append(out, t.said[i%saidMax])
	}
	return out
}
