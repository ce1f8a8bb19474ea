//go:build linux

package floor

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/haul-s3/haul/bench/tlsconn"
	"github.com/haul-s3/haul/bench/workload"
)

// socket is a blocking connection, and its slice.
type socket struct {
	net.Conn // the bytes above TLS, or the socket itself
	plain    *fdConn
	gather   *tlsconn.Conn // nil without TLS
	host     string
	buf      []byte
	head     []byte // of a request
	rest     []byte // of what was read with an answer's head
}

// fdConn is a socket in blocking mode: a read waits in the kernel until there is
// something, which costs one system call where the runtime's poller needs two
// and a turn of the scheduler.
type fdConn struct {
	net.Conn // for the methods that nobody calls
	fd       int
}

func (c *fdConn) Read(p []byte) (int, error) {
	n, err := ignoringEINTR(func() (int, error) { return unix.Read(c.fd, p) })
	if n == 0 && err == nil {
		err = io.EOF
	}
	return max(n, 0), err
}

func (c *fdConn) Write(p []byte) (done int, err error) {
	for done < len(p) {
		n, err := ignoringEINTR(func() (int, error) { return unix.Write(c.fd, p[done:]) })
		if err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}

// writev sends two runs of bytes with one system call, mostly: a signal can cut
// it short.
func (c *fdConn) writev(a, b []byte) error {
	n, err := ignoringEINTR(func() (int, error) { return unix.Writev(c.fd, [][]byte{a, b}) })
	if err == nil && n < len(a) {
		_, err = c.Write(a[n:])
		n = len(a)
	}
	if err == nil {
		_, err = c.Write(b[n-len(a):])
	}
	return err
}

func ignoringEINTR(fn func() (int, error)) (int, error) {
	for {
		n, err := fn()
		if err != unix.EINTR {
			return n, err
		}
	}
}

// sharedTLS is the configuration of all connections of a process, for the sake
// of its session cache.
var sharedTLS struct {
	sync.Once
	config *tls.Config
	err    error
}

func dial(w *workload.Spec) (*socket, error) {
	u, err := url.Parse(w.Endpoint)
	if err != nil {
		return nil, err
	}
	addr, err := netip.ParseAddrPort(u.Host)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	err = unix.Connect(fd, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()})
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("connect", err)
	}
	c := &socket{plain: &fdConn{fd: fd}, host: u.Host, buf: make([]byte, slice)}
	c.Conn = c.plain
	if w.TLS() {
		sharedTLS.Do(func() { sharedTLS.config, sharedTLS.err = tlsconn.ClientConfig(w.CA) })
		if sharedTLS.err != nil {
			return nil, sharedTLS.err
		}
		config := sharedTLS.config.Clone()
		config.ServerName = addr.Addr().String()
		c.gather = tlsconn.New(c.plain)
		t := tls.Client(c.gather, config)
		if err := t.Handshake(); err != nil {
			return nil, err
		}
		c.Conn = t
	}
	return c, nil
}

func (c *socket) close() { unix.Close(c.plain.fd) }

// flush sends what TLS has gathered.
func (c *socket) flush() error {
	if c.gather == nil {
		return nil
	}
	return c.gather.Flush()
}

// request forms a request's head in c.head.
func (c *socket) request(method, target string, length int64, fields string) {
	c.head = append(c.head[:0], method...)
	c.head = append(append(c.head, ' '), target...)
	c.head = append(append(c.head, " HTTP/1.1\r\nHost: "...), c.host...)
	if method != "GET" {
		c.head = append(c.head, "\r\nContent-Length: "...)
		c.head = strconv.AppendInt(c.head, length, 10)
	}
	c.head = append(append(c.head, "\r\n"...), fields...)
	c.head = append(c.head, "\r\n"...)
}

var errAnswer = errors.New("unexpected answer")

// answer reads an answer's head, with what comes along of its body, into the
// slice. It returns the length of the body, of which c.rest has the beginning.
func (c *socket) answer() (length int64, err error) {
	have, end := 0, -1
	for end < 0 {
		n, err := c.Read(c.buf[have:])
		if err != nil {
			return 0, err
		}
		have += n
		end = bytes.Index(c.buf[:have], []byte("\r\n\r\n"))
	}
	head := c.buf[:end+2]
	c.rest = c.buf[end+4 : have]
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 20")) {
		return 0, fmt.Errorf("%w: %.200q", errAnswer, head)
	}
	const field = "\r\nContent-Length: "
	i := bytes.Index(head, []byte(field))
	if i < 0 {
		return 0, nil
	}
	digits, _, _ := bytes.Cut(head[i+len(field):], []byte("\r\n"))
	return strconv.ParseInt(string(digits), 10, 64)
}

// read passes the n bytes of an answer's body on, slice by slice.
func (c *socket) read(n int64, use func(p []byte) error) error {
	if len(c.rest) > 0 {
		if err := use(c.rest); err != nil {
			return err
		}
		n -= int64(len(c.rest))
	}
	for n > 0 {
		b := c.buf[:min(n, slice)]
		have := 0
		for have < len(b) { // a whole slice is hashed and written at a time
			m, err := c.Read(b[have:])
			if err != nil {
				return err
			}
			have += m
		}
		if err := use(b); err != nil {
			return err
		}
		n -= int64(have)
	}
	return nil
}

// text reads the whole body of an answer.
func (c *socket) text() (string, error) {
	n, err := c.answer()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = c.read(n, func(p []byte) error { b.Write(p); return nil })
	return b.String(), err
}
