package body_test

import (
	"context"
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

// deliver opens the sink, writes the content in two pieces, the last first, and
// commits. On an error it aborts, as a transfer does.
func deliver(fsys body.FS, s body.Sink, content string, info body.Info) error {
	info.Size = int64(len(content))
	w, err := s.Open(context.Background(), fsys, info.Size)
	if err != nil {
		return err
	}
	half := len(content) / 2
	if _, err = w.WriteAt([]byte(content[half:]), int64(half)); err == nil {
		_, err = w.WriteAt([]byte(content[:half]), 0)
	}
	if err != nil {
		return errors.Join(err, w.Abort())
	}
	if err := w.Commit(info); err != nil {
		return errors.Join(err, w.Abort())
	}
	return nil
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// holds says what a folder has to have in it: names and contents.
func holds(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		got, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if w, ok := want[e.Name()]; !ok || w != string(got) {
			t.Errorf("file %q: got %q, want %q (wanted at all: %v)", e.Name(), got, w, ok)
		}
	}
	if len(entries) != len(want) {
		t.Errorf("got %d files, want %d", len(entries), len(want))
	}
}

func TestFileSinkDelivers(t *testing.T) {
	for name, old := range map[string]bool{"new": false, "replaced": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "f")
			if old {
				write(t, path, "the old content, which is longer")
			}
			if err := deliver(body.OS{}, body.ToFile(path, body.FileOptions{}), "content", body.Info{}); err != nil {
				t.Fatal(err)
			}
			holds(t, dir, map[string]string{"f": "content"})
		})
	}
}

func TestFileSinkEmptyAndUnknownSize(t *testing.T) {
	for _, tc := range []struct {
		announced int64
		content   string
	}{{-1, "abc"}, {-1, ""}, {0, ""}, {3, "abc"}, {100, "abc"}} {
		dir := t.TempDir()
		w, err := body.ToFile(filepath.Join(dir, "f"), body.FileOptions{}).Open(t.Context(), body.OS{}, tc.announced)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.WriteAt([]byte(tc.content), 0); err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(body.Info{Size: int64(len(tc.content))}); err != nil {
			t.Fatal(err)
		}
		holds(t, dir, map[string]string{"f": tc.content})
	}
}

func TestFileSinkAbortLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	write(t, path, "old")
	w, err := body.ToFile(path, body.FileOptions{}).Open(t.Context(), body.OS{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteAt([]byte("new"), 0); err != nil {
		t.Fatal(err)
	}
	for range 2 { // again is no error
		if err := w.Abort(); err != nil {
			t.Fatal(err)
		}
	}
	holds(t, dir, map[string]string{"f": "old"})
	if err := w.Commit(body.Info{}); err == nil {
		t.Error("commit after abort: got no error, want one")
	}
	holds(t, dir, map[string]string{"f": "old"})
}

// Every file call of a delivery fails once: the error is told, no temporary
// file is left, and what was there is untouched.
func TestFileSinkEveryCallFails(t *testing.T) {
	o := body.FileOptions{Mode: 0o640, KeepTime: true, Durable: true}
	info := body.Info{LastModified: time.Unix(1e9, 0)}
	for n := 1; ; n++ {
		dir := t.TempDir()
		path := filepath.Join(dir, "f")
		write(t, path, "old")
		fsys := &faultFS{failAt: n}
		err := deliver(fsys, body.ToFile(path, o), "content", info)
		if n > len(fsys.calls) {
			if err != nil {
				t.Fatalf("no call failed, but: %v", err)
			}
			if n < 10 {
				t.Fatalf("only %d calls could fail: %v", n-1, fsys.calls)
			}
			return
		}
		call := fsys.calls[n-1]
		if !errors.Is(err, errFault) {
			t.Errorf("call %d (%s): got %v, want %v", n, call, err, errFault)
		}
		want := "old"
		if call == "syncdir" {
			want = "content" // it has its name already
		}
		holds(t, dir, map[string]string{"f": want})
	}
}

func TestFileSinkTellsOfAFileItCouldNotRemove(t *testing.T) {
	fsys := &faultFS{}
	w, err := body.ToFile(filepath.Join(t.TempDir(), "f"), body.FileOptions{}).Open(t.Context(), fsys, 1)
	if err != nil {
		t.Fatal(err)
	}
	fsys.failAt = len(fsys.calls) + 2 // close, remove
	if err := w.Abort(); !errors.Is(err, errFault) {
		t.Errorf("got %v, want %v", err, errFault)
	}
}

func TestFileSinkOrderOfCalls(t *testing.T) {
	for name, tc := range map[string]struct {
		o    body.FileOptions
		want string
	}{
		"plain":     {body.FileOptions{}, "truncate write write truncate close rename"},
		"mode":      {body.FileOptions{Mode: 0o600}, "chmod truncate write write truncate close rename"},
		"durable":   {body.FileOptions{Durable: true}, "truncate write write truncate sync close rename syncdir"},
		"keep-time": {body.FileOptions{KeepTime: true, Durable: true}, "truncate write write truncate sync close chtimes rename syncdir"},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := &faultFS{}
			path := filepath.Join(t.TempDir(), "f")
			if err := deliver(fsys, body.ToFile(path, tc.o), "content", body.Info{LastModified: time.Unix(1e9, 0)}); err != nil {
				t.Fatal(err)
			}
			after := slices.Index(fsys.calls, "createtemp") + 1
			if got := strings.Join(fsys.calls[after:], " "); got != tc.want {
				t.Errorf("calls after createtemp: got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestFileSinkShortWrite(t *testing.T) {
	dir := t.TempDir()
	fsys := &faultFS{short: true}
	if err := deliver(fsys, body.ToFile(filepath.Join(dir, "f"), body.FileOptions{}), "content", body.Info{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("got %v, want %v", err, io.ErrShortWrite)
	}
	holds(t, dir, nil)
}

func TestFileSinkTime(t *testing.T) {
	then := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	for name, tc := range map[string]struct {
		keep     bool
		modified time.Time
		kept     bool
	}{
		"asked":         {true, then, true},
		"not-asked":     {false, then, false},
		"nothing-known": {true, time.Time{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f")
			if err := deliver(body.OS{}, body.ToFile(path, body.FileOptions{KeepTime: tc.keep}), "c", body.Info{LastModified: tc.modified}); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.ModTime().Equal(then); got != tc.kept {
				t.Errorf("time of the file is %v: got kept %v, want %v", info.ModTime(), got, tc.kept)
			}
		})
	}
}

// A target whose name is as long as a name can be has a temporary file too, and
// no character of its name is broken.
func TestFileSinkLongNames(t *testing.T) {
	for _, name := range []string{
		strings.Repeat("a", 255), strings.Repeat("é", 127), "a" + strings.Repeat("é", 127), strings.Repeat("𝄞", 63), strings.Repeat("a", 101), strings.Repeat("a", 100),
	} {
		dir := t.TempDir()
		w, err := body.ToFile(filepath.Join(dir, name), body.FileOptions{}).Open(t.Context(), body.OS{}, 1)
		if err != nil {
			t.Fatalf("name of %d bytes: %v", len(name), err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 {
			t.Fatalf("temporary files: got %v, %v, want one", entries, err)
		}
		temp := entries[0].Name()
		if prefix := temp[:len(temp)-9]; !strings.HasPrefix(name, prefix) || strings.ToValidUTF8(temp, "?") != temp {
			t.Errorf("temporary name: got %q, want one that begins like %q", temp, name)
		}
		if len(name) > 100 && len(temp) > len(name) {
			t.Errorf("temporary name: got %d bytes, want at most %d", len(temp), len(name))
		}
		if _, err := w.WriteAt([]byte("c"), 0); err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(body.Info{Size: 1}); err != nil {
			t.Fatal(err)
		}
		holds(t, dir, map[string]string{name: "c"})
	}
}

func TestFileSinkCheck(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	write(t, file, "")
	for name, tc := range map[string]struct{ path, want string }{
		"empty":             {"", "empty"},
		"folder":            {dir, "is a directory"},
		"missing-folder":    {filepath.Join(dir, "missing", "f"), filepath.Join(dir, "missing")},
		"file-as-folder":    {filepath.Join(file, "f"), file},
		"trailing-slash":    {filepath.Join(dir, "new") + string(filepath.Separator), "new"},
		"good":              {filepath.Join(dir, "f"), ""},
		"good-and-replaced": {file, ""},
	} {
		t.Run(name, func(t *testing.T) {
			sink := body.ToFile(tc.path, body.FileOptions{})
			err := sink.Check(body.OS{})
			if tc.want == "" && err != nil {
				t.Errorf("got %v, want no error", err)
			}
			if tc.want != "" && !strings.Contains(fmt.Sprint(err), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
			if w, oerr := sink.Open(t.Context(), body.OS{}, 1); (oerr == nil) != (err == nil) {
				t.Errorf("Open: got %v, want as Check: %v", oerr, err)
			} else if oerr == nil {
				if err := w.Abort(); err != nil {
					t.Error(err)
				}
			}
			holds(t, dir, map[string]string{"file": ""})
		})
	}
	if got := body.ToFile("a/b", body.FileOptions{}).String(); got != "a/b" {
		t.Errorf("String: got %q, want %q", got, "a/b")
	}
}

func TestFileSinkRelativeName(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := deliver(body.OS{}, body.ToFile("f", body.FileOptions{Durable: true}), "content", body.Info{}); err != nil {
		t.Fatal(err)
	}
	holds(t, dir, map[string]string{"f": "content"})
}
