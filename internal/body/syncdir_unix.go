//go:build unix

package body

import (
	"errors"
	"os"
	"syscall"
)

// syncDir makes the entries of dir durable, where the file system can.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil // some network file systems don't know it
	}
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}
