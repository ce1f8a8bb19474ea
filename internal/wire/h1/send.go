package h1

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/haul-s3/haul/internal/wire"
)

// sliceMax is the most that is handed to the system at once, in bytes: it stays
// in the processor's cache while it is read, encrypted and written.
const sliceMax = 256 << 10

// fillMin is how many bytes of a body are gathered before they are sent. A body
// that gives few at a time, as one under a bandwidth limit, is not held up for
// more.
const fillMin = 16 << 10

// sendfileMax is the most that one call sends of a file, so that early answers
// are seen, progress is told, and a thread is not held for long.
const sendfileMax = 1 << 20

// While the network takes a request without delay, its answer is looked for once
// in lookBytes, or in lookTime where that is sooner. A write that has to wait
// looks by itself (socket.watchWrites), one that fails has its answer sought.
const (
	lookBytes = 1 << 20
	lookTime  = 50 * time.Millisecond
)

// sending is the request of one exchange on its way.
type sending struct {
	x      *exchange
	head   []byte // nil once it is sent
	body   io.Reader
	lender wire.Lender // nil: it isn't one
	filed  wire.Filed  // nil: it isn't one, or the system can't send it
	left   int64       // bytes of the body that are not sent
	slice  []byte      // lent, if anything had to be read

	unseen int64     // bytes sent since somebody looked for an answer
	looked time.Time // when that was
}

// send sends the request. It stops where an answer has come before the whole
// was sent, and says so: the answer's head has then been read.
func (x *exchange) send(r *wire.Request) (early bool, err error) {
	c := x.conn
	c.in.total = 0
	c.request = appendHead(c.request[:0], r)
	s := sending{x: x, head: c.request, body: r.Body, left: r.ContentLength, looked: time.Now()}
	if c.tls != nil {
		c.sock.lend(0, int(min(max(s.left, fillMin), sliceMax)))
		defer c.sock.giveBack(&c.sock.out)
	}
	if s.left == 0 {
		return s.push(nil)
	}
	s.lender, _ = r.Body.(wire.Lender)
	x.mover, _ = r.Body.(wire.Mover)
	if c.tls == nil && c.sock.raw != nil && canSendFile {
		s.filed, _ = r.Body.(wire.Filed)
	}
	defer func() {
		c.file.f, c.file.call = nil, nil
		if s.slice != nil {
			c.in.buffers.PutSlice(s.slice)
		}
	}()
	return s.all()
}

// all sends the body, and the head with its first bytes.
func (s *sending) all() (early bool, err error) {
	for {
		n, early, err := s.some()
		if early || err != nil {
			return early, err
		}
		if s.left -= n; s.left == 0 {
			return false, nil
		}
		if !s.toLook(n) {
			continue
		}
		if early, err = s.x.look(); early || err != nil {
			return early, err
		}
	}
}

// toLook says whether it is time to look for an answer, n bytes after the last
// time that it was asked.
func (s *sending) toLook(n int64) bool {
	s.unseen += n
	now := time.Now()
	if s.unseen < lookBytes && now.Sub(s.looked) < lookTime {
		return false
	}
	s.unseen, s.looked = 0, now
	return true
}

// some sends the next bytes of the body in the cheapest way there is.
func (s *sending) some() (n int64, early bool, err error) {
	if s.filed != nil {
		if f, offset, length := s.filed.Section(); length > 0 {
			return s.file(f, offset, min(length, s.left, sendfileMax))
		}
	}
	limit := int(min(s.left, int64(s.limit())))
	var b []byte
	if s.lender != nil {
		b, err = s.lender.Lend(limit)
	}
	if len(b) == 0 && err == nil {
		b, err = s.read(limit)
	}
	if err != nil {
		return 0, false, err
	}
	early, err = s.push(b)
	return int64(len(b)), early, err
}

// limit is how many bytes go at once: as many as fit below TLS.
func (s *sending) limit() int {
	if s.x.conn.tls == nil {
		return sliceMax
	}
	return sealable(cap(s.x.conn.sock.out))
}

// read reads the next bytes of the body.
func (s *sending) read(limit int) ([]byte, error) {
	if s.slice == nil {
		s.slice = s.x.conn.in.buffers.Get(limit)
	}
	b := s.slice[:min(limit, len(s.slice))]
	for n := 0; ; {
		m, err := s.body.Read(b[n:])
		n += m
		switch {
		case n >= min(len(b), fillMin):
			return b[:n], nil // an error comes again
		case err == io.EOF && int64(n) == s.left:
			return b[:n], nil
		case err == io.EOF:
			return nil, fmt.Errorf("request body ended %d bytes before its length: %w", s.left-int64(n), io.ErrUnexpectedEOF)
		case err != nil:
			return nil, err
		}
	}
}

// file has the system send a piece of a file.
func (s *sending) file(f *os.File, offset, length int64) (n int64, early bool, err error) {
	if len(s.head) > 0 {
		if early, err = s.push(nil); early || err != nil {
			return 0, early, err
		}
	}
	sock, file := s.x.conn.sock, &s.x.conn.file
	if file.f != f && file.init(f, s.filed.Call) != nil {
		s.filed = nil // reading it will say what is wrong with it
		return 0, false, nil
	}
	for {
		sock.watchWrites()
		sent, err := file.send(sock, offset, int(length))
		switch {
		case err == nil && sent == 0, errors.Is(err, errors.ErrUnsupported):
			// The file has become shorter, or is of a kind that can't be sent
			// so: reading finds out.
			s.filed = nil
			return 0, false, nil
		case err == nil:
			return int64(sent), false, s.filed.Sent(sent)
		}
		if early, err = s.x.interrupted(err); early || err != nil {
			return 0, early, err
		}
	}
}

// push sends the head, if it is still to be sent, and b.
func (s *sending) push(b []byte) (early bool, err error) {
	head := s.head
	s.head = nil
	c := s.x.conn
	c.vector = c.pieces[:0]
	if c.tls == nil {
		for _, p := range [2][]byte{head, b} {
			if len(p) > 0 {
				c.vector = append(c.vector, p)
			}
		}
		return s.x.write()
	}
	for _, p := range [2][]byte{head, b} {
		if early, err = s.x.seal(p); early || err != nil {
			return early, err
		}
	}
	return s.x.writeSealed()
}

// seal encrypts p into the buffer below TLS, and writes that when it is full.
func (x *exchange) seal(p []byte) (early bool, err error) {
	c := x.conn
	for len(p) > 0 {
		n := min(len(p), sealable(c.sock.room()))
		if n <= 0 {
			if early, err = x.writeSealed(); early || err != nil {
				return early, err
			}
			continue
		}
		if _, err = c.tls.Write(p[:n]); err != nil {
			return false, err
		}
		p = p[n:]
	}
	return false, nil
}

// sealable is how many bytes fit into so much room once they are encrypted: a
// record has a frame of some 30 bytes, and some 1,200 of data at the least.
func sealable(room int) int { return room - room/32 - 512 }

// writeSealed writes what TLS has left in its buffer.
func (x *exchange) writeSealed() (early bool, err error) {
	sock := x.conn.sock
	sock.held = true
	defer func() { sock.held = false }()
	for len(sock.out) > 0 {
		sock.watchWrites()
		n, err := sock.Conn.Write(sock.out)
		sock.out = sock.out[:copy(sock.out, sock.out[n:])]
		if err == nil {
			continue
		}
		if n > 0 && x.mover != nil {
			x.mover.Moved()
		}
		// What TLS has to say while an answer is looked for comes behind the rest.
		if early, err = x.interrupted(err); early || err != nil {
			sock.out = sock.out[:0]
			return early, err
		}
	}
	return false, nil
}

// write writes the connection's vector.
func (x *exchange) write() (early bool, err error) {
	c := x.conn
	for len(c.vector) > 0 {
		c.sock.watchWrites()
		if n, err := c.writeSome(); err != nil {
			if n > 0 && x.mover != nil {
				x.mover.Moved()
			}
			if early, err := x.interrupted(err); early || err != nil {
				return early, err
			}
		}
	}
	return false, nil
}

// writeSome writes the vector, or its first piece, and takes off it what was
// written, of which it returns the length.
func (c *conn) writeSome() (int64, error) {
	if gather && len(c.vector) > 1 {
		return c.vector.WriteTo(c.sock.Conn)
	}
	n, err := c.sock.Conn.Write(c.vector[0])
	if c.vector[0] = c.vector[0][n:]; len(c.vector[0]) == 0 {
		c.vector[0] = nil
		c.vector = c.vector[1:]
	}
	return int64(n), err
}

// patience is how long an answer is waited for that may lie behind a failed
// write.
const patience = time.Second

// interrupted looks for an answer after a write that has ended with an error. A
// server that refuses a request may answer before it has read the body, and
// close (RFC 9112 §9.5, §9.6): the answer is worth more than the broken pipe. No
// answer and no error: the write has only taken long, and goes on.
func (x *exchange) interrupted(cause error) (early bool, err error) {
	sock := x.conn.sock
	if sock.isCancelled() {
		return false, cause
	}
	if errors.Is(cause, os.ErrDeadlineExceeded) {
		return x.look()
	}
	sock.out = sock.out[:0]
	sock.limit(sock.SetReadDeadline, time.Now().Add(patience))
	if early, _ = x.readHead(true); early {
		sock.limit(sock.SetReadDeadline, time.Time{})
		return true, nil
	}
	return false, cause
}

// look says whether an answer has come while the request is being sent, and
// reads its head if so. It doesn't wait for one.
func (x *exchange) look() (early bool, err error) {
	c := x.conn
	switch err := c.in.fill(c.peek); err {
	case nil:
		return x.readHead(false)
	case errNothing:
		return false, nil
	case io.EOF:
		return false, errors.New("the server closed the connection before it had the whole request")
	default:
		return false, err
	}
}
