//go:build linux

package nulls3

import (
	"sync"
	"time"
)

// pace bounds the bandwidth of one direction of one connection.
type pace struct {
	bytesPerSecond int64     // 0: unbounded
	busy           time.Time // until when the line is taken
}

func newPace(mib int) pace { return pace{bytesPerSecond: int64(mib) << 20} }

// pieceMax is the most that passes at once on a line with a bound.
const pieceMax = 128 << 10

// piece shortens n to what may pass at once.
func (p *pace) piece(n int64) int64 {
	if p.bytesPerSecond == 0 {
		return n
	}
	return min(n, pieceMax)
}

// wait waits until the line has carried n more bytes.
func (p *pace) wait(n int64) {
	if p.bytesPerSecond == 0 {
		return
	}
	now := time.Now()
	if p.busy.Before(now) {
		p.busy = now
	}
	p.busy = p.busy.Add(time.Duration(n * int64(time.Second) / p.bytesPerSecond))
	if d := p.busy.Sub(now); d > 2*time.Millisecond { // shorter ones are slept off together
		time.Sleep(d)
	}
}

// rate is a bucket of tokens for requests: a tenth of a second's may be saved.
type rate struct {
	perSecond float64

	mu     sync.Mutex
	tokens float64   // guarded by mu
	filled time.Time // guarded by mu
}

func newRate(perSecond int) *rate {
	if perSecond <= 0 {
		return nil
	}
	return &rate{perSecond: float64(perSecond), filled: time.Now(), tokens: 1}
}

// take takes a token. A nil rate has always one.
func (r *rate) take() bool {
	if r == nil {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.tokens = min(r.tokens+now.Sub(r.filled).Seconds()*r.perSecond, max(1, r.perSecond/10))
	r.filled = now
	if r.tokens < 1 {
		return false
	}
	r.tokens--
	return true
}
