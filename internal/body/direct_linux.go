package body

import (
	"errors"
	"os"
	"syscall"
)

// openDirect opens f's file once more, past the page cache (open(2), O_DIRECT).
// File systems that can't refuse with EINVAL.
func openDirect(f *os.File) (*os.File, error) {
	d, err := os.OpenFile(f.Name(), os.O_WRONLY|syscall.O_DIRECT|noFollow, 0)
	if err != nil {
		return nil, err
	}
	// The name may stand for another file by now.
	mine, err := f.Stat()
	if err == nil {
		var its os.FileInfo
		if its, err = d.Stat(); err == nil && !os.SameFile(mine, its) {
			err = errors.ErrUnsupported
		}
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// refusesDirect says that a direct write failed for being direct: the file
// system wants larger blocks, or none. Any other error is of the disk.
func refusesDirect(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EOPNOTSUPP)
}
