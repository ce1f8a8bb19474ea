package h1

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/haul-s3/haul/internal/wire"
)

// conn is one connection to a server. It belongs to one exchange at a time, or
// to the pool.
type conn struct {
	to   pathTo
	sock *socket
	tls  *tls.Conn // nil: plain

	in      input       // what has come of the answer
	request []byte      // the request's head; its memory is used again
	vector  net.Buffers // what is being written
	pieces  [2][]byte   // vector's memory
	file    fileSending // what the system is sending
	cancel  func()      // sock.cancel, kept so that it costs no allocation
	probe   [1]byte

	used      bool      // it has carried an exchange
	idleSince time.Time // while it is in the pool
}

// connect gives x a connection: an idle one if it may, or a new one. From here
// on the end of its context ends what waits on the connection.
func (c *Client) connect(x *exchange, r *wire.Request, reuse bool) error {
	if x.ctx.Err() != nil {
		return context.Cause(x.ctx)
	}
	to := pathTo{r.Scheme, r.Host}
	if reuse {
		if x.conn = c.pool.take(to); x.conn != nil {
			x.stop = context.AfterFunc(x.ctx, x.conn.cancel)
			return nil
		}
	}
	return c.open(x, to)
}

// open gives x a new connection.
func (c *Client) open(x *exchange, to pathTo) error {
	network, err := c.dial(x.ctx, "tcp", to.address())
	if err != nil {
		return err
	}
	x.conn = c.newConn(to, network)
	x.stop = context.AfterFunc(x.ctx, x.conn.cancel)
	if err := x.conn.handshake(); err != nil {
		x.drop()
		return err
	}
	return nil
}

func (c *Client) newConn(to pathTo, network net.Conn) *conn {
	cn := &conn{to: to, sock: newSocket(network, c.buffers)}
	cn.cancel = cn.sock.cancel
	cn.in.buffers = c.buffers
	cn.in.src = cn
	if to.scheme == "https" {
		config := c.tls
		if config.ServerName == "" {
			config = config.Clone()
			config.ServerName = to.serverName()
		}
		cn.tls = tls.Client(cn.sock, config)
	}
	return cn
}

// The least memory below TLS: a record and its frame.
const recordRoom = 17 << 10

// handshake brings TLS up. Its last flight goes out with the request.
func (c *conn) handshake() error {
	if c.tls == nil {
		return nil
	}
	end := time.Now().Add(handshakeTimeout)
	c.sock.limit(c.sock.SetDeadline, end)
	c.sock.lend(0, 4<<10)
	if err := c.tls.Handshake(); err != nil {
		_ = c.sock.flush() // the alert that tells the server why
		return fmt.Errorf("TLS handshake with %s: %w", c.to.host, err)
	}
	c.sock.limit(c.sock.SetDeadline, time.Time{})
	if p := c.tls.ConnectionState().NegotiatedProtocol; p != "" && p != "http/1.1" {
		return fmt.Errorf("the server at %s chose %q, which was not offered", c.to.host, p)
	}
	return nil
}

// fresh says whether an idle connection can carry a request: its server has
// neither closed it nor said anything unasked.
func (c *conn) fresh(timeout time.Duration) bool {
	if time.Since(c.idleSince) >= timeout {
		return false
	}
	_, err := c.peek(c.probe[:])
	return err == errNothing
}

// peek reads what has arrived, without waiting; errNothing where nothing has.
func (c *conn) peek(p []byte) (int, error) {
	if c.tls == nil {
		return c.sock.tryRead(p)
	}
	c.sock.mode = trying
	defer func() { c.sock.mode = waiting }()
	return c.tls.Read(p)
}

// Read reads from the connection, past whatever was buffered of it.
func (c *conn) Read(p []byte) (int, error) {
	if c.tls == nil {
		return c.sock.Conn.Read(p)
	}
	n, err := c.tls.Read(p)
	if n == len(p) || err != nil {
		return n, err
	}
	// crypto/tls gives a record at a time; these are here already.
	c.sock.mode = reckless
	defer func() { c.sock.mode = waiting }()
	for n < len(p) {
		m, err := c.tls.Read(p[n:])
		n += m
		if err == errNothing {
			break
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// close ends an idle connection. RFC 9112 §9.8 wants TLS to say so.
func (c *conn) close() {
	c.release()
	if c.tls != nil {
		_ = c.tls.Close() // nothing is lost with it
		return
	}
	_ = c.sock.Conn.Close()
}

// abort ends a connection at once.
func (c *conn) abort() {
	c.release()
	_ = c.sock.Conn.Close() // nothing is expected of it any more
}

// release gives all lent memory back.
func (c *conn) release() {
	c.in.release()
	c.sock.release()
}
