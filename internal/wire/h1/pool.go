package h1

import (
	"sync"
	"time"
)

// pool keeps the idle connections of all hosts. The one that was given back
// last is taken first: it is the least likely to be closed, and the others may
// grow old and go.
type pool struct {
	max     int           // immutable
	timeout time.Duration // immutable

	mu    sync.Mutex
	idle  map[pathTo][]*conn // guarded by mu; oldest first
	count int                // guarded by mu; of all lists
	sweep *time.Timer        // guarded by mu; runs while there are idle connections
}

func (p *pool) init(most int, timeout time.Duration) {
	p.max, p.timeout = most, timeout
	p.idle = map[pathTo][]*conn{}
}

// take returns an idle connection that its server has not closed, or nil.
func (p *pool) take(to pathTo) *conn {
	for {
		c := p.pop(to)
		if c == nil || c.fresh(p.timeout) {
			return c
		}
		c.close()
	}
}

func (p *pool) pop(to pathTo) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.idle[to]
	if len(list) == 0 {
		return nil
	}
	last := len(list) - 1
	c := list[last]
	list[last] = nil
	p.setLocked(to, list[:last])
	return c
}

func (p *pool) setLocked(to pathTo, list []*conn) {
	p.count += len(list) - len(p.idle[to])
	// An empty list keeps its memory: its host is likely to be used again. Those
	// of hosts long gone are forgotten by sweepIdle.
	p.idle[to] = list
}

// put keeps a connection for later. If there are too many, the oldest goes.
func (p *pool) put(c *conn) {
	c.idleSince = time.Now()
	p.mu.Lock()
	p.setLocked(c.to, append(p.idle[c.to], c))
	var surplus *conn
	if p.count > p.max {
		surplus = p.oldestLocked()
	}
	if p.count > 0 && p.sweep == nil {
		p.sweep = time.AfterFunc(p.timeout, p.sweepIdle)
	}
	p.mu.Unlock()
	if surplus != nil {
		surplus.close()
	}
}

// oldestLocked takes the connection that is idle for longest.
func (p *pool) oldestLocked() *conn {
	var oldest *conn
	for _, list := range p.idle {
		if len(list) > 0 && (oldest == nil || list[0].idleSince.Before(oldest.idleSince)) {
			oldest = list[0]
		}
	}
	p.dropFirstLocked(oldest.to, 1)
	return oldest
}

// dropFirstLocked takes the n oldest out of a list.
func (p *pool) dropFirstLocked(to pathTo, n int) {
	list := p.idle[to]
	rest := list[:copy(list, list[n:])]
	clear(list[len(rest):])
	p.setLocked(to, rest)
}

// sweepIdle closes what has been idle for too long. It is the timer's, and
// comes again while there is something left.
func (p *pool) sweepIdle() {
	now := time.Now()
	p.mu.Lock()
	var old []*conn
	for to, list := range p.idle {
		n := 0
		for n < len(list) && now.Sub(list[n].idleSince) >= p.timeout {
			n++
		}
		old = append(old, list[:n]...)
		p.dropFirstLocked(to, n)
		if len(p.idle[to]) == 0 {
			delete(p.idle, to)
		}
	}
	if p.count > 0 {
		p.sweep.Reset(p.timeout / 4)
	} else {
		p.sweep = nil
	}
	p.mu.Unlock()
	for _, c := range old {
		c.close()
	}
}

// closeIdle closes all that is idle now.
func (p *pool) closeIdle() {
	p.mu.Lock()
	lists := p.idle
	p.idle, p.count = map[pathTo][]*conn{}, 0
	if p.sweep != nil {
		p.sweep.Stop()
		p.sweep = nil
	}
	p.mu.Unlock()
	for _, list := range lists {
		for _, c := range list {
			c.close()
		}
	}
}
