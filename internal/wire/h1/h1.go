// Package h1 carries exchanges over HTTP/1.1 connections of its own: a wire.Exchange
// that spends on a request what the bytes cost and little more. One exchange is
// one goroutine, the caller's, and no connection has any of its own.
//
// An exchange goes through these stages, all of them blocking:
//
//	connect   an idle connection that is still good, or a new one (pool.go, conn.go)
//	send      the head with the first bytes of the body, then slice by slice;
//	          now and then a look whether the answer is there already (send.go)
//	receive   the head of the answer (receive.go, head.go, names.go)
//	read      its body, into the caller's memory (body.go, chunked.go)
//	release   the connection goes back to the pool, or is closed (body.go)
//
// A cancelled context sets a deadline in the past, which ends whatever blocks.
// What is read is held to RFC 9112; what it allows a server to leave open is
// refused where it could make two readers see two different messages. Proxies,
// HTTP/2, pipelining and upgrades are not spoken here.
package h1

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/haul-s3/haul/internal/wire"
)

// Buffers lends memory, as bufpool.Pool does: Get returns n bytes, or fewer
// where n is large, and PutSlice takes them back.
type Buffers interface {
	Get(n int) []byte
	PutSlice(b []byte)
}

// Config says how connections are made and kept. All but IdleTimeout and
// MaxIdle is required.
type Config struct {
	// Dial connects to "host:port". What it returns is faster if it is a
	// *net.TCPConn.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS is used for https, with the server's name added.
	TLS *tls.Config
	// Buffers lends what an exchange needs while it runs. Idle connections
	// hold nothing.
	Buffers Buffers
	// MaxIdle is how many idle connections are kept, of all hosts together.
	// Default 100.
	MaxIdle int
	// IdleTimeout is how long a connection is kept idle. S3 closes after some
	// 20 s, and it shall be we who close. Default 15 s.
	IdleTimeout time.Duration
}

const (
	defaultMaxIdle     = 100
	defaultIdleTimeout = 15 * time.Second
	handshakeTimeout   = 10 * time.Second
)

// Client is a wire.Exchange over connections of its own.
type Client struct {
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	tls     *tls.Config // immutable
	buffers Buffers
	pool    pool
	opening opening
}

var _ wire.Exchange = (*Client)(nil)

// New returns a client. It starts nothing and owns nothing until its first Do.
func New(c Config) *Client {
	t := c.TLS.Clone()
	// RFC 7301: what isn't offered can't be chosen.
	t.NextProtos = []string{"http/1.1"}
	if c.MaxIdle == 0 {
		c.MaxIdle = defaultMaxIdle
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = defaultIdleTimeout
	}
	client := &Client{dial: c.Dial, tls: t, buffers: c.Buffers}
	client.pool.init(c.MaxIdle, c.IdleTimeout)
	return client
}

// Do sends one request and returns its answer as soon as the head is there. It
// is done with r.Body when it returns.
func (c *Client) Do(ctx context.Context, r *wire.Request) (*wire.Response, error) {
	if err := checkRequest(r); err != nil {
		return nil, err
	}
	x, err := c.do(ctx, r, true)
	if err != nil && again(x, r, err) {
		x, err = c.do(ctx, r, false)
	}
	if err != nil {
		return nil, withCause(ctx, err)
	}
	return &x.response, nil
}

// do carries one attempt. With an error, the exchange tells how far it came; it
// is nil if there was no connection.
func (c *Client) do(ctx context.Context, r *wire.Request, reuse bool) (*exchange, error) {
	x := &exchange{client: c, ctx: ctx}
	if err := c.connect(x, r, reuse); err != nil {
		return nil, err
	}
	answered := false
	defer func() { // also where a body of the caller's ends this goroutine
		if !answered {
			x.drop()
		}
	}()
	early, err := x.send(r)
	if err == nil && !early {
		_, err = x.readHead(true)
	}
	if err != nil {
		return x, err
	}
	x.open(r.Method, early)
	answered = true
	return x, nil
}

// again says whether a request is sent once more: the server closed an idle
// connection at the very moment at which it was taken. RFC 9112 §9.3.1 allows
// that for idempotent methods; of these only such are sent again here of which
// a caller wouldn't want to know.
func again(x *exchange, r *wire.Request, err error) bool {
	if x == nil || !x.conn.used || x.conn.in.total > 0 || x.ctx.Err() != nil {
		return false
	}
	if r.ContentLength > 0 || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// CloseIdle closes the connections that carry nothing.
func (c *Client) CloseIdle() { c.pool.closeIdle() }

// withCause makes the reason of an ended context visible in the error of a
// deadline that it has set.
func withCause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return errors.Join(cause, err)
	}
	return err
}

// pathTo is a scheme and a host, port included: connections to it are alike.
type pathTo struct{ scheme, host string }

// address is what to dial.
func (p pathTo) address() string {
	if host, port, err := net.SplitHostPort(p.host); err == nil && port != "" {
		return net.JoinHostPort(host, port)
	}
	port := "80"
	if p.scheme == "https" {
		port = "443"
	}
	return net.JoinHostPort(bareHost(p.host), port)
}

// serverName is the name that the certificate must have.
func (p pathTo) serverName() string {
	if host, _, err := net.SplitHostPort(p.host); err == nil {
		return host
	}
	return bareHost(p.host)
}

// bareHost takes the brackets from an IPv6 address, and a colon from the end.
func bareHost(host string) string {
	if n := len(host); n > 1 && host[0] == '[' && host[n-1] == ']' {
		return host[1 : n-1]
	}
	return host
}
