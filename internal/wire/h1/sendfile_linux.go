package h1

import (
	"errors"
	"os"
	"syscall"
)

// canSendFile says that the system sends files by itself.
const canSendFile = true

// fileSending is one file on its way to a socket. Its functions are kept, so
// that a file costs no allocation for each call that sends of it.
type fileSending struct {
	f    *os.File
	from syscall.RawConn
	call func(func() (int, error)) (int, error)

	to     uintptr // the socket's descriptor
	offset int64
	n      int // bytes to send, and then bytes sent
	err    error

	onSocket func(to uintptr) bool
	onCall   func() (int, error)
	onFile   func(from uintptr)
}

// init makes s send f. call is where each call into the file is made.
func (s *fileSending) init(f *os.File, call func(func() (int, error)) (int, error)) (err error) {
	if s.from, err = f.SyscallConn(); err != nil {
		return err
	}
	s.f, s.call = f, call
	if s.onSocket == nil {
		s.onSocket, s.onCall, s.onFile = s.toSocket, s.inCall, s.fromFile
	}
	return nil
}

// send has the system send up to n bytes from an offset, without moving the
// file's own. It waits until the network has taken some, and returns how many.
// None and no error: the file ends there.
func (s *fileSending) send(sock *socket, offset int64, n int) (int, error) {
	s.offset, s.n = offset, n
	if err := sock.raw.Write(s.onSocket); err != nil {
		return 0, err
	}
	switch s.err {
	case nil:
		return s.n, nil
	case syscall.EINVAL:
		return 0, errors.ErrUnsupported // sendfile(2): not a file that can be mapped
	}
	return 0, os.NewSyscallError("sendfile", s.err)
}

// toSocket sends once, and says whether it is done with that: if not, it is
// called again when the network can take more.
func (s *fileSending) toSocket(to uintptr) bool {
	s.to = to
	var sent int
	if sent, s.err = s.call(s.onCall); s.err == syscall.EAGAIN {
		return false
	}
	s.n = sent
	return true
}

func (s *fileSending) inCall() (int, error) {
	n := s.n
	if err := s.from.Control(s.onFile); err != nil {
		return 0, err
	}
	sent := s.n
	s.n = n
	return sent, s.err
}

func (s *fileSending) fromFile(from uintptr) {
	at, n := s.offset, s.n
	for {
		if s.n, s.err = syscall.Sendfile(int(s.to), int(from), &at, n); s.err != syscall.EINTR {
			return
		}
	}
}
