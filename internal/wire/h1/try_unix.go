//go:build unix

package h1

import (
	"io"
	"syscall"
)

// tryRead is a read that doesn't wait. It is kept, so that it costs no
// allocation.
type tryRead struct {
	p   []byte
	n   int
	err error
	fn  func(fd uintptr) bool
}

func (t *tryRead) init() { t.fn = t.read }

func (t *tryRead) read(fd uintptr) bool {
	for {
		t.n, t.err = syscall.Read(int(fd), t.p)
		if t.err != syscall.EINTR {
			return true // whatever came of it: nothing is waited for
		}
	}
}

// tryRead reads what has arrived; errNothing where nothing has. The descriptor
// is one that doesn't block, as all of package net.
func (s *socket) tryRead(p []byte) (int, error) {
	if s.raw == nil {
		return 0, errNothing
	}
	s.try.p = p
	err := s.raw.Read(s.try.fn)
	s.try.p = nil
	switch {
	case err != nil:
		return 0, err
	case s.try.err == syscall.EAGAIN:
		return 0, errNothing
	case s.try.err != nil:
		return 0, s.try.err
	case s.try.n == 0:
		return 0, io.EOF
	}
	return s.try.n, nil
}
