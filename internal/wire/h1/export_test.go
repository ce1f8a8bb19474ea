package h1

import (
	"io"
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
