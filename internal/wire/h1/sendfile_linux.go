package h1

import (
	"errors"
	"os"
	"syscall"
)

// canSendFile says that the system sends files by itself.
const canSendFile = true

// sendFile has the system send up to n bytes of f from an offset, without
// moving f's own. It waits until the network has taken some, and returns how
// many. call is where each call into the file is made. None and no error: f
// ends there.
func (s *socket) sendFile(f *os.File, offset int64, n int, call func(func() (int, error)) (int, error)) (int, error) {
	file, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	var sent int
	var serr error
	once := func(to uintptr) bool {
		sent, serr = call(func() (n1 int, err1 error) {
			err := file.Control(func(from uintptr) {
				at := offset
				for {
					n1, err1 = syscall.Sendfile(int(to), int(from), &at, n)
					if err1 != syscall.EINTR {
						return
					}
				}
			})
			if err != nil {
				return 0, err
			}
			return n1, err1
		})
		return serr != syscall.EAGAIN
	}
	if err := s.raw.Write(once); err != nil {
		return 0, err
	}
	if serr == syscall.EINVAL {
		return 0, errors.ErrUnsupported // sendfile(2): not a file that can be mapped
	}
	if serr != nil {
		return 0, os.NewSyscallError("sendfile", serr)
	}
	return sent, nil
}
