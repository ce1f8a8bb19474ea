package main

import (
	"os"
	"syscall"
	"testing"
)

// TestWiden holds that a pipe takes a whole buffer without anybody reading, and
// that what is no pipe is left alone.
func TestWiden(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	widen(r)
	const getPipeSize = 1032 // F_GETPIPE_SZ
	size, _, errno := syscall.Syscall(syscall.SYS_FCNTL, w.Fd(), getPipeSize, 0)
	if errno != 0 || size < streamBuffer {
		t.Skipf("the pipe holds %d bytes (%v): this user may have no larger ones", size, errno)
	}
	if n, err := w.Write(make([]byte, streamBuffer)); n != streamBuffer || err != nil {
		t.Errorf("wrote %d bytes, %v, want %d", n, err, streamBuffer)
	}
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	widen(file)
}
