package h1

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// socket is a network connection with what an exchange needs of it: reading
// without waiting, and an end to everything that waits. Below TLS it is the
// net.Conn that crypto/tls reads and writes; there it gathers records, so that
// they don't cost a system call each. But for cancel, it belongs to the
// goroutine of the exchange.
type socket struct {
	net.Conn
	buffers Buffers
	raw     syscall.RawConn // nil: reading without waiting isn't possible
	try     tryRead

	// Below TLS only. Both are lent while an exchange runs.
	in   []byte // what was read ahead, of which r to w is left
	r, w int
	err  error  // came with what was read ahead
	out  []byte // what is still to be written
	mode readMode

	armed bool // a deadline of watchWrites is set
	held  bool // out begins within a record: only writeSealed writes it

	mu        sync.Mutex
	cancelled bool // guarded by mu; deadlines are not changed any more
}

// readMode says what Read does where nothing is read ahead.
type readMode int

const (
	waiting  readMode = iota // it writes what is still to be written, and waits
	trying                   // it takes what the system has, or errNothing
	reckless                 // it asks nobody: errNothing
)

// errNothing says that there is nothing to read yet. It is a temporary net.Error,
// after which crypto/tls goes on where it was.
var errNothing error = nothingYet{}

type nothingYet struct{}

func (nothingYet) Error() string   { return "nothing to read yet" }
func (nothingYet) Timeout() bool   { return true }
func (nothingYet) Temporary() bool { return true }

func newSocket(c net.Conn, b Buffers) *socket {
	s := &socket{Conn: c, buffers: b}
	if sc, ok := c.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			s.raw = raw
		}
	}
	s.try.init()
	return s
}

// cancel ends whatever waits on the connection, now and later. It may be called
// from any goroutine.
func (s *socket) cancel() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancelled = true
	_ = s.Conn.SetDeadline(time.Unix(1, 0)) // it fails on a closed one, which waits for nothing
}

// limit lets reads or writes end at a time, or never with the zero time, unless
// cancel has ended them already.
func (s *socket) limit(set func(time.Time) error, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.cancelled {
		_ = set(at) // it fails on a closed one, as will the call that follows
	}
}

// lookEvery is how long a write may block before somebody looks whether the
// answer is there already.
const lookEvery = 250 * time.Millisecond

// watchWrites lets the next write end after lookEvery, whatever it has written.
func (s *socket) watchWrites() {
	s.armed = true
	s.limit(s.Conn.SetWriteDeadline, time.Now().Add(lookEvery))
}

func (s *socket) isCancelled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cancelled
}

// receive reads from the network, or takes what is there, by mode.
func (s *socket) receive(p []byte) (int, error) {
	switch s.mode {
	case trying:
		return s.tryRead(p)
	case reckless:
		return 0, errNothing
	}
	return s.Conn.Read(p)
}

// Read is crypto/tls's.
func (s *socket) Read(p []byte) (int, error) {
	if len(s.out) > 0 && s.mode == waiting && !s.held {
		if err := s.flush(); err != nil {
			return 0, err
		}
	}
	if s.r == s.w {
		if s.err != nil {
			return 0, s.err
		}
		if len(p) >= len(s.in) {
			return s.receive(p)
		}
		n, err := s.receive(s.in)
		if n == 0 {
			return 0, err
		}
		s.r, s.w, s.err = 0, n, err
	}
	n := copy(p, s.in[s.r:s.w])
	s.r += n
	return n, nil
}

// Write is crypto/tls's. It writes nothing until the buffer is full. While one
// reads, crypto/tls may write too: it answers a KeyUpdate (RFC 8446 §4.6.3).
func (s *socket) Write(p []byte) (int, error) {
	if len(s.out)+len(p) > cap(s.out) {
		if s.held {
			return 0, errOutFull
		}
		if err := s.flush(); err != nil {
			return 0, err
		}
	}
	if len(p) > cap(s.out) {
		s.disarm()
		return s.Conn.Write(p)
	}
	s.out = append(s.out, p...)
	return len(p), nil
}

// room is how many bytes can be written before Write must wait.
func (s *socket) room() int { return cap(s.out) - len(s.out) }

func (s *socket) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	s.disarm()
	_, err := s.Conn.Write(s.out)
	s.out = s.out[:0]
	return err
}

// errOutFull ends an exchange whose server asks for more answers of TLS, while it
// reads nothing, than there is room for.
var errOutFull = errors.New("no room for what TLS has to say")

// disarm takes the deadline of watchWrites away, which may have passed.
func (s *socket) disarm() {
	if s.armed {
		s.armed = false
		s.limit(s.Conn.SetWriteDeadline, time.Time{})
	}
}

// lend makes the buffers below TLS at least so large, in so far as the pool
// does. What is in them stays.
func (s *socket) lend(in, out int) {
	if len(s.in) < in {
		if b := s.buffers.Get(in); len(b) > len(s.in) {
			s.w = copy(b, s.in[s.r:s.w])
			s.r = 0
			s.giveBack(&s.in)
			s.in = b
		} else {
			s.buffers.PutSlice(b)
		}
	}
	if cap(s.out) < out {
		if b := s.buffers.Get(out); cap(b) > cap(s.out) {
			b = b[:copy(b[:cap(b)], s.out)]
			s.giveBack(&s.out)
			s.out = b
		} else {
			s.buffers.PutSlice(b)
		}
	}
}

// release gives the buffers back. What is in them is lost.
func (s *socket) release() {
	s.giveBack(&s.in)
	s.giveBack(&s.out)
	s.r, s.w = 0, 0
}

func (s *socket) giveBack(b *[]byte) {
	if *b != nil {
		s.buffers.PutSlice(*b)
		*b = nil
	}
}
