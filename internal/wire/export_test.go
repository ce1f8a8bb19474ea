package wire

import (
	"context"
	"net"
	"net/netip"
)

// Times of the dialer.
const (
	AddressTTL = addressTTL
	RestTime   = restTime
	HeadStart  = headStart
	HostsMax   = hostsMax
)

// LookupFunc is a resolver.
type LookupFunc func(ctx context.Context, network, host string) ([]netip.Addr, error)

// LookupNetIP calls f.
func (f LookupFunc) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	return f(ctx, network, host)
}

// NewSpreadDialer returns the DialContext of a spread dialer.
func NewSpreadDialer(dial func(ctx context.Context, network, address string) (net.Conn, error), lookup LookupFunc) func(ctx context.Context, network, address string) (net.Conn, error) {
	return (&spreadDialer{dial: dial, resolve: lookup}).DialContext
}
