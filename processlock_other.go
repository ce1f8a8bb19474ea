//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd || windows)

package haul

import (
	"errors"
	"os"
)

// lockFile says that there are no locks here.
func lockFile(string) (*os.File, error) { return nil, errors.ErrUnsupported }

func unlockFile(*os.File) error { return nil }
