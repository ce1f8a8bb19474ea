//go:build linux

package nulls3

import (
	"bufio"
	"crypto/tls"
	"net"
	"syscall"
	"time"

	"github.com/haul-s3/haul/bench/tlsconn"
)

// conn is one connection, owned by one goroutine.
type conn struct {
	s   *Server
	tcp *net.TCPConn
	raw syscall.RawConn
	tls *tls.Conn     // nil: plain
	buf *tlsconn.Conn // below tls
	r   *bufio.Reader // of the plain text
	out []byte        // the answer's head

	scratch         []byte // for bodies that must be read; made when needed
	inPace, outPace pace
	counted         bool
}

// headMax is the largest line of a head.
const headMax = 16 << 10

func (s *Server) serve(tcp *net.TCPConn) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	c := &conn{s: s, tcp: tcp, raw: raw, out: make([]byte, 0, 1<<10), inPace: newPace(s.config.RateMiB, s.in), outPace: newPace(s.config.RateMiB, s.out)}
	if s.tls == nil {
		c.r = bufio.NewReaderSize(tcp, headMax)
	} else {
		c.buf = tlsconn.New(tcp)
		c.tls = tls.Server(c.buf, s.tls)
		c.r = bufio.NewReaderSize(c.tls, headMax)
	}
	for c.exchange() == nil {
	}
	if c.tls != nil {
		c.tls.Close()
	}
}

// exchange serves one request. An error ends the connection.
func (c *conn) exchange() error {
	h, err := readHead(c.r)
	if err != nil {
		return err
	}
	if h.path == StatsPath {
		return c.answerStats()
	}
	st := &c.s.stats
	if !c.counted {
		c.counted = true
		st.connections.Add(1)
	}
	st.requests.Add(1)
	defer c.s.underWay.Add(-1)
	underWay := c.s.underWay.Add(1)
	throttled := !c.s.rate.take()
	if h.expect && c.r.Buffered() == 0 {
		if err := c.write([]byte("HTTP/1.1 100 Continue\r\n\r\n")); err != nil {
			return err
		}
	}
	var b received
	switch {
	case h.method == "POST":
		b, err = c.keep(&h)
	case h.length > 0 && c.s.config.Check && !throttled:
		b, err = c.examine(&h)
	case h.length > 0:
		err = c.drop(h.length)
	}
	if err != nil {
		return err
	}
	st.bytesIn.Add(h.length)
	if d := c.s.config.AnswerDelay(underWay); d > 0 {
		time.Sleep(d)
	}
	if throttled {
		st.throttled.Add(1)
		err = c.fail(503, "SlowDown", "Please reduce your request rate.")
	} else {
		err = c.answer(&h, b)
	}
	if err == nil && h.closing {
		err = net.ErrClosed
	}
	return err
}

// write sends bytes at once.
func (c *conn) write(p []byte) error {
	if c.tls == nil {
		_, err := c.tcp.Write(p)
		return err
	}
	if _, err := c.tls.Write(p); err != nil {
		return err
	}
	return c.buf.Flush()
}
