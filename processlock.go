package haul

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
)

// ProcessLock is held by one owner on this machine at a time. The system
// releases it when the process ends, however that happens.
type ProcessLock struct {
	name string

	mu   sync.Mutex
	file *os.File // guarded by mu; nil once released
}

// heldLocks are the names that this process holds: the system's locks are not
// asked about these, as they may be granted twice to one process.
var heldLocks = struct {
	mu    sync.Mutex
	names map[string]bool // guarded by mu
}{names: make(map[string]bool)}

// AcquireProcessLock acquires the lock of that name, or returns an error that
// wraps ErrLockHeld at once if it has an owner, in this process or another. On
// Unix it is the lock that the AWS Common Runtime's CrossProcessLock takes,
// so that programs of both kinds respect each other. haul never takes it by
// itself. name must not be empty or contain a path separator. The lock is not
// inherited by child processes.
func AcquireProcessLock(name string) (*ProcessLock, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00") {
		return nil, fmt.Errorf("process lock %q: the name must not be empty or contain a path separator", name)
	}
	heldLocks.mu.Lock()
	defer heldLocks.mu.Unlock()
	if heldLocks.names[name] {
		return nil, fmt.Errorf("process lock %q, in this process: %w", name, ErrLockHeld)
	}
	f, err := lockFile(name)
	if err != nil {
		return nil, fmt.Errorf("process lock %q: %w", name, err)
	}
	heldLocks.names[name] = true
	return &ProcessLock{name: name, file: f}, nil
}

// Release gives the lock back. The file stays, as others may be waiting for it.
// Further calls do nothing.
func (l *ProcessLock) Release() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	heldLocks.mu.Lock()
	defer heldLocks.mu.Unlock()
	delete(heldLocks.names, l.name)
	err := errors.Join(unlockFile(l.file), l.file.Close())
	l.file = nil
	return err
}
