package h1

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/haul-s3/haul/internal/wire"
)

// exchange is one request and its answer, from connect to release. It is the
// answer's Body, and belongs to one goroutine.
type exchange struct {
	client   *Client
	ctx      context.Context // the exchange's: its life is this
	conn     *conn
	stop     func() bool // of the function that ends waiting when ctx ends
	response wire.Response

	head    head
	interim int        // interim answers so far
	mover   wire.Mover // the request's body; nil: it isn't one

	framing framing
	left    int64 // bytes of a counted body
	chunks  chunkedReader
	last    bool // the connection ends with this answer
	broken  bool // reading failed
	closed  bool
}

// framing is how the end of a body is told (RFC 9112 §6.3).
type framing int

const (
	counted  framing = iota // by Content-Length; by 0 where there can be no body
	chunked                 // by the last chunk
	unending                // by the end of the connection
)

// open makes the answer's body readable, once its head is there.
func (x *exchange) open(method string, early bool) {
	h := &x.head
	length := h.length
	x.last = h.last || early
	switch {
	case method == http.MethodHead:
	case h.status == http.StatusNoContent, h.status == http.StatusNotModified:
		length = 0
	case h.chunked:
		x.framing = chunked
		x.chunks.in = &x.conn.in
	case h.length >= 0:
		x.left = h.length
	default:
		x.framing, x.last = unending, true
	}
	x.response = wire.Response{Status: h.status, Header: h.header, ContentLength: length, Body: x}
	if x.conn.tls != nil && x.left > recordRoom {
		x.conn.sock.lend(int(min(x.left, sliceMax)), 0)
	}
}

// Read reads the answer's body.
func (x *exchange) Read(p []byte) (int, error) {
	if x.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := x.read(p)
	if err != nil && err != io.EOF {
		x.broken = true
		err = withCause(x.ctx, err)
	}
	return n, err
}

func (x *exchange) read(p []byte) (n int, err error) {
	switch x.framing {
	case chunked:
		return x.chunks.Read(p)
	case unending:
		return x.conn.in.Read(p)
	}
	if x.left == 0 {
		return 0, io.EOF
	}
	n, err = x.conn.in.Read(p[:min(int64(len(p)), x.left)])
	x.left -= int64(n)
	switch {
	case x.left == 0:
		err = io.EOF
	case err == io.EOF:
		err = io.ErrUnexpectedEOF // RFC 9112 §8: incomplete
	}
	return n, err
}

// Close gives the connection back, if the next answer is what comes on it, and
// closes it if not.
func (x *exchange) Close() error {
	if x.closed {
		return nil
	}
	reusable := !x.broken && !x.last && x.drain() && x.conn.settle()
	x.closed = true
	if !x.stop() || !reusable {
		x.conn.abort()
		return nil
	}
	c := x.conn
	c.release()
	c.used = true
	x.client.pool.put(c)
	return nil
}

// What is worth reading to keep a connection: less than a new one costs.
const (
	drainMax  = 64 << 10
	drainTime = 100 * time.Millisecond
)

// drain reads the rest of the body, if it is short and there soon.
func (x *exchange) drain() bool {
	if x.framing == counted && x.left == 0 || x.chunks.ended {
		return true
	}
	if x.left > drainMax {
		return false
	}
	s := x.conn.sock
	s.limit(s.SetReadDeadline, time.Now().Add(drainTime))
	b := x.client.buffers.Get(4 << 10)
	defer x.client.buffers.PutSlice(b)
	for room := drainMax; room > 0; {
		n, err := x.read(b)
		room -= n
		if err != nil {
			s.limit(s.SetReadDeadline, time.Time{})
			return err == io.EOF
		}
	}
	return false
}

// drop ends an exchange that failed.
func (x *exchange) drop() {
	x.stop()
	x.conn.abort()
}

// settle says whether nothing is left on a connection whose answer has been
// read. TLS may have sent something of its own behind it.
func (c *conn) settle() bool {
	if c.in.left() > 0 {
		return false
	}
	if c.sock.r == c.sock.w {
		return len(c.sock.out) == 0
	}
	_, err := c.peek(c.probe[:])
	return err == errNothing && c.sock.flush() == nil
}
