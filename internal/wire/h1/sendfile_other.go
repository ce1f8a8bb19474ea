//go:build !linux

package h1

import (
	"errors"
	"os"
)

// canSendFile says that the system sends files by itself, as far as this package
// knows how to ask it.
const canSendFile = false

func (s *socket) sendFile(*os.File, int64, int, func(func() (int, error)) (int, error)) (int, error) {
	return 0, errors.ErrUnsupported
}
