package batch_test

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/haul-s3/haul/batch"
)

func TestLocalPath(t *testing.T) {
	for _, name := range []string{"a", "a/b", "..a", "a..", "...", "a b", "-", "ü", "a/.hidden"} {
		got, err := batch.LocalPath("target", name)
		if want := filepath.Join("target", filepath.FromSlash(name)); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"", ".", "..", "../x", "a/../../x", "a/..", "/etc/passwd", "//x", "a//b", "a/", "a/./b", "./a", "a\x00b"} {
		if got, err := batch.LocalPath("target", name); err == nil || !strings.Contains(err.Error(), "target") {
			t.Errorf("%q: got %q, %v, want an error that names the folder", name, got, err)
		}
	}
}

func TestNamesOnWindows(t *testing.T) {
	for _, name := range []string{`a\b`, `..\x`, `C:x`, `C:\x`, `\\server\share`, `a:stream`} {
		if batch.Unfit(name, true) == "" {
			t.Errorf("%q on Windows: got no objection, want one", name)
		}
		if why := batch.Unfit(name, false); why != "" {
			t.Errorf("%q elsewhere: got %q, want no objection", name, why)
		}
	}
}

// FuzzLocalPath holds that a path is below its folder, and that two names never
// share one.
func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{"a/b", "../x", "a//b", "/x", "a\x00", `..\x`, "C:", "NUL", "."} {
		f.Add(seed)
	}
	root := f.TempDir()
	f.Fuzz(func(t *testing.T, name string) {
		path, err := batch.LocalPath(root, name)
		if err != nil {
			return
		}
		back, err := filepath.Rel(root, path)
		if err != nil || filepath.ToSlash(back) != name && runtime.GOOS != "windows" {
			t.Errorf("%q became %q, which is %q below the folder (%v), want the name again", name, path, back, err)
		}
	})
}
