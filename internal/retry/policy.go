// Package retry decides what may be sent again, when, and how often. Every
// decision about retries in the engine is made here: Classify looks at an
// answer, ClassifyError at a broken connection, Policy says how long to wait
// and when to stop, and Budget keeps an outage from being made worse.
package retry

import (
	"math/rand/v2"
	"time"
)

// Policy says how often and how fast a request is tried again. The zero value
// of a field means its default.
type Policy struct {
	// MaxAttempts is the number of attempts, the first included. Default 6.
	MaxAttempts int
	// Base is the upper end of the first back-off, doubled by each further one.
	// Default 100 ms.
	Base time.Duration
	// ThrottleBase is the same for answers that ask to slow down. Default 1 s.
	ThrottleBase time.Duration
	// Cap is the longest back-off. Default 20 s.
	Cap time.Duration
}

// WithDefaults returns the policy with its defaults filled in.
func (p Policy) WithDefaults() Policy {
	if p.MaxAttempts == 0 {
		p.MaxAttempts = 6
	}
	if p.Base == 0 {
		p.Base = 100 * time.Millisecond
	}
	if p.ThrottleBase == 0 {
		p.ThrottleBase = time.Second
	}
	if p.Cap == 0 {
		p.Cap = 20 * time.Second
	}
	return p
}

// Delay is how long to wait before attempt+1, after attempt (from 1) has failed
// with verdict v: full jitter under an exponential ceiling, at least what the
// server asked for, at most Cap.
func (p Policy) Delay(attempt int, v Verdict) time.Duration {
	if v.Now {
		return 0
	}
	p = p.WithDefaults()
	ceiling := p.Base
	if v.Throttle {
		ceiling = p.ThrottleBase
	}
	for ; attempt > 1 && ceiling < p.Cap; attempt-- {
		ceiling *= 2
		if ceiling <= 0 { // too long for a Duration
			ceiling = p.Cap
		}
	}
	ceiling = min(ceiling, p.Cap)
	return max(rand.N(max(ceiling, 1)), min(v.After, p.Cap))
}
