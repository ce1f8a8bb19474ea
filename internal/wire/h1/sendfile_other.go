//go:build !linux

package h1

import (
	"errors"
	"os"
)

// canSendFile says that the system sends files by itself, as far as this package
// knows how to ask it.
const canSendFile = false

// fileSending is empty where files are read.
type fileSending struct {
	f    *os.File
	call func(func() (int, error)) (int, error)
}

func (*fileSending) init(*os.File, func(func() (int, error)) (int, error)) error {
	return errors.ErrUnsupported
}

func (*fileSending) send(*socket, int64, int) (int, error) { return 0, errors.ErrUnsupported }
