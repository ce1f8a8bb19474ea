package wire_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/internal/wire"
)

var (
	errRefused  = errors.New("connection refused by the test")
	errNoAnswer = errors.New("no answer of the resolver")
)

// network is a fake one: a resolver and the hosts behind it.
type network struct {
	mu      sync.Mutex
	addrs   []string                 // what the resolver answers; none: it fails
	bad     map[string]bool          // addresses that refuse
	slow    map[string]time.Duration // how long an address takes to answer
	dials   []string                 // guarded by mu
	lookups int                      // guarded by mu
	open    int                      // guarded by mu; connections that aren't closed
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

func newNetwork(addrs ...string) *network {
	n := &network{addrs: addrs, bad: map[string]bool{}, slow: map[string]time.Duration{}}
	n.dial = wire.NewSpreadDialer(n.connect, n.lookup)
	return n
}

func (n *network) lookup(context.Context, string, string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lookups++
	if n.addrs == nil {
		return nil, errNoAnswer
	}
	var out []netip.Addr
	for _, a := range n.addrs {
		out = append(out, netip.MustParseAddr(a))
	}
	return out, nil
}

// connection is one that only counts.
type connection struct {
	net.Conn
	n *network
}

func (c connection) Close() error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	c.n.open--
	return nil
}

func (n *network) connect(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	n.dials = append(n.dials, address)
	bad, slow := n.bad[address], n.slow[address]
	n.mu.Unlock()
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if bad {
		return nil, fmt.Errorf("dial %s: %w", address, errRefused)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open++
	return connection{n: n}, nil
}

// takeDials returns the addresses dialled since the last call.
func (n *network) takeDials() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	got := n.dials
	n.dials = nil
	return got
}

// mustDial dials and returns what was dialled for it.
func (n *network) mustDial(t *testing.T, address string) []string {
	t.Helper()
	conn, err := n.dial(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	return n.takeDials()
}

func wantDials(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: dialled %v, want %v", what, got, want)
	}
}

func TestDialTurnsOverAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork("10.0.0.1", "10.0.0.2", "2001:db8::1", "::ffff:10.0.0.1")
		for _, want := range []string{"10.0.0.1:80", "10.0.0.2:80", "[2001:db8::1]:80", "10.0.0.1:80"} {
			wantDials(t, "in turn", n.mustDial(t, "s3.example:80"), want)
		}
	})
}

func TestDialLiterals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork("10.0.0.1")
		for _, literal := range []string{"127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:443"} {
			wantDials(t, "literal", n.mustDial(t, literal), literal)
		}
		if n.lookups != 0 {
			t.Errorf("literals: got %d look-ups, want 0", n.lookups)
		}
		wantDials(t, "localhost", n.mustDial(t, "localhost:80"), "10.0.0.1:80")
		if conn, err := n.dial(t.Context(), "tcp", "no-port"); err == nil || conn != nil {
			t.Errorf("no port: got %v, %v, want an error", conn, err)
		}
	})
}

func TestDialRestsBadAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork("10.0.0.1", "10.0.0.2")
		n.bad["10.0.0.1:80"] = true
		wantDials(t, "first", n.mustDial(t, "h:80"), "10.0.0.1:80", "10.0.0.2:80")
		for range 4 {
			wantDials(t, "while it rests", n.mustDial(t, "h:80"), "10.0.0.2:80")
		}
		time.Sleep(wire.RestTime)
		got := append(n.mustDial(t, "h:80"), n.mustDial(t, "h:80")...)
		if !slices.Contains(got, "10.0.0.1:80") {
			t.Errorf("after its rest: dialled %v, want 10.0.0.1:80 among them", got)
		}
		// Both are bad, and then the first is well again.
		n.bad["10.0.0.2:80"] = true
		if conn, err := n.dial(t.Context(), "tcp", "h:80"); conn != nil || !errors.Is(err, errRefused) ||
			!strings.Contains(err.Error(), "10.0.0.1") || !strings.Contains(err.Error(), "10.0.0.2") {
			t.Errorf("all bad: got %v, %v, want the errors of both", conn, err)
		}
		n.takeDials()
		delete(n.bad, "10.0.0.1:80")
		if got := n.mustDial(t, "h:80"); got[len(got)-1] != "10.0.0.1:80" {
			t.Errorf("all rest: dialled %v, want 10.0.0.1:80 in the end", got)
		}
	})
}

func TestDialAsksTheResolverAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork("10.0.0.1")
		wantDials(t, "first", n.mustDial(t, "h:80"), "10.0.0.1:80")
		n.addrs = []string{"10.0.0.2"}
		wantDials(t, "fresh", n.mustDial(t, "h:80"), "10.0.0.1:80")
		time.Sleep(wire.AddressTTL)
		wantDials(t, "asked again", n.mustDial(t, "h:80"), "10.0.0.2:80")
		for _, nothing := range [][]string{nil, {}} {
			n.addrs = nothing
			time.Sleep(wire.AddressTTL)
			wantDials(t, "no answer", n.mustDial(t, "h:80"), "10.0.0.2:80")
		}
		if n.lookups != 4 {
			t.Errorf("got %d look-ups, want 4", n.lookups)
		}
	})
}

func TestDialUnknownHost(t *testing.T) {
	n := newNetwork()
	if conn, err := n.dial(t.Context(), "tcp", "h:80"); conn != nil || !errors.Is(err, errNoAnswer) {
		t.Errorf("got %v, %v, want %v", conn, err, errNoAnswer)
	}
	n.addrs = []string{}
	var dns *net.DNSError
	if conn, err := n.dial(t.Context(), "tcp", "h:80"); conn != nil || !errors.As(err, &dns) || !dns.IsNotFound {
		t.Errorf("no addresses: got %v, %v, want a DNS error", conn, err)
	}
}

// An address that swallows everything costs a head start, once in a while, and
// what comes of it too late is closed.
func TestDialRacesASilentAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork("2001:db8::1", "10.0.0.1", "10.0.0.2")
		n.slow["[2001:db8::1]:80"] = time.Hour
		began := time.Now()
		wantDials(t, "first", n.mustDial(t, "h:80"), "[2001:db8::1]:80", "10.0.0.1:80")
		if took := time.Since(began); took != wire.HeadStart {
			t.Errorf("took %v, want %v", took, wire.HeadStart)
		}
		began = time.Now()
		for range 3 {
			if got := n.mustDial(t, "h:80"); len(got) != 1 || got[0] == "[2001:db8::1]:80" {
				t.Errorf("after it was overtaken: dialled %v, want another", got)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v, want 0", took)
		}
		synctest.Wait()
		if n.open != 0 {
			t.Errorf("got %d connections that nobody has, want 0", n.open)
		}
	})
}

// A far host is slow by every address. The first to start wins, and the one
// started beside it is not to blame.
func TestDialFarHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork("10.0.0.1", "10.0.0.2")
		for _, a := range n.addrs {
			n.slow[a+":80"] = wire.HeadStart * 3 / 2
		}
		began := time.Now()
		wantDials(t, "first", n.mustDial(t, "h:80"), "10.0.0.1:80", "10.0.0.2:80")
		if took := time.Since(began); took != wire.HeadStart*3/2 {
			t.Errorf("took %v, want %v", took, wire.HeadStart*3/2)
		}
		wantDials(t, "second", n.mustDial(t, "h:80"), "10.0.0.2:80", "10.0.0.1:80")
		synctest.Wait()
		if n.open != 0 {
			t.Errorf("got %d connections that nobody has, want 0", n.open)
		}
	})
}

// Not every dial ends when its context does.
func TestDialClosesALateConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork("10.0.0.1", "10.0.0.2")
		n.slow["10.0.0.1:80"] = time.Minute
		n.dial = wire.NewSpreadDialer(func(_ context.Context, network, address string) (net.Conn, error) {
			return n.connect(context.Background(), network, address)
		}, n.lookup)
		n.mustDial(t, "h:80")
		time.Sleep(time.Hour)
		synctest.Wait()
		if n.open != 0 {
			t.Errorf("got %d connections that nobody has, want 0", n.open)
		}
	})
}

// A cancelled dial says nothing of the address.
func TestDialCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork("10.0.0.1", "10.0.0.2")
		n.slow["10.0.0.1:80"] = time.Hour
		stop := errors.New("stopped by the test")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(wire.HeadStart/2, func() { cancel(stop) })
		began := time.Now()
		if conn, err := n.dial(ctx, "tcp", "h:80"); conn != nil || !errors.Is(err, stop) {
			t.Errorf("got %v, %v, want %v", conn, err, stop)
		}
		if took := time.Since(began); took != wire.HeadStart/2 {
			t.Errorf("took %v, want %v", took, wire.HeadStart/2)
		}
		synctest.Wait()
		n.takeDials()
		n.slow["10.0.0.1:80"] = 0
		wantDials(t, "second", n.mustDial(t, "h:80"), "10.0.0.2:80")
		wantDials(t, "third", n.mustDial(t, "h:80"), "10.0.0.1:80")
	})
}

func TestDialForgetsOldHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork("10.0.0.1")
		for i := range 2 * wire.HostsMax {
			n.mustDial(t, fmt.Sprintf("bucket-%d:80", i))
		}
		lookups := n.lookups
		n.mustDial(t, "bucket-0:80")
		if n.lookups != lookups+1 {
			t.Errorf("got %d look-ups of a forgotten host, want 1", n.lookups-lookups)
		}
	})
}

// A known host that is forgotten while its name can't be resolved is no
// connection, and no success either.
func TestDialForgottenWhileUnresolved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dial func(ctx context.Context, network, address string) (net.Conn, error)
		known := false
		lookup := func(ctx context.Context, _, host string) ([]netip.Addr, error) {
			if host == "h" && known {
				for i := range wire.HostsMax {
					if _, err := dial(ctx, "tcp", fmt.Sprintf("bucket-%d:80", i)); err != nil {
						t.Error(err)
					}
				}
				return nil, errNoAnswer
			}
			known = known || host == "h"
			return []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil
		}
		dial = wire.NewSpreadDialer(func(context.Context, string, string) (net.Conn, error) {
			a, _ := net.Pipe()
			return a, nil
		}, lookup)
		if _, err := dial(t.Context(), "tcp", "h:80"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(wire.AddressTTL)
		if conn, err := dial(t.Context(), "tcp", "h:80"); conn != nil || !errors.Is(err, errNoAnswer) {
			t.Errorf("got %v, %v, want %v", conn, err, errNoAnswer)
		}
	})
}
