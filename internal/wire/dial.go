package wire

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// addressTTL is how long resolved addresses are used before they are asked for
// again. S3's names answer with a few of very many addresses at a time, for
// seconds only, so asking often is what spreads the load.
const addressTTL = 5 * time.Second

// restTime is how long an address that refused is left alone while others work.
const restTime = 30 * time.Second

// resolver is the part of net.Resolver that is used.
type resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// spreadDialer dials the addresses of a host in turn, so that connections are
// spread over all of them.
type spreadDialer struct {
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	resolve resolver

	mu    sync.Mutex
	hosts map[string]*hostAddresses // guarded by mu
}

// hostAddresses is what is known of one host. Guarded by the dialer's mu.
type hostAddresses struct {
	addrs    []netip.Addr
	resolved time.Time
	next     int
	resting  map[netip.Addr]time.Time // until when
}

// DialContext connects to one of the host's addresses: the next in turn that
// isn't resting, and if it refuses the one after it, until all have.
func (d *spreadDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return d.dial(ctx, network, address)
	}
	addrs, err := d.inTurn(ctx, host)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, a := range addrs {
		conn, err := d.dial(ctx, network, net.JoinHostPort(a.String(), port))
		if err == nil {
			return conn, nil
		}
		d.rest(host, a)
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

// inTurn returns the host's addresses in the order in which to try them.
func (d *spreadDialer) inTurn(ctx context.Context, host string) ([]netip.Addr, error) {
	d.mu.Lock()
	h := d.hosts[host]
	fresh := h != nil && time.Since(h.resolved) < addressTTL
	d.mu.Unlock()
	if !fresh {
		addrs, err := d.resolve.LookupNetIP(ctx, "ip", host)
		if err != nil && h == nil {
			return nil, err
		}
		h = d.learn(host, addrs)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return h.orderLocked(time.Now()), nil
}

// learn notes freshly resolved addresses; without any, the old ones stay.
func (d *spreadDialer) learn(host string, addrs []netip.Addr) *hostAddresses {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hosts == nil {
		d.hosts = map[string]*hostAddresses{}
	}
	h := d.hosts[host]
	if h == nil {
		h = &hostAddresses{resting: map[netip.Addr]time.Time{}}
		d.hosts[host] = h
	}
	if len(addrs) > 0 {
		h.addrs = addrs
	}
	h.resolved = time.Now()
	for a, until := range h.resting {
		if h.resolved.After(until) {
			delete(h.resting, a)
		}
	}
	return h
}

// orderLocked turns the addresses by one and puts those that rest last.
func (h *hostAddresses) orderLocked(now time.Time) []netip.Addr {
	var good, resting []netip.Addr
	for i := range h.addrs {
		a := h.addrs[(h.next+i)%len(h.addrs)].Unmap()
		if now.Before(h.resting[a]) {
			resting = append(resting, a)
		} else {
			good = append(good, a)
		}
	}
	h.next++
	return append(good, resting...)
}

func (d *spreadDialer) rest(host string, a netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if h := d.hosts[host]; h != nil {
		h.resting[a] = time.Now().Add(restTime)
	}
}
