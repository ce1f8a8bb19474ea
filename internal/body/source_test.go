package body_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/haul-s3/haul/internal/body"
)

// all reads a source to its end, by position or as a stream.
func all(t *testing.T, r *body.Reader) string {
	t.Helper()
	src := r.Stream
	if r.At != nil {
		src = io.NewSectionReader(r.At, 0, r.Size)
	}
	got, err := io.ReadAll(src)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestFileSource(t *testing.T) {
	for _, content := range []string{"content", ""} {
		path := filepath.Join(t.TempDir(), "f")
		write(t, path, content)
		r, err := body.FromFile(path).Open(t.Context(), body.OS{})
		if err != nil {
			t.Fatal(err)
		}
		if got := all(t, r); got != content || r.Size != int64(len(content)) || !r.Local || r.InMemory {
			t.Errorf("got %q, size %d, local %v, in memory %v, want %q, read by file calls", got, r.Size, r.Local, r.InMemory, content)
		}
		if err := r.Check(); err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if _, err := r.At.ReadAt(make([]byte, 1), 0); !errors.Is(err, os.ErrClosed) {
			t.Errorf("after Close: got %v, want %v", err, os.ErrClosed)
		}
	}
}

func TestFileSourceErrorsNameThePath(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "missing")} {
		if _, err := body.FromFile(path).Open(t.Context(), body.OS{}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v, want an error that names %s", err, path)
		}
	}
	if _, err := body.FromFile("").Open(t.Context(), body.OS{}); err == nil {
		t.Error("no path: got no error, want one")
	}
}

func TestFileSourceEveryCallFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "content")
	for n := 1; ; n++ {
		fsys := &faultFS{failAt: n}
		r, err := body.FromFile(path).Open(t.Context(), fsys)
		if err == nil {
			err = r.Close()
		}
		if n > len(fsys.calls) {
			if err != nil || n == 1 {
				t.Errorf("call %d did not fail, but: %v", n, err)
			}
			return
		}
		if !errors.Is(err, errFault) {
			t.Errorf("call %d (%s): got %v, want %v", n, fsys.calls[n-1], err, errFault)
		}
		if last := fsys.calls[len(fsys.calls)-1]; slices.Contains(fsys.calls[:n-1], "open") && last != "close" {
			t.Errorf("call %d (%s): the last call was %s, want close", n, fsys.calls[n-1], last)
		}
	}
}

func TestFileSourceThatChanges(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(path string) error
		want   string // of the error; "": none
	}{
		"grown": {func(path string) error { return os.WriteFile(path, []byte("longer content"), 0o666) }, "its size was 7 bytes and is 14"},
		"cut":   {func(path string) error { return os.Truncate(path, 3) }, "its size was 7 bytes and is 3"},
		"touched": {func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1e9, 0)) },
			"its modification time moved"},
		"replaced": {func(path string) error {
			if err := os.WriteFile(path+".new", []byte("another"), 0o666); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		}, "another file has taken its name"},
		"removed": {os.Remove, ""},
		"renamed": {func(path string) error { return os.Rename(path, path+".old") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f")
			write(t, path, "content")
			r, err := body.FromFile(path).Open(t.Context(), body.OS{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if err := r.Check(); err != nil {
				t.Fatalf("before the change: %v", err)
			}
			if err := tc.change(path); err != nil {
				t.Skip(err) // not every system lets go of an open file
			}
			err = r.Check()
			var changed *body.ChangedError
			if tc.want == "" {
				if err != nil {
					t.Errorf("got %v, want no error", err)
				}
			} else if !errors.As(err, &changed) || changed.What != tc.want || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want that %s changed: %s", err, path, tc.want)
			}
		})
	}
}

func TestReaderSourceAtAnOffset(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "content")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, tc := range map[string]struct {
		r               io.ReadSeeker
		local, inMemory bool
	}{
		"file":    {f, true, false},
		"bytes":   {bytes.NewReader([]byte("content")), false, true},
		"string":  {strings.NewReader("content"), false, true},
		"section": {io.NewSectionReader(strings.NewReader("a content"), 2, 7), false, false},
	} {
		for _, offset := range []int64{0, 3, 7, 9} {
			t.Run(fmt.Sprintf("%s-%d", name, offset), func(t *testing.T) {
				if _, err := tc.r.Seek(offset, io.SeekStart); err != nil {
					t.Fatal(err)
				}
				r, err := body.FromReader(tc.r).Open(t.Context(), body.OS{})
				if err != nil {
					t.Fatal(err)
				}
				if offset <= 7 && (r.At == nil || r.Local != tc.local || r.InMemory != tc.inMemory) {
					t.Errorf("got positioned %v, local %v, in memory %v, want true, %v, %v", r.At != nil, r.Local, r.InMemory, tc.local, tc.inMemory)
				}
				if at, err := tc.r.Seek(0, io.SeekCurrent); at != offset || err != nil {
					t.Errorf("offset after Open: got %d, %v, want %d", at, err, offset)
				}
				if got, want := all(t, r), "content"[min(offset, 7):]; got != want {
					t.Errorf("got %q, want %q", got, want)
				}
				if err := errors.Join(r.Check(), r.Close()); err != nil {
					t.Error(err)
				}
			})
		}
	}
	if _, err := f.Stat(); err != nil {
		t.Errorf("the file of the caller's is closed: %v", err)
	}
}

func TestReaderSourceOfAFileThatChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "content")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := body.FromReader(f).Open(t.Context(), body.OS{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, "another content")
	var changed *body.ChangedError
	if err := r.Check(); !errors.As(err, &changed) || changed.Name != path {
		t.Errorf("got %v, want that %s changed", err, path)
	}
}

// lame can be read by position and does not find its way back.
type lame struct {
	*bytes.Reader
	refuse int // which kind of Seek fails
}

func (l *lame) Seek(offset int64, whence int) (int64, error) {
	if whence == l.refuse {
		return 0, errFault
	}
	return l.Reader.Seek(offset, whence)
}

func TestReaderSourceThatCanNotSeek(t *testing.T) {
	for name, tc := range map[string]struct {
		refuse int
		err    error // nil: read as a stream, from where it was
	}{
		"no-offset": {io.SeekCurrent, nil},
		"no-end":    {io.SeekEnd, nil},
		"no-return": {io.SeekStart, errFault},
	} {
		t.Run(name, func(t *testing.T) {
			l := &lame{bytes.NewReader([]byte("a content")), tc.refuse}
			if _, err := l.Reader.Seek(2, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			r, err := body.FromReader(l).Open(t.Context(), body.OS{})
			if !errors.Is(err, tc.err) {
				t.Fatalf("got %v, want %v", err, tc.err)
			}
			if err != nil {
				return
			}
			if got := all(t, r); got != "content" || r.Size != -1 {
				t.Errorf("got %q, size %d, want a stream of %q", got, r.Size, "content")
			}
		})
	}
}

func TestReaderSourceStream(t *testing.T) {
	r, err := body.FromReader(io.MultiReader(strings.NewReader("con"), strings.NewReader("tent"))).Open(t.Context(), body.OS{})
	if err != nil {
		t.Fatal(err)
	}
	if got := all(t, r); got != "content" || r.Size != -1 || r.At != nil {
		t.Errorf("got %q, size %d, want a stream of %q", got, r.Size, "content")
	}
}

func TestOtherSources(t *testing.T) {
	for name, s := range map[string]body.Source{
		"bytes":     body.FromBytes([]byte("content")),
		"reader-at": body.FromReaderAt(strings.NewReader("content and more"), 7),
	} {
		r, err := s.Open(t.Context(), body.OS{})
		if err != nil {
			t.Fatal(err)
		}
		if got := all(t, r); got != "content" || !r.InMemory {
			t.Errorf("%s: got %q, in memory %v, want %q, true", name, got, r.InMemory, "content")
		}
		if err := errors.Join(r.Check(), r.Close()); err != nil {
			t.Error(err)
		}
	}
}

func TestBadSources(t *testing.T) {
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	closed, err := os.Create(filepath.Join(dir.Name(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]body.Source{
		"nil-reader": body.FromReader(nil), "nil-reader-at": body.FromReaderAt(nil, 1),
		"negative-size": body.FromReaderAt(strings.NewReader(""), -1),
		"nil-file":      body.FromReader((*os.File)(nil)), "closed-file": body.FromReader(closed), "folder": body.FromReader(dir),
	} {
		if r, err := s.Open(t.Context(), body.OS{}); err == nil || r != nil {
			t.Errorf("%s: got %v, %v, want an error", name, r, err)
		}
	}
}
