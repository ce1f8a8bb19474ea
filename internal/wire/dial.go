package wire

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// addressTTL is how long resolved addresses are used before they are asked for
// again. S3's names answer with a few of very many addresses at a time, for
// seconds only, so asking often is what spreads the load.
const addressTTL = 5 * time.Second

// restTime is how long an address that refused, or was overtaken, is left alone
// while others work.
const restTime = 30 * time.Second

// hostsMax bounds the hosts that are remembered: each bucket may be one. Past
// it all are forgotten, which costs a look-up each.
const hostsMax = 1000

// resolver is the part of net.Resolver that is used.
type resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// dialFunc is the type of net.Dialer.DialContext.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// spreadDialer dials the addresses of a host in turn, so that connections are
// spread over all of them.
type spreadDialer struct {
	dial    dialFunc
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
// isn't resting. If that refuses, or lets wait, the one after it is tried as
// well, until one has answered or all have refused.
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
	r := &race{
		dial: func(ctx context.Context, a netip.Addr) (net.Conn, error) {
			return d.dial(ctx, network, net.JoinHostPort(a.String(), port))
		},
		lost: func(a netip.Addr) { d.rest(host, a) },
	}
	return r.run(ctx, addrs)
}

// inTurn returns the host's addresses in the order in which to try them.
func (d *spreadDialer) inTurn(ctx context.Context, host string) ([]netip.Addr, error) {
	d.mu.Lock()
	h := d.hosts[host]
	fresh := h != nil && time.Since(h.resolved) < addressTTL
	d.mu.Unlock()
	if !fresh {
		addrs, err := d.resolve.LookupNetIP(ctx, "ip", host)
		if err == nil && len(addrs) == 0 {
			err = &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
		}
		if err != nil && h == nil {
			return nil, err
		}
		if h = d.learn(host, addrs); h == nil {
			return nil, err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return h.orderLocked(time.Now()), nil
}

// learn notes freshly resolved addresses; without any, the old ones stay. Nil
// where there are neither, since they were forgotten meanwhile.
func (d *spreadDialer) learn(host string, addrs []netip.Addr) *hostAddresses {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.hosts[host]
	if h == nil {
		if len(addrs) == 0 {
			return nil
		}
		if d.hosts == nil || len(d.hosts) >= hostsMax {
			d.hosts = map[string]*hostAddresses{}
		}
		h = &hostAddresses{resting: map[netip.Addr]time.Time{}}
		d.hosts[host] = h
	}
	if len(addrs) > 0 {
		h.addrs = distinct(addrs)
	}
	h.resolved = time.Now()
	for a, until := range h.resting {
		if h.resolved.After(until) {
			delete(h.resting, a)
		}
	}
	return h
}

// distinct returns the addresses once each, with an IPv4 address in one form.
func distinct(addrs []netip.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range addrs {
		if a = a.Unmap(); !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// orderLocked turns the addresses by one and puts those that rest last.
func (h *hostAddresses) orderLocked(now time.Time) []netip.Addr {
	var good, resting []netip.Addr
	for i := range h.addrs {
		a := h.addrs[(h.next+i)%len(h.addrs)]
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
