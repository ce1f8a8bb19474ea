package batch_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/batch"
)

// link makes a symbolic link, or skips the test where that can't be done.
func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Skip(err)
	}
}

// trap is a folder with links in it, and one beside it, to which some of them
// lead.
func trap(t *testing.T) (folder, outside string) {
	t.Helper()
	top := t.TempDir()
	folder, outside = filepath.Join(top, "folder"), filepath.Join(top, "outside")
	for _, dir := range []string{folder, outside, filepath.Join(folder, "real")} {
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	plant(t, outside, "precious")
	for name, to := range map[string]string{
		"absolute": outside, "relative": "../outside", "up": "..", "file": "../outside/precious", "new": "../outside/new",
		"real/deep": "../../outside", "chain": "relative", "inner": "real", "inner-file": "real/f", "self": ".", "loop": "loop",
	} {
		link(t, to, filepath.Join(folder, filepath.FromSlash(name)))
	}
	plant(t, folder, "real/f")
	return folder, outside
}

func TestContained(t *testing.T) {
	folder, _ := trap(t)
	alias := filepath.Join(t.TempDir(), "alias")
	link(t, folder, alias)
	for _, root := range []string{folder, alias} {
		for _, name := range []string{"a", "a/b/c", "real/x", "inner/x", "inner-file", "self/self/x", "file2"} {
			if err := batch.Contained(root, filepath.Join(root, filepath.FromSlash(name))); err != nil {
				t.Errorf("%s: got %v, want no error", name, err)
			}
		}
		for _, name := range []string{"absolute/x", "relative/x", "absolute", "up/x", "up/folder/x", "file", "new", "real/deep/x", "inner/deep/x", "chain/x", "self/relative/x"} {
			if err := batch.Contained(root, filepath.Join(root, filepath.FromSlash(name))); !errors.Is(err, batch.ErrOutside) {
				t.Errorf("%s: got %v, want %v", name, err, batch.ErrOutside)
			}
		}
		if err := batch.Contained(root, filepath.Join(root, "loop", "x")); err == nil {
			t.Error("a link that leads to itself: got no error, want one")
		}
		if err := batch.Contained(root, filepath.Dir(root)); err == nil {
			t.Error("the folder above: got no error, want one")
		}
	}
}

// TestNothingIsWrittenOutside downloads keys that are meant to lead out of the
// folder, by their names and by links that wait there.
func TestNothingIsWrittenOutside(t *testing.T) {
	r := newRig(t, nil)
	folder, outside := trap(t)
	keys := []string{
		"../outside/x", "a/../../outside/x", "/etc/haul-x", "//x", "a//x", "..", "absolute/x", "relative/x", "up/x", "file", "new",
		"real/deep/x", "chain/x", "nul\x00x", "loop/x",
	}
	for _, key := range append(keys, "good", "inner/good", `c:\x`) {
		r.Put("b", key, []byte("evil"), nil)
	}
	down := batch.Download(r.manager, &s3.GetObjectInput{}, folder, nil)
	tally := run(t, r.list(t, ""), down, batch.Options{})
	if tally.Failed != len(keys) || tally.Objects != 3 {
		t.Errorf("tally: got %+v, want %d failures and 3 objects", *tally, len(keys))
	}
	entries, err := os.ReadDir(outside)
	if err != nil || len(entries) != 1 {
		t.Errorf("folder beside: got %v, %v, want what was there", entries, err)
	}
	if got, err := os.ReadFile(filepath.Join(outside, "precious")); err != nil || string(got) != "precious" {
		t.Errorf("file beside: got %q, %v, want it untouched", got, err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(folder), "x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("file above: got %v, want none", err)
	}
}
