package body_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/testbody"
)

// descriptors are the flags of the process's open descriptors of files in dir.
func descriptors(t *testing.T, dir string) (flags []int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	for _, e := range entries {
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err != nil || !strings.HasPrefix(target, dir+"/") {
			continue
		}
		info, err := os.ReadFile("/proc/self/fdinfo/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := bytes.Cut(info, []byte("flags:"))
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		var flag int
		for _, c := range bytes.TrimSpace(line) {
			flag = flag<<3 | int(c-'0')
		}
		flags = append(flags, flag)
	}
	return flags
}

// direct says whether one of the flags has O_DIRECT.
func direct(flags []int) bool {
	for _, f := range flags {
		if f&syscall.O_DIRECT != 0 {
			return true
		}
	}
	return false
}

// takesDirect says whether the file system of dir opens files directly.
func takesDirect(t *testing.T, dir string) bool {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, "probe"), os.O_CREATE|os.O_WRONLY|syscall.O_DIRECT, 0o600)
	defer os.Remove(filepath.Join(dir, "probe"))
	if err != nil {
		return false
	}
	return f.Close() == nil
}

// writeSlices writes size bytes of the test stream, slice by slice, the last
// first.
func writeSlices(t *testing.T, w body.Writer, size int64) {
	t.Helper()
	pool := bufpool.New(1 << 20)
	b := pool.GetSlice()
	defer pool.PutSlice(b)
	for off := (size - 1) / int64(len(b)) * int64(len(b)); off >= 0; off -= int64(len(b)) {
		p := b[:min(int64(len(b)), size-off)]
		testbody.Fill(p, 1, off)
		if n, err := w.WriteAt(p, off); err != nil || n != len(p) {
			t.Fatalf("write of %d bytes at %d: %d, %v", len(p), off, n, err)
		}
	}
}

// Files of all sizes are what was written, on the disk and in shared memory, and
// where the file system allows it a descriptor is there that is direct.
func TestDirect(t *testing.T) {
	dirs := map[string]string{"disk": t.TempDir()}
	if shm, err := os.MkdirTemp("/dev/shm", "haul-test-"); err == nil {
		defer os.RemoveAll(shm)
		dirs["shared-memory"] = shm
	}
	for name, dir := range dirs {
		t.Run(name, func(t *testing.T) {
			can := takesDirect(t, dir)
			t.Logf("O_DIRECT can be had: %v", can)
			for _, size := range []int64{1, 1<<20 - 1, 1 << 20, 1<<20 + 1, 1<<20 + 4095, 1<<20 + 4096, 3<<20 + 12345} {
				for _, o := range []body.FileOptions{{Direct: true}, {Direct: true, Durable: true}, {}} {
					if size != 3<<20+12345 && (o.Durable || !o.Direct) {
						continue // one size will do
					}
					path := filepath.Join(dir, "f")
					w, err := body.ToFile(path, o).Open(t.Context(), body.OS{}, size)
					if err != nil {
						t.Fatal(err)
					}
					if got, want := direct(descriptors(t, dir)), can && o.Direct && size >= 1<<20; got != want {
						t.Errorf("%d bytes, %+v: a direct descriptor: %v, want %v", size, o, got, want)
					}
					writeSlices(t, w, size)
					if err := w.Commit(body.Info{Size: size}); err != nil {
						t.Fatal(err)
					}
					isStream(t, path, size)
					if n := len(descriptors(t, dir)); n != 0 {
						t.Errorf("%d descriptors are open, want none", n)
					}
				}
			}
		})
	}
}

// isStream compares a file with the test stream.
func isStream(t *testing.T, path string, size int64) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || int64(len(got)) != size {
		t.Fatalf("%d bytes, %v, want %d", len(got), err, size)
	}
	if at, ok := testbody.Check(got, 1, 0); !ok {
		t.Errorf("%d bytes: the byte at %d is wrong", size, at)
	}
}

// Neither a failure nor a transfer that is kept leaves a descriptor, and what is
// taken up again is direct again.
func TestDirectKept(t *testing.T) {
	dir := t.TempDir()
	can := takesDirect(t, dir)
	const size = 2<<20 + 100
	path := filepath.Join(dir, "f")
	sink := body.ToFile(path, body.FileOptions{Direct: true}).(body.Keeper)
	w, err := sink.Open(t.Context(), body.OS{}, size)
	if err != nil {
		t.Fatal(err)
	}
	writeSlices(t, w, size)
	kept := w.(body.Kept)
	b := make([]byte, size)
	if _, err := kept.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	if at, ok := testbody.Check(b, 1, 0); !ok {
		t.Errorf("read back: the byte at %d is wrong", at)
	}
	if err := errors.Join(kept.Sync(), kept.Keep()); err != nil {
		t.Fatal(err)
	}
	if n := len(descriptors(t, dir)); n != 0 {
		t.Errorf("%d descriptors are open when it is kept, want none", n)
	}
	w, err = sink.Reopen(body.OS{}, kept.Temp(), size)
	if err != nil {
		t.Fatal(err)
	}
	if got := direct(descriptors(t, dir)); got != can {
		t.Errorf("reopened: a direct descriptor: %v, want %v", got, can)
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if n := len(descriptors(t, dir)); n != 0 {
		t.Errorf("%d descriptors are open after Abort, want none", n)
	}
	holds(t, dir, nil)
}

// directFS is an FS whose files can be written directly, or refuse to be.
type directFS struct {
	body.OS
	opened error                     // of Direct
	fails  func(written int64) error // of a direct write
	bytes  struct{ direct, buffered atomic.Int64 }
}

type countedFile struct {
	body.File
	fs *directFS
}

type countedDirect struct{ countedFile }

func (f *directFS) CreateTemp(dir, prefix string) (body.File, error) {
	file, err := f.OS.CreateTemp(dir, prefix)
	return countedFile{file, f}, err
}

func (f countedFile) WriteAt(p []byte, off int64) (int, error) {
	f.fs.bytes.buffered.Add(int64(len(p)))
	return f.File.WriteAt(p, off)
}

func (f countedFile) Direct() (body.File, error) {
	if f.fs.opened != nil {
		return nil, f.fs.opened
	}
	again, err := os.OpenFile(f.Name(), os.O_WRONLY, 0)
	return countedDirect{countedFile{again, f.fs}}, err
}

func (f countedDirect) WriteAt(p []byte, off int64) (int, error) {
	if f.fs.fails != nil {
		if err := f.fs.fails(f.fs.bytes.direct.Load()); err != nil {
			return 0, err
		}
	}
	f.fs.bytes.direct.Add(int64(len(p)))
	return f.File.WriteAt(p, off)
}

// What refuses to be direct is written the other way; an error of the disk is an
// error. All but the last block goes directly.
func TestDirectFallsBack(t *testing.T) {
	const size = 2<<20 + 100
	refuse := func(from int64) func(int64) error {
		return func(written int64) error {
			if written >= from {
				return syscall.EINVAL
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		fs   *directFS
		want int64 // bytes written directly
	}{
		"never":      {&directFS{}, 2 << 20},
		"at-opening": {&directFS{opened: syscall.EINVAL}, 0},
		"at-once":    {&directFS{fails: refuse(0)}, 0},
		"later":      {&directFS{fails: refuse(512 << 10)}, 512 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f")
			w, err := body.ToFile(path, body.FileOptions{Direct: true}).Open(t.Context(), c.fs, size)
			if err != nil {
				t.Fatal(err)
			}
			writeSlices(t, w, size)
			if err := w.Commit(body.Info{Size: size}); err != nil {
				t.Fatal(err)
			}
			isStream(t, path, size)
			if got, other := c.fs.bytes.direct.Load(), c.fs.bytes.buffered.Load(); got != c.want || other != size-c.want {
				t.Errorf("%d bytes directly and %d otherwise, want %d and %d", got, other, c.want, size-c.want)
			}
		})
	}
	broken := directFS{fails: func(int64) error { return syscall.EIO }}
	w, err := body.ToFile(filepath.Join(t.TempDir(), "f"), body.FileOptions{Direct: true}).Open(t.Context(), &broken, size)
	if err != nil {
		t.Fatal(err)
	}
	pool := bufpool.New(1 << 20)
	b := pool.GetSlice()
	defer pool.PutSlice(b)
	if _, err := w.WriteAt(b, 0); !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v, want %v: it must not be tried another way", err, syscall.EIO)
	}
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
}

// Whatever memory, offset and length are, the bytes come to their place.
func TestDirectAnyAlignment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	const size = 1 << 20
	w, err := body.ToFile(path, body.FileOptions{Direct: true}).Open(t.Context(), body.OS{}, size)
	if err != nil {
		t.Fatal(err)
	}
	pool := bufpool.New(1 << 20)
	b := pool.GetSlice()
	defer pool.PutSlice(b)
	lengths := []int64{4096, 1, 4095, 8192, 100, 3996, 12288, 5000}
	for off, i := int64(0), 0; off < size; i++ {
		p := b[i%3:][:min(lengths[i%len(lengths)], size-off)]
		testbody.Fill(p, 1, off)
		if _, err := w.WriteAt(p, off); err != nil {
			t.Fatal(err)
		}
		off += int64(len(p))
	}
	if err := w.Commit(body.Info{Size: size}); err != nil {
		t.Fatal(err)
	}
	isStream(t, path, size)
}

// A file layer of the caller's that says nothing of direct files gets every
// write.
func TestDirectNotAround(t *testing.T) {
	fsys := &faultFS{}
	w, err := body.ToFile(filepath.Join(t.TempDir(), "f"), body.FileOptions{Direct: true}).Open(t.Context(), fsys, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if got := body.Alignment(w); got != 1 {
		t.Errorf("alignment %d, want 1: such a file is not written directly", got)
	}
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
}
