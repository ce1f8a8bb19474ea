//go:build !linux

package body

import (
	"errors"
	"os"
)

// openDirect fails: O_DIRECT is Linux's.
func openDirect(*os.File) (*os.File, error) { return nil, errors.ErrUnsupported }

func refusesDirect(error) bool { return false }
