package body_test

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/haul-s3/haul/internal/body"
)

// A disk without room is found before the first byte, and nothing is left on
// it.
func TestFileSinkNoRoom(t *testing.T) {
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	write(t, path, "old")
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 20, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	_, err := body.ToFile(path, body.FileOptions{}).Open(t.Context(), body.OS{}, 2<<20)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, syscall.EFBIG) {
		t.Errorf("got %v, want %v", err, syscall.EFBIG)
	}
	holds(t, dir, map[string]string{"f": "old"})
}

// /dev/stdout leads over a link to "pipe:[7]", which is no name.
func TestFileSinkStandardOutput(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	name := filepath.Join(t.TempDir(), "stdout")
	link(t, "/proc/self/fd/"+strconv.Itoa(int(out.Fd())), name)
	w, err := body.ToFile(name, body.FileOptions{}).Open(t.Context(), body.OS{}, 7)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteAt([]byte("content"), 0); err != nil {
		t.Error(err)
	}
	if err := errors.Join(w.Commit(body.Info{Size: 7}), out.Close()); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(in); err != nil || string(got) != "content" {
		t.Errorf("got %q, %v, want %q", got, err, "content")
	}
}

// The files of /proc are regular and say that they are empty.
func TestSourcesOfFilesWithoutASize(t *testing.T) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	for _, s := range []body.Source{body.FromFile(f.Name()), body.FromReader(f)} {
		r, err := s.Open(t.Context(), body.OS{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Size != -1 || r.Stream == nil {
			t.Fatalf("%s: got size %d, want a stream", s, r.Size)
		}
		if got, err := io.ReadAll(r.Stream); err != nil || len(got) == 0 {
			t.Errorf("%s: got %d bytes, %v, want some", s, len(got), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
