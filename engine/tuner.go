package engine

import (
	"fmt"
	"time"
)

// The tuner finds out how many lanes bring the most. It looks at goodput in
// short windows, and moves between these states:
//
//	growing   doubles while each doubling brings a tenth more, then goes back,
//	          unless the last one still brought something
//	holding   leaves things alone for a while
//	up        tries a quarter more; grows on if that brings something
//	down      tries a fifth less; keeps that if it costs nothing
//
// An answer that asks to slow down cuts at once. Windows in which lanes were
// free say nothing about lanes, and are not looked at. So is the window after a
// change, in which the new lanes open their connections.
//
// It has no goroutine: whoever takes or gives back a lane moves it on.
type tuner struct {
	count    func() (bytes, requests int64) // since the client was made
	min, max int

	// All of this is guarded by lanes.mu.
	state     tunerState
	settling  bool      // the window under way follows a change
	began     time.Time // of the window; zero while nothing runs
	bytes     int64     // at its begin
	requests  int64
	full      time.Duration // how long all lanes were busy in it
	fullFrom  time.Time     // since when they are; zero if they aren't
	best      float64       // goodput that the state compares with
	bestN     int           // lanes that brought it
	until     time.Time     // of holding
	cutAt     time.Time     // when it was cut last
	goodput   float64       // of the last window that counted
	limitedBy Limit         // what limited in the sampler's last window
	said      [saidMax]Decision
	saidN     int
}

type tunerState int

const (
	growing tunerState = iota
	holding
	tryingUp
	tryingDown
)

const (
	window    = 250 * time.Millisecond
	windowMax = 8 * window // for windows in which not every lane has ended two things
	holdTime  = 5 * time.Second
	fullShare = 0.75 // of a window, for it to count
	// requestWorth is what a request counts beside its bytes, so that small
	// objects, which latency bounds, ask for lanes as large ones do.
	requestWorth = 32 << 10
	lanesFloor   = 4
	saidMax      = 16
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
	return &tuner{count: count, min: min(least, most), max: most}
}

// note is told at every taking and giving back of a lane whether all n are
// busy, and returns how many there shall be.
func (t *tuner) note(now time.Time, full bool, n int) int {
	if !t.fullFrom.IsZero() {
		t.full += now.Sub(t.fullFrom)
	}
	t.fullFrom = time.Time{}
	if full {
		t.fullFrom = now
	}
	age := now.Sub(t.began)
	if age < window {
		return n
	}
	bytes, requests := t.count()
	if requests-t.requests < 2*int64(n) && age < windowMax {
		return n
	}
	rate := (float64(bytes-t.bytes) + requestWorth*float64(requests-t.requests)) / age.Seconds()
	counts := t.full >= time.Duration(fullShare*float64(age))
	settling := t.settling
	t.began, t.bytes, t.requests, t.full, t.settling = now, bytes, requests, 0, false
	if !counts || settling {
		return n
	}
	t.goodput = rate
	return t.decide(now, rate, n)
}

// decide moves the state on after a window that counts.
func (t *tuner) decide(now time.Time, rate float64, n int) int {
	switch t.state {
	case growing:
		if rate >= 1.1*t.best {
			reason := "they brought " + percent(t.best, rate)
			t.best, t.bestN = rate, n
			if n == t.max {
				return t.hold(now, n, n, "the cap is reached")
			}
			return t.change(now, n, min(2*n, t.max), reason)
		}
		reason := "twice the lanes brought " + percent(t.best, rate)
		if rate < 1.03*t.best {
			return t.hold(now, n, t.bestN, reason)
		}
		t.best = rate
		return t.hold(now, n, n, reason)
	case holding:
		t.best += (rate - t.best) / 4
		if now.Before(t.until) {
			return n
		}
		if n < t.max {
			t.state = tryingUp
			return t.change(now, n, min(n+max(1, n/4), t.max), "looking whether more bring more")
		}
		return t.tryDown(now, n)
	case tryingUp:
		if rate >= 1.05*t.best {
			t.state, t.best, t.bestN = growing, rate, n
			return t.change(now, n, min(2*n, t.max), "a quarter more brought "+percent(t.best, rate))
		}
		return t.tryDown(now, t.bestN)
	default: // tryingDown
		if rate >= 0.98*t.best {
			return t.hold(now, n, n, "a fifth less cost nothing")
		}
		return t.hold(now, n, t.bestN, "a fifth less cost "+percent(t.best, rate))
	}
}

func percent(was, is float64) string {
	if was == 0 {
		return "something"
	}
	return fmt.Sprintf("%+.0f%%", 100*(is/was-1))
}

func (t *tuner) tryDown(now time.Time, n int) int {
	t.state = tryingDown
	if less := max(t.min, n-max(1, n/5)); less < n {
		return t.change(now, n, less, "looking whether fewer do")
	}
	return t.hold(now, n, n, "there can't be fewer")
}

func (t *tuner) hold(now time.Time, from, n int, reason string) int {
	t.state, t.bestN, t.until = holding, n, now.Add(holdTime)
	return t.change(now, from, n, reason)
}

// change notes a decision. The next window only settles.
func (t *tuner) change(now time.Time, from, n int, reason string) int {
	t.settling = from != n
	t.said[t.saidN%saidMax] = Decision{At: now, From: from, To: n, Goodput: t.goodput, Reason: reason, LimitedBy: t.limitedBy}
	t.saidN++
	return n
}

// throttled cuts the lanes by three tenths, once for each window.
func (t *tuner) throttled(now time.Time, n int) int {
	if now.Sub(t.cutAt) < window {
		return n
	}
	t.cutAt = now
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
