package h1

import (
	"io"
	"net"
	"net/http"
)

// Head is what ParseHead finds.
type Head struct {
	Status        int
	Header        http.Header
	Length        int64
	Chunked, Last bool
}

// ParseHead parses the head of an answer.
func ParseHead(b []byte) (Head, error) {
	h, err := parseHead(b)
	return Head{h.status, h.header, h.length, h.chunked, h.last}, err
}

// NewChunkedReader decodes a chunked body, and tells what is left behind it.
func NewChunkedReader(r io.Reader, b Buffers) (body io.Reader, rest func() []byte, release func()) {
	in := &input{src: r, buffers: b}
	return &chunkedReader{in: in}, func() []byte { return in.b[in.r:in.w] }, in.release
}

// Limits of what is read.
const (
	InputMax  = inputMax
	FieldsMax = fieldsMax
	DrainMax  = drainMax
)

// Idle returns how many idle connections there are.
func (c *Client) Idle() int {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	return c.pool.count
}

// CanSendFile says that the system sends files by itself.
const CanSendFile = canSendFile

// Socket is what lies below TLS.
type Socket = socket

// NewSocket returns one over a connection.
func NewSocket(c net.Conn) *Socket { return newSocket(c, nil) }

// WatchWrites lets the next write end soon.
func (s *socket) WatchWrites() { s.watchWrites() }

// ErrNothing says that there is nothing to read yet.
var ErrNothing = errNothing

// WriteSealed writes records that TLS has left below it.
func (s *socket) WriteSealed(records []byte, room int, b Buffers) error {
	s.out = append(make([]byte, 0, room), records...)
	x := &exchange{conn: &conn{sock: s}}
	x.conn.in.buffers, x.conn.in.src = b, x.conn
	_, err := x.writeSealed()
	x.conn.in.release()
	return err
}
