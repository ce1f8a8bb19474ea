package main

import (
	"os"
	"syscall"
)

// setPipeSize is F_SETPIPE_SZ of fcntl(2).
const setPipeSize = 1031

// widen makes a pipe hold as much as is moved at once, where the system allows
// it: each of the ordinary 64 KiB would cost both sides a turn. It does nothing
// to what is no pipe.
func widen(f *os.File) {
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { // a pipe that stays narrow works as well
		_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, fd, setPipeSize, streamBuffer)
	})
}
