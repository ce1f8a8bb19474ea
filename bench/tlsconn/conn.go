package tlsconn

import (
	"bufio"
	"net"
)

// gatherSize is how many bytes of records are gathered for one system call.
const gatherSize = 256 << 10

// Conn is the connection below crypto/tls: reads and writes are gathered. What
// is written leaves when the buffer is full or with Flush; the handshake
// flushes by reading. It belongs to one goroutine.
type Conn struct {
	net.Conn
	r *bufio.Reader
	w *bufio.Writer
}

// New gathers the records of nc.
func New(nc net.Conn) *Conn {
	return &Conn{Conn: nc, r: bufio.NewReaderSize(nc, gatherSize), w: bufio.NewWriterSize(nc, gatherSize)}
}

// Read sends what was gathered, since its answer is now waited for.
func (c *Conn) Read(p []byte) (int, error) {
	if c.w.Buffered() > 0 {
		if err := c.w.Flush(); err != nil {
			return 0, err
		}
	}
	return c.r.Read(p)
}

// Write gathers.
func (c *Conn) Write(p []byte) (int, error) { return c.w.Write(p) }

// Flush sends what was gathered.
func (c *Conn) Flush() error { return c.w.Flush() }
