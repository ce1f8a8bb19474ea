//go:build unix

package body

import (
	"io/fs"
	"syscall"
)

// FileID returns the numbers by which the system knows a file, 0 and 0 where
// the info isn't the system's own.
func FileID(info fs.FileInfo) (device, inode uint64) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Dev), uint64(st.Ino) // their types differ between systems
	}
	return 0, 0
}
