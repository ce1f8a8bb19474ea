package body

import (
	"errors"
	"os"
	"syscall"
)

// preallocate reserves size bytes for f, so that a full disk is found before
// the first byte is fetched and the file lies in one piece. File systems that
// can't get the size alone.
func preallocate(f File, size int64) error {
	osf, ok := f.(*os.File)
	if !ok || size == 0 {
		return f.Truncate(size)
	}
	for {
		err := syscall.Fallocate(int(osf.Fd()), 0, 0, size)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
			return &os.PathError{Op: "fallocate", Path: f.Name(), Err: err}
		}
		return f.Truncate(size)
	}
}
