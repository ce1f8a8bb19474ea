package wire

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

// headStart is how long an address may take to answer before the next is tried
// beside it: longer than any round trip, so that a good one is hardly ever
// overtaken, and far shorter than the time-out of one that swallows everything
// (RFC 8305, "Happy Eyeballs", advises 250 ms and allows up to 2 s).
const headStart = 500 * time.Millisecond

// race dials addresses, each with a head start before the next. The first that
// answers wins. It belongs to one DialContext.
type race struct {
	dial func(ctx context.Context, a netip.Addr) (net.Conn, error)
	// lost is told of each address that refused, or that another has overtaken.
	lost func(a netip.Addr)

	running []netip.Addr // in the order in which they were started
	errs    []error
}

// finish is how one dial ended.
type finish struct {
	addr netip.Addr
	conn net.Conn
	err  error
}

// run returns the first connection, or the errors of all; there is at least one
// address. It waits for no dial that has lost.
func (r *race) run(ctx context.Context, addrs []netip.Addr) (net.Conn, error) {
	dialing, stop := context.WithCancel(ctx)
	defer stop()
	finishes := make(chan finish) // not closed: a dial that nobody waits for ends with dialing
	next := time.NewTimer(0)
	defer next.Stop()
	for len(addrs) > 0 || len(r.running) > 0 {
		select {
		case <-next.C:
			if len(addrs) > 0 {
				go r.attempt(dialing, addrs[0], finishes)
				r.running, addrs = append(r.running, addrs[0]), addrs[1:]
				next.Reset(headStart)
			}
		case f := <-finishes:
			if f.err == nil {
				r.overtake(f.addr)
				return f.conn, nil
			}
			r.refuse(ctx, f)
			next.Reset(0)
		case <-ctx.Done():
			return nil, errors.Join(append(r.errs, context.Cause(ctx))...)
		}
	}
	return nil, errors.Join(r.errs...)
}

// attempt dials one address. A connection that nobody waits for any more is
// closed.
func (r *race) attempt(ctx context.Context, a netip.Addr, finishes chan<- finish) {
	conn, err := r.dial(ctx, a)
	select {
	case finishes <- finish{a, conn, err}:
	case <-ctx.Done():
		if conn != nil {
			_ = conn.Close() // it has carried nothing
		}
	}
}

// overtake notes the addresses that were started before the winner.
func (r *race) overtake(winner netip.Addr) {
	for _, a := range r.running {
		if a == winner {
			return
		}
		r.lost(a)
	}
}

// refuse notes an address that failed by itself, not because of a cancel.
func (r *race) refuse(ctx context.Context, f finish) {
	for i, a := range r.running {
		if a == f.addr {
			r.running = append(r.running[:i], r.running[i+1:]...)
			break
		}
	}
	r.errs = append(r.errs, f.err)
	if ctx.Err() == nil {
		r.lost(f.addr)
	}
}
