package batch_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/haul-s3/haul/batch"
)

// plant makes files below a folder, each with its own name in it.
func plant(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFilesComeInTheOrderOfKeys(t *testing.T) {
	dir := t.TempDir()
	names := []string{"b", "a.txt", "a/z", "a/b/c", "a0", "a-b", "ü", "a b"}
	plant(t, dir, names...)
	var got []string
	for item, err := range batch.Files(dir) {
		if err != nil {
			t.Fatal(err)
		}
		if want := filepath.Join(dir, filepath.FromSlash(item.Name)); item.Path != want {
			t.Errorf("path of %q: got %q, want %q", item.Name, item.Path, want)
		}
		if item.Size != int64(len(item.Name)) || item.ModTime.IsZero() {
			t.Errorf("%q: got size %d and time %v, want %d and a time", item.Name, item.Size, item.ModTime, len(item.Name))
		}
		got = append(got, item.Name)
	}
	slices.Sort(names)
	if !slices.Equal(got, names) {
		t.Errorf("names: got %q, want %q", got, names)
	}
}

func TestFilesStopWhenAsked(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, "a/1", "a/2", "b")
	n := 0
	for range batch.Files(dir) {
		n++
		break
	}
	if n != 1 {
		t.Errorf("items: got %d, want 1", n)
	}
}

func TestFilesOfNothing(t *testing.T) {
	dir := t.TempDir()
	for item, err := range batch.Files(dir) {
		t.Errorf("in an empty folder: got %v, %v, want nothing", item, err)
	}
	var got []error
	for _, err := range batch.Files(filepath.Join(dir, "none")) {
		got = append(got, err)
	}
	if len(got) != 1 || !errors.Is(got[0], fs.ErrNotExist) {
		t.Errorf("of a missing folder: got %v, want one ErrNotExist", got)
	}
}

func TestFilesFollowsLinksToFilesOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs symbolic links")
	}
	dir := t.TempDir()
	plant(t, dir, "file", "sub/x")
	for link, to := range map[string]string{"link": "file", "folder": "sub", "gone": "nothing", "circle": "."} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "bad\xff"), nil, 0o666); err != nil {
		t.Skip("the file system takes no such name:", err)
	}
	var got []string
	for item, err := range batch.Files(dir) {
		kind := "file"
		switch {
		case errors.Is(err, batch.ErrLinkToFolder):
			kind = "folder"
		case errors.Is(err, fs.ErrNotExist):
			kind = "missing"
		case err != nil:
			kind = "refused"
		}
		got = append(got, fmt.Sprintf("%s %q", kind, item.Name))
	}
	want := []string{`refused "bad\xff"`, `folder "circle"`, `file "file"`, `folder "folder"`, `missing "gone"`, `file "link"`, `file "sub/x"`}
	if !slices.Equal(got, want) {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), strings.Join(want, ", "))
	}
}
