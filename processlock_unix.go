//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package haul

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lockDir is where the Common Runtime keeps its lock files (aws-c-common,
// source/posix/cross_process_lock.c); TMPDIR doesn't change it.
const lockDir = "/tmp/aws_crt_cross_process_lock"

// lockFile opens the lock's file, makes it if need be, and locks it. Everybody
// may use it, whoever made it.
func lockFile(name string) (*os.File, error) {
	if err := os.Mkdir(lockDir, 0o777); err == nil {
		_ = os.Chmod(lockDir, 0o777) // past the umask; if it fails, this user's locks work at least
	} else if !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	path := filepath.Join(lockDir, name+".lock")
	f, err := openLock(path)
	if err != nil {
		return nil, err
	}
	if err := flock(f, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrLockHeld
		}
		return nil, &fs.PathError{Op: "flock", Path: path, Err: err}
	}
	return f, nil
}

// openLock opens a file in a folder where everybody may put anything: it
// follows no link, and gives rights only to a file that it has made.
func openLock(path string) (*os.File, error) {
	const how = os.O_RDWR | unix.O_NOFOLLOW // os adds O_CLOEXEC
	f, err := os.OpenFile(path, how|os.O_CREATE|os.O_EXCL, 0o666)
	if err == nil {
		_ = f.Chmod(0o666) // past the umask; if it fails, this user's locks work at least
		return f, nil
	}
	if !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	f, err = os.OpenFile(path, how, 0)
	if errors.Is(err, fs.ErrPermission) {
		f, err = os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0) // another user's; a lock needs no right to write
	}
	return f, err
}

func flock(f *os.File, how int) error {
	for {
		if err := unix.Flock(int(f.Fd()), how); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func unlockFile(f *os.File) error { return flock(f, unix.LOCK_UN) }
