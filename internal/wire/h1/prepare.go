package h1

import (
	"context"
	"sync"

	"github.com/haul-s3/haul/internal/wire"
)

var _ wire.Preparer = (*Client)(nil)

// opening counts the connections that Prepare is opening.
type opening struct {
	mu sync.Mutex
	to map[pathTo]int // guarded by mu
}

// Prepare sees to it that there are n connections to a host, idle or being
// opened, and opens one if there are fewer. Nothing is sent over it but what TLS
// needs.
func (c *Client) Prepare(ctx context.Context, scheme, host string, n int) {
	to := pathTo{scheme, host}
	if ctx.Err() != nil || !c.opening.begin(to, n, c.pool.idleTo(to)) {
		return
	}
	defer c.opening.end(to)
	x := &exchange{client: c, ctx: ctx}
	if c.open(x, to) != nil {
		return
	}
	if !x.stop() || x.conn.sock.flush() != nil || !x.conn.settle() {
		x.conn.abort()
		return
	}
	x.conn.release()
	x.conn.used = true // by the time of its first request it may have been closed, as those that were
	c.pool.put(x.conn)
}

// begin says whether another connection is to be opened.
func (o *opening) begin(to pathTo, n, idle int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if idle+o.to[to] >= n {
		return false
	}
	if o.to == nil {
		o.to = map[pathTo]int{}
	}
	o.to[to]++
	return true
}

func (o *opening) end(to pathTo) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.to[to]--; o.to[to] == 0 {
		delete(o.to, to)
	}
}

// idleTo is how many connections to a host are idle.
func (p *pool) idleTo(to pathTo) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle[to])
}
