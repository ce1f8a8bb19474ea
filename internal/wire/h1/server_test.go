package h1_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/wire"
	"github.com/haul-s3/haul/internal/wire/h1"
)

var errStopped = errors.New("stopped by the test")

// peer is the server's side of a connection.
type peer struct {
	net.Conn
	t    *testing.T
	r    *bufio.Reader
	nth  int // from 0
	tcp  *net.TCPConn
	over <-chan struct{} // closed when the test is over
}

// request reads a request, and its body to the end; nil if there is none.
func (p *peer) request() *http.Request {
	r, err := http.ReadRequest(p.r)
	if err != nil {
		return nil
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil
	}
	return r
}

// head reads a request's head only. Of a client that has gone it returns an
// empty request.
func (p *peer) head() *http.Request {
	r, err := http.ReadRequest(p.r)
	if err != nil {
		return &http.Request{Body: io.NopCloser(iotest.ErrReader(err))}
	}
	return r
}

// say writes an answer. That the client has gone is for the client to tell.
func (p *peer) say(s string) { _, _ = io.WriteString(p.Conn, s) }

// reset closes the connection with a RST.
func (p *peer) reset() {
	_ = p.tcp.SetLinger(0)
	_ = p.tcp.Close()
}

// gone waits until the client has closed the connection.
func (p *peer) gone() { _, _ = io.Copy(io.Discard, p.r) }

// server listens and counts connections.
type server struct {
	host  string
	mu    sync.Mutex
	conns int // guarded by mu
}

func (s *server) accepted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// serve runs a server that calls handle for each connection and then closes it.
// certificate makes it one of TLS.
func serve(t *testing.T, certificate *tls.Config, handle func(p *peer)) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{host: listener.Addr().String()}
	over := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			nth := s.conns
			s.conns++
			s.mu.Unlock()
			running.Go(func() {
				p := &peer{Conn: c, t: t, nth: nth, tcp: c.(*net.TCPConn), over: over}
				if certificate != nil {
					p.Conn = tls.Server(c, certificate)
				}
				p.r = bufio.NewReader(p.Conn)
				defer p.Close()
				handle(p)
			})
		}
	})
	t.Cleanup(func() {
		close(over)
		_ = listener.Close()
		running.Wait()
	})
	return s
}

// certificates are the two sides' TLS settings.
func certificates(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS()
	defer web.Close()
	roots := web.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return &tls.Config{Certificates: web.TLS.Certificates, NextProtos: []string{"http/1.1"}},
		&tls.Config{RootCAs: roots, ServerName: "example.com", ClientSessionCache: tls.NewLRUClientSessionCache(0)}
}

// newClient returns a client that gives back whatever it was lent.
func newClient(t *testing.T, c h1.Config) *h1.Client {
	t.Helper()
	pool := bufpool.New(1 << 20)
	c.Buffers = pool
	if c.TLS == nil {
		c.TLS = &tls.Config{}
	}
	if c.Dial == nil {
		c.Dial = wire.NewDialer()
	}
	client := h1.New(c)
	t.Cleanup(func() {
		client.CloseIdle()
		if n := pool.Outstanding(); n != 0 {
			t.Errorf("%d slices were not given back", n)
		}
	})
	return client
}

func get(host string) *wire.Request {
	return &wire.Request{Method: http.MethodGet, Scheme: "http", Host: host, Path: "/b/k"}
}

func put(host string, body io.Reader, length int64) *wire.Request {
	return &wire.Request{Method: http.MethodPut, Scheme: "http", Host: host, Path: "/b/k", Body: body, ContentLength: length}
}

// result is how an exchange ended.
type result struct {
	status int
	header http.Header
	length int64
	body   string
	err    error
}

// do carries an exchange to its end.
func do(ctx context.Context, c wire.Exchange, r *wire.Request) result {
	resp, err := c.Do(ctx, r)
	if err != nil {
		return result{err: err}
	}
	b, err := io.ReadAll(resp.Body)
	return result{resp.Status, resp.Header, resp.ContentLength, string(b), errors.Join(err, resp.Body.Close())}
}

// wantOK fails the test unless an exchange brought this body.
func wantOK(t *testing.T, got result, body string) {
	t.Helper()
	if got.err != nil || got.status != 200 || got.body != body {
		t.Errorf("got status %d, %.60q, %v, want 200, %.60q", got.status, got.body, got.err, body)
	}
}

// zeros is a body of many zeros.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// ok is an answer with a body.
const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// answers is a handler that answers each request so.
func answers(answer string) func(*peer) {
	return func(p *peer) {
		for p.request() != nil {
			p.say(answer)
		}
	}
}

var long = strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
