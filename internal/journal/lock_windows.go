package journal

import (
	"errors"

	"golang.org/x/sys/windows"
)

// lockFile takes the system's lock of a byte far behind the end of a file,
// since what is locked here can't be read by others. It ends with the handle.
func lockFile(fd uintptr) error {
	const how = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(fd), how, 0, 1, 0, &windows.Overlapped{OffsetHigh: 1 << 30})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrInUse
	}
	return err
}
