package faulttest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
)

// A listener below the server gives out connections that a fault can break at a
// byte, whatever HTTP is doing there.

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, closed: make(chan struct{})}, nil
}

// way is how a connection breaks.
type way int

const (
	byReset way = iota + 1 // RST
	byFIN                  // an orderly end
	byStall                // nothing, for ever
)

var errBroken = errors.New("broken by the test")

// conn breaks after so many bytes in a direction, once a fault has armed it.
type conn struct {
	net.Conn
	once   sync.Once
	closed chan struct{}

	mu    sync.Mutex
	write breakPoint // guarded by mu
}

type breakPoint struct {
	how  way // 0: not armed
	left int
}

// connKey finds the connection of a request in its context.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// breakAnswer arms the request's connection: after n more bytes of the answer,
// its head included, it breaks.
func breakAnswer(r *http.Request, n int, how way) {
	c := r.Context().Value(connKey{}).(*conn)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.write = breakPoint{how, n}
}

func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	b := c.write
	c.write.left -= len(p)
	c.mu.Unlock()
	if b.how == 0 || len(p) < b.left {
		return c.Conn.Write(p)
	}
	n, err := c.Conn.Write(p[:max(b.left, 0)])
	if err == nil {
		err = errBroken
		c.end(b.how)
	}
	return n, err
}

// end breaks the connection, or keeps the server in it until it is closed.
func (c *conn) end(how way) {
	switch how {
	case byReset:
		_ = c.Conn.(*net.TCPConn).SetLinger(0) // an orderly end is a fault too
		_ = c.Close()
	case byFIN:
		_ = c.Close()
	case byStall:
		<-c.closed
	}
}

func (c *conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// NetConn is for s3fault, which resets TCP connections.
func (c *conn) NetConn() net.Conn { return c.Conn }

// refuser sends the requests that a rule picks to a port where nobody listens.
type refuser struct {
	http.RoundTripper
	dead string // host and port
	pick func(r *http.Request) bool
}

func (f *refuser) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.pick(r) {
		moved := *r.URL
		moved.Host = f.dead
		r = r.Clone(r.Context())
		r.URL = &moved
	}
	return f.RoundTripper.RoundTrip(r)
}

// CloseIdleConnections closes those of the transport below.
func (f *refuser) CloseIdleConnections() {
	f.RoundTripper.(*http.Transport).CloseIdleConnections()
}

// deadPort is an address that was free a moment ago.
func deadPort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
