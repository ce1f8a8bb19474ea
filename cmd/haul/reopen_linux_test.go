package main

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
)

// blockingPipe is a pipe as a shell makes it.
func blockingPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	r, w = os.NewFile(uintptr(fds[0]), "r"), os.NewFile(uintptr(fds[1]), "w")
	t.Cleanup(func() { _, _ = r.Close(), w.Close() }) // nothing was written to it that matters
	return r, w
}

func blocks(t *testing.T, f *os.File) bool {
	t.Helper()
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), syscall.F_GETFL, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	return flags&syscall.O_NONBLOCK == 0
}

// TestBreakOff holds that what passes through is the same, that a cancel ends a
// read and a write that wait, and that who shares the pipe doesn't notice.
func TestBreakOff(t *testing.T) {
	r, w := blockingPipe(t)
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	in, out := breakOff(ctx, r, os.O_RDONLY), breakOff(ctx, w, os.O_WRONLY)
	if in == nil || out == nil {
		t.Fatal("a pipe can't be opened once more")
	}
	if _, err := out.Write([]byte("bytes")); err != nil {
		t.Error(err)
	}
	b := make([]byte, 10)
	if n, err := in.Read(b); err != nil || string(b[:n]) != "bytes" {
		t.Errorf("got %q, %v, want the bytes", b[:n], err)
	}
	ended := make(chan error, 2)
	go func() { _, err := in.Read(b); ended <- err }()
	cancel(enough)
	if err := <-ended; !errors.Is(err, enough) {
		t.Errorf("read: got %v, want the cause of the cancel", err)
	}
	go func() { _, err := out.Write(make([]byte, 16<<20)); ended <- err }()
	if err := <-ended; !errors.Is(err, enough) {
		t.Errorf("write: got %v, want the cause of the cancel", err)
	}
	if !blocks(t, r) || !blocks(t, w) {
		t.Error("the pipe that others share doesn't block any more")
	}
}

// TestBreakOffWithoutReader: the pipe that the process was given tells what it is
// to have no reader.
func TestBreakOffWithoutReader(t *testing.T) {
	r, w := blockingPipe(t)
	out := breakOff(t.Context(), w, os.O_WRONLY)
	if out == nil {
		t.Fatal("a pipe can't be opened once more")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Write([]byte("bytes")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("got %v, want %v", err, syscall.EPIPE)
	}
}

// TestBreakOffOfNoPipe leaves files as they are.
func TestBreakOffOfNoPipe(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if breakOff(t.Context(), f, os.O_RDWR) != nil {
		t.Error("a file passes for a pipe")
	}
}
