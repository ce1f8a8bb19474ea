package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Towards the end of a transfer there are no more parts to hand out, and the
// slowest part decides when it is done. A lane that has become idle then carries
// such a part a second time, over another connection:
//
//	enter   a lane begins a part
//	due     an idle lane waits until a part takes far longer than its siblings took
//	second  it carries that part too, with one attempt
//	leave   the first lane leaves the part, when the second one has left it
//
// Who has finished first ends the other's attempt. The part stays the first
// lane's in any case: the second one is its guest, and what it failed with is
// nobody's business, so that a race can't make a transfer fail. One part of a
// transfer is raced at a time.

// tail is what a transfer's lanes know of each other's parts.
type tail struct {
	mu      sync.Mutex
	running []*carried      // guarded by mu
	took    []time.Duration // of parts that are done, the last ones; guarded by mu
	changed chan struct{}   // closed when one of these changes; nil: nobody waits; guarded by mu
	racing  bool            // a lane waits for a part to race, or races it; guarded by mu
}

// carried is one part on its lane.
type carried struct {
	length int64
	left   func() int64 // bytes that a second copy has to move; called from another goroutine
	// second carries the part too, on another goroutine, and returns how many
	// bytes it has moved.
	second func(ctx context.Context, ln *lane) (moved int64, err error)

	cancel context.CancelCauseFunc // ends the first lane's attempt
	began  time.Time

	// Guarded by tail.mu.
	outside time.Duration // that no network was waited for
	out     time.Time     // since when that is so; zero: it isn't
	done    bool          // the first lane has finished it
	won     bool          // the second lane has, before
	gone    chan struct{} // closed when the second lane has left it; nil: there was none

	// Of the second lane, set before gone.
	stop     context.CancelCauseFunc
	reserved int64 // bytes of the budget
}

const (
	// raceFactor is how much longer than its siblings a part takes that is raced.
	// Parts of one transfer often differ by a factor of two.
	raceFactor = 3
	// raceAfter is the least time after which a part is raced: to be late by less
	// is not worth another connection.
	raceAfter = 500 * time.Millisecond
	// raceSiblings is how many parts must be done to say what is usual.
	raceSiblings = 3
	// raceShare is the part of all bytes that a client moves which races may
	// move: one in fifty.
	raceShare = 50
	// tookMost is how many siblings are remembered.
	tookMost = 64
)

// errOutrun ends the attempt of the slower lane.
var errOutrun = errors.New("another connection was faster")

// enter notes that a lane begins a part, which may be raced until leave. cancel
// ends what the lane does about it.
func (t *tail) enter(c *carried, cancel context.CancelCauseFunc) {
	c.began, c.cancel = time.Now(), cancel
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running = append(t.running, c)
}

// carry has the first lane carry a part that it has entered with fn, and leaves
// the part also where fn ends the goroutine.
func (t *tail) carry(c *carried, fn func() error) (err error) {
	err = errEnded
	defer func() { err = t.leave(c, err) }()
	err = fn()
	return err
}

// leave notes that the first lane has ended with a part, with err, and waits
// until nobody else carries it: a second copy that may still succeed is let
// finish where the first one has failed. It returns nil if the part is done.
func (t *tail) leave(c *carried, err error) error {
	t.mu.Lock()
	if i := slices.Index(t.running, c); i >= 0 {
		t.running = slices.Delete(t.running, i, i+1)
	}
	c.done = err == nil && !c.won
	if c.done && c.gone == nil {
		t.took = append(t.took, time.Since(c.began)-c.outside)
		t.took = t.took[max(0, len(t.took)-tookMost):]
	}
	gone, done := c.gone, c.done
	t.wakeLocked()
	t.mu.Unlock()
	if gone != nil {
		if done {
			c.stop(errOutrun)
		}
		<-gone
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.won {
		return nil
	}
	return err
}

// away has the time not counted that fn takes: it waits for no network.
func (t *tail) away(c *carried, fn func() error) error {
	t.setOut(c, time.Now())
	defer t.setOut(c, time.Time{})
	return fn()
}

func (t *tail) setOut(c *carried, since time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !c.out.IsZero() {
		c.outside += time.Since(c.out)
	}
	c.out = since
}

func (t *tail) wakeLocked() {
	if t.changed != nil {
		close(t.changed)
		t.changed = nil
	}
}

// race is what a lane does that finds no more parts: it carries slow ones again.
// It returns when no other lane has a part.
func (t *transfer) race(ctx context.Context, ln *lane) {
	ln.drop()
	if t.spawn == nil || !t.tail.begin(t.spawn) {
		return // there is but one lane, or another one does
	}
	defer t.tail.end()
	for {
		c, second := t.due(ctx)
		if c == nil {
			return
		}
		t.carryToo(second, ln, c)
		ln.drop()
	}
}

func (t *tail) begin(s *spawner) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.idle.Add(1)
	t.wakeLocked()
	was := t.racing
	t.racing = true
	return !was
}

func (t *tail) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.racing = false
}

// due waits until a part should be raced, a lane is free for it and the budget
// has its bytes. It returns the part and the second copy's context; nil if there
// is nothing to wait for.
func (t *transfer) due(ctx context.Context) (*carried, context.Context) {
	l := &t.tail
	for {
		l.mu.Lock()
		c, wait := l.slowestLocked(time.Now())
		if wait < 0 {
			if t.spawn.idle.Load() >= t.spawn.started.Load() {
				l.mu.Unlock()
				return nil, nil
			}
			wait = raceAfter // a lane is about to begin a part
		}
		if c != nil && t.client.lanes.spare() && t.client.afford(c) {
			var second context.Context
			second, c.stop = context.WithCancelCause(ctx)
			c.gone = make(chan struct{})
			l.mu.Unlock()
			return c, second
		}
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		timer := time.NewTimer(wait)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, nil
		}
		timer.Stop()
	}
}

// slowestLocked returns the part that is most overdue, nil if none is, and when
// to look again; -1 if there is none that could be.
func (t *tail) slowestLocked(now time.Time) (slowest *carried, wait time.Duration) {
	wait = -1
	usual := t.usualLocked()
	var late time.Duration
	for _, c := range t.running {
		if c.gone != nil {
			continue // once is enough
		}
		if wait < 0 {
			wait = raceAfter // what is overdue may have to wait for a lane, or for the budget
		}
		if usual == 0 || !c.out.IsZero() {
			continue
		}
		age := now.Sub(c.began) - c.outside
		if early := max(raceAfter, raceFactor*usual) - age; early > 0 {
			wait = min(wait, early)
		} else if age > late && c.behind(age, usual) {
			slowest, late = c, age
		}
	}
	return slowest, wait
}

// behind says whether a part that has gone on for age needs, at its pace, longer
// for what is left than a whole one usually takes.
func (c *carried) behind(age, usual time.Duration) bool {
	left := c.left()
	there := c.length - left
	if there <= 0 {
		return true
	}
	return float64(age)*float64(left) > float64(usual)*float64(there)
}

// usualLocked is how long parts take, 0 if that isn't known.
func (t *tail) usualLocked() time.Duration {
	if len(t.took) < raceSiblings {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t.took))
	return max(1, sorted[len(sorted)/2])
}

// carryToo carries a part a second time.
func (t *transfer) carryToo(ctx context.Context, ln *lane, c *carried) {
	defer close(c.gone)
	moved, err := int64(0), ln.take(ctx)
	if err == nil {
		moved, err = c.second(ctx, ln)
	}
	c.stop(nil)
	t.client.raced.Add(min(0, moved-c.reserved))
	t.tail.mu.Lock()
	defer t.tail.mu.Unlock()
	if err == nil && !c.done {
		c.won = true
		c.cancel(errOutrun)
	}
}

// afford takes what a second copy has to move out of the budget for races, if
// it is in there.
func (c *Client) afford(p *carried) bool {
	n := p.left()
	sent, received := c.sent.Load(), c.received.Load()
	for {
		raced := c.raced.Load()
		if raced+n > (sent+received)/raceShare {
			return false
		}
		if c.raced.CompareAndSwap(raced, raced+n) {
			p.reserved = n
			return true
		}
	}
}
