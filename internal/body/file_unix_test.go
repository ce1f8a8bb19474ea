//go:build unix

package body_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/haul-s3/haul/internal/body"
)

func TestFileSinkMode(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o027))
	for name, tc := range map[string]struct {
		wish, old, want fs.FileMode
	}{
		"new":               {0, 0, 0o640},
		"wished":            {0o604, 0, 0o604},
		"replaced":          {0, 0o711, 0o711},
		"replaced-wished":   {0o600, 0o711, 0o600},
		"replaced-secret":   {0, 0o400, 0o400},
		"replaced-set-user": {0, fs.ModeSetuid | 0o755, 0o755},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f")
			if tc.old != 0 {
				write(t, path, "old")
				if err := os.Chmod(path, tc.old); err != nil {
					t.Fatal(err)
				}
			}
			if err := deliver(body.OS{}, body.ToFile(path, body.FileOptions{Mode: tc.wish}), "content", body.Info{}); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode(); got != tc.want {
				t.Errorf("got mode %v, want %v", got, tc.want)
			}
		})
	}
}

// Nobody may read a file while it arrives who may not read it in the end.
func TestFileSinkModeFromTheFirstByte(t *testing.T) {
	for _, old := range []fs.FileMode{0o600, 0} {
		dir := t.TempDir()
		path := filepath.Join(dir, "f")
		write(t, path, "old")
		if err := os.Chmod(path, old); err != nil {
			t.Fatal(err)
		}
		w, err := body.ToFile(path, body.FileOptions{}).Open(t.Context(), body.OS{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		temps, err := filepath.Glob(path + ".*")
		if err != nil || len(temps) != 1 {
			t.Fatalf("temporary files: got %v, %v, want one", temps, err)
		}
		info, err := os.Stat(temps[0])
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != old {
			t.Errorf("temporary file: got mode %v, want %v", info.Mode(), old)
		}
		if err := w.Commit(body.Info{}); err != nil {
			t.Fatal(err)
		}
		if info, err = os.Stat(path); err != nil || info.Mode() != old {
			t.Errorf("file: got mode %v, %v, want %v", info.Mode(), err, old)
		}
	}
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

func TestFileSinkLinks(t *testing.T) {
	// d/real/ has the targets, d/s leads to d/real/deep, d/l* are the links.
	for name, tc := range map[string]struct{ target, path, want string }{
		"absolute":            {"ABS/real/f", "l", "real/f"},
		"relative":            {"real/f", "l", "real/f"},
		"to-what-is-missing":  {"real/new", "l", "real/new"},
		"up-from-linked-dir":  {"../f", "s/l", "real/f"},
		"missing-and-up":      {"../new", "s/l", "real/new"},
		"path-through-linked": {"", "s/../f", "real/f"},
		"new-through-linked":  {"", "s/../new", "real/new"},
		"chain":               {"real/second", "l", "real/f"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, "real", "deep"), 0o777); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "real", "f"), "old")
			link(t, "real/deep", filepath.Join(dir, "s"))
			link(t, "f", filepath.Join(dir, "real", "second"))
			path := dir + "/" + tc.path // not cleaned
			if tc.target != "" {
				link(t, strings.Replace(tc.target, "ABS", dir, 1), path)
			}
			if err := deliver(body.OS{}, body.ToFile(path, body.FileOptions{}), "content", body.Info{}); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(dir, tc.want))
			if err != nil || string(got) != "content" {
				t.Errorf("%s: got %q, %v, want %q", tc.want, got, err, "content")
			}
			if tc.target != "" {
				if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeSymlink == 0 {
					t.Errorf("link: got %v, %v, want that it is one still", info, err)
				}
			}
			if _, err := os.Lstat(filepath.Join(dir, filepath.Base(tc.want))); err == nil {
				t.Errorf("%s was written in the wrong folder", filepath.Base(tc.want))
			}
		})
	}
}

// The temporary file is in the folder of the link's target, or the rename could
// not be atomic.
func TestFileSinkTemporaryFileBesideTheTarget(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "real", "deep"), 0o777); err != nil {
		t.Fatal(err)
	}
	link(t, "real/deep", filepath.Join(dir, "s"))
	w, err := body.ToFile(dir+"/s/../f", body.FileOptions{}).Open(t.Context(), body.OS{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if temps, err := filepath.Glob(filepath.Join(dir, "real", "f.*")); err != nil || len(temps) != 1 {
		t.Errorf("got %v, %v, want one temporary file in %s/real", temps, err, dir)
	}
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
}

func TestFileSinkLoopOfLinks(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	link(t, "b", path)
	link(t, "a", filepath.Join(dir, "b"))
	if err := body.ToFile(path, body.FileOptions{}).Check(body.OS{}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want an error that names %s", err, path)
	}
}

func TestFileSinkDevice(t *testing.T) {
	before, err := os.Lstat(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	w, err := body.ToFile(os.DevNull, body.FileOptions{Mode: 0o600, KeepTime: true, Durable: true}).Open(t.Context(), body.OS{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	if !w.Ordered() {
		t.Error("a device is written in any order, want in order")
	}
	if _, err := w.WriteAt([]byte("content"), 0); err != nil {
		t.Error(err)
	}
	if err := w.Commit(body.Info{Size: 7}); err != nil {
		t.Error(err)
	}
	after, err := os.Lstat(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if after.Mode() != before.Mode() || !os.SameFile(before, after) {
		t.Errorf("%s: got %v, want as it was: %v", os.DevNull, after.Mode(), before.Mode())
	}
}

func TestFileSinkDeviceEveryCallFails(t *testing.T) {
	for n := 1; ; n++ {
		fsys := &faultFS{failAt: n}
		err := deliver(fsys, body.ToFile(os.DevNull, body.FileOptions{}), "content", body.Info{})
		if n > len(fsys.calls) {
			if err != nil {
				t.Errorf("no call failed, but: %v", err)
			}
			return
		}
		if !errors.Is(err, errFault) {
			t.Errorf("call %d (%s): got %v, want %v", n, fsys.calls[n-1], err, errFault)
		}
	}
}

func TestFileSinkDeviceShortWrite(t *testing.T) {
	err := deliver(&faultFS{short: true}, body.ToFile(os.DevNull, body.FileOptions{}), "content", body.Info{})
	if !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("got %v, want %v", err, io.ErrShortWrite)
	}
}

func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFileSinkFIFO(t *testing.T) {
	path := fifo(t)
	got := make(chan string)
	go func() {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		got <- string(b)
	}()
	w, err := body.ToFile(path, body.FileOptions{}).Open(t.Context(), body.OS{}, 7)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range []string{"con", "tent"} {
		if _, err := w.WriteAt([]byte(s), int64(3*i)); err != nil {
			t.Error(err)
		}
	}
	if err := w.Commit(body.Info{Size: 7}); err != nil {
		t.Error(err)
	}
	if s := <-got; s != "content" {
		t.Errorf("got %q, want %q", s, "content")
	}
	holdsFIFO(t, path)
}

func holdsFIFO(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Type() != fs.ModeNamedPipe {
		t.Errorf("got %v, want the FIFO alone", entries)
	}
}

func TestFileSourceFIFO(t *testing.T) {
	path := fifo(t)
	go func() {
		if err := os.WriteFile(path, []byte("content"), 0); err != nil {
			t.Error(err)
		}
	}()
	r, err := body.FromFile(path).Open(t.Context(), body.OS{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Size != -1 || r.At != nil || r.Local {
		t.Errorf("got size %d, positioned %v, local %v, want a stream", r.Size, r.At != nil, r.Local)
	}
	got, err := io.ReadAll(r.Stream)
	if err != nil || string(got) != "content" {
		t.Errorf("got %q, %v, want %q", got, err, "content")
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestFileSourceDevice(t *testing.T) {
	r, err := body.FromFile(os.DevNull).Open(t.Context(), body.OS{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r.Stream); err != nil || len(got) != 0 || r.Size != -1 {
		t.Errorf("got %q, %v, size %d, want an empty stream", got, err, r.Size)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// FromReader of a device or a pipe has the methods of a file and no size.
func TestReaderSourceSpecialFiles(t *testing.T) {
	zero, err := os.Open("/dev/zero")
	if err != nil {
		t.Skip(err)
	}
	defer zero.Close()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	for _, f := range []*os.File{zero, in} {
		r, err := body.FromReader(f).Open(t.Context(), body.OS{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Size != -1 || r.Stream == nil || r.At != nil {
			t.Errorf("%s: got size %d, want a stream", f.Name(), r.Size)
		}
	}
}
