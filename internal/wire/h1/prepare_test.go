package h1_test

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"testing"

	"github.com/haul-s3/haul/internal/wire"
	"github.com/haul-s3/haul/internal/wire/h1"
)

// Connections that were opened before they were needed carry the requests, over
// plain TCP and both versions of TLS.
func TestPrepare(t *testing.T) {
	certificate, trust := certificates(t)
	for name, version := range map[string]uint16{"plain": 0, "tls-1.2": tls.VersionTLS12, "tls-1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			scheme, own, config := "http", (*tls.Config)(nil), trust.Clone()
			if version != 0 {
				scheme, own, config.MaxVersion = "https", certificate, version
			}
			s := serve(t, own, answers(ok))
			client := newClient(t, h1.Config{TLS: config})
			for n := range 4 {
				client.Prepare(t.Context(), scheme, s.host, n) // 0 asks for none
				client.Prepare(t.Context(), scheme, s.host, n)
			}
			for range 5 {
				r := get(s.host)
				r.Scheme = scheme
				wantOK(t, do(t.Context(), client, r), "ok")
			}
			if n := s.accepted(); n != 3 {
				t.Errorf("%d connections, want 3", n)
			}
		})
	}
}

// Those that are being opened count as well.
func TestPrepareAtTheSameTime(t *testing.T) {
	s := serve(t, nil, answers(ok))
	client := newClient(t, h1.Config{})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { client.Prepare(t.Context(), "http", s.host, 2) })
	}
	all.Wait()
	wantOK(t, do(t.Context(), client, get(s.host)), "ok")
	if n := s.accepted(); n > 2 {
		t.Errorf("%d connections, want 2 at the most", n)
	}
}

// What fails is for a request to find out; nothing is left of it.
func TestPrepareFails(t *testing.T) {
	dials := 0
	client := newClient(t, h1.Config{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		dials++
		return nil, errStopped
	}})
	client.Prepare(t.Context(), "http", "server", 1)
	client.Prepare(t.Context(), "http", "server", 1)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	client.Prepare(ended, "http", "server", 1)
	if dials != 2 {
		t.Errorf("%d dials, want 2: none counts as open, and none is for an ended context", dials)
	}
	// A server that has no TLS to speak.
	s := serve(t, nil, func(p *peer) { p.say("no\r\n") })
	client = newClient(t, h1.Config{})
	client.Prepare(t.Context(), "https", s.host, 1)
}

// A connection that the server has closed before it was needed costs nothing.
func TestPreparedIsClosed(t *testing.T) {
	closed := make(chan struct{})
	s := serve(t, nil, func(p *peer) {
		if p.nth > 0 {
			answers(ok)(p)
			return
		}
		_ = p.Close()
		close(closed)
	})
	client := newClient(t, h1.Config{Dial: wire.NewDialer()})
	client.Prepare(t.Context(), "http", s.host, 1)
	<-closed
	wantOK(t, do(t.Context(), client, put(s.host, zeros{}, 10)), "ok")
}
