package journal

import (
	"sync"

	"github.com/haul-s3/haul/internal/body"
)

// held are the journals that this process has. The system is asked only about
// other processes: its locks may be granted twice to one, and the files of a
// replaced FS have none.
var held = struct {
	mu    sync.Mutex
	paths map[string]bool // guarded by mu
}{paths: map[string]bool{}}

// lock takes a journal for one transfer until unlock is called or f is closed,
// whichever is later. It doesn't wait: the error is ErrInUse.
func lock(path string, f body.File) (unlock func(), err error) {
	held.mu.Lock()
	defer held.mu.Unlock()
	if held.paths[path] {
		return nil, ErrInUse
	}
	if fd, ok := f.(interface{ Fd() uintptr }); ok {
		if err := lockFile(fd.Fd()); err != nil {
			return nil, err
		}
	}
	held.paths[path] = true
	return func() {
		held.mu.Lock()
		defer held.mu.Unlock()
		delete(held.paths, path)
	}, nil
}
