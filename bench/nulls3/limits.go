//go:build linux

package nulls3

import (
	"sync"
	"time"
)

// pace bounds the bandwidth of one direction of one connection, and of the line
// that it shares with all others.
type pace struct {
	bytesPerSecond int64     // 0: unbounded
	busy           time.Time // until when the connection's own line is taken
	shared         *line     // nil: unbounded
}

func newPace(mib int, shared *line) pace {
	return pace{bytesPerSecond: int64(mib) << 20, shared: shared}
}

// line is a line that all connections share, in one direction.
type line struct {
	bytesPerSecond int64

	mu   sync.Mutex
	busy time.Time // until when the line is taken; guarded by mu
}

func newLine(mib int) *line {
	if mib <= 0 {
		return nil
	}
	return &line{bytesPerSecond: int64(mib) << 20}
}

// carry takes the line for n bytes and returns when it has carried them.
func (l *line) carry(n int64, now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy = later(l.busy, now).Add(time.Duration(n * int64(time.Second) / l.bytesPerSecond))
	return l.busy
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// pieceMax is the most that passes at once on a line with a bound.
const pieceMax = 128 << 10

// piece shortens n to what may pass at once.
func (p *pace) piece(n int64) int64 {
	if p.bytesPerSecond == 0 && p.shared == nil {
		return n
	}
	return min(n, pieceMax)
}

// wait waits until the lines have carried n more bytes.
func (p *pace) wait(n int64) {
	if p.bytesPerSecond == 0 && p.shared == nil {
		return
	}
	now := time.Now()
	until := now
	if p.bytesPerSecond > 0 {
		p.busy = later(p.busy, now).Add(time.Duration(n * int64(time.Second) / p.bytesPerSecond))
		until = p.busy
	}
	if p.shared != nil {
		until = later(until, p.shared.carry(n, now))
	}
	if d := until.Sub(now); d > 2*time.Millisecond { // shorter ones are slept off together
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

// AnswerDelay is how long an answer waits when so many requests are under way:
// the latency, and in proportion more where there are more than the server
// serves at once.
func (c *Config) AnswerDelay(underWay int64) time.Duration {
	if c.SlowFrom > 0 && underWay > int64(c.SlowFrom) {
		return time.Duration(int64(c.Latency) * underWay / int64(c.SlowFrom))
	}
	return c.Latency
}
