//go:build unix

package managertest

import (
	"syscall"
	"testing"
)

// makeFIFO makes a FIFO; false where the system has none.
func makeFIFO(t *testing.T, path string) bool {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o666); err != nil {
		t.Fatal(err)
	}
	return true
}
