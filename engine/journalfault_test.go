package engine_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
)

// fullDisk has no room in one folder for more than the first bytes of a file.
type fullDisk struct {
	body.OS
	dir string
}

func (f fullDisk) OpenKept(name string, create bool) (body.File, error) {
	file, err := f.OS.OpenKept(name, create)
	if err != nil || filepath.Dir(name) != f.dir {
		return file, err
	}
	return fullFile{file}, nil
}

type fullFile struct{ body.File }

func (f fullFile) WriteAt(p []byte, off int64) (int, error) {
	if off > 0 {
		return 0, &fs.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
	}
	return f.File.WriteAt(p, off)
}

// TestJournalCantBeWritten tells why a piece couldn't be noted, and doesn't ask
// the server for it again.
func TestJournalCantBeWritten(t *testing.T) {
	w := newWorld(t, engine.Options{})
	w.server.Put("b", "k", content(1<<20), nil)
	dir, journals := t.TempDir(), t.TempDir()
	job := resumedDownload(fullDisk{dir: journals}, "k", filepath.Join(dir, "f"), journals)
	_, err := w.driver.Transfer(t.Context(), job, &events{})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want %v in it", err, syscall.ENOSPC)
	}
	if n := w.client.Stats().Retries; n != 0 {
		t.Errorf("got %d retries, want none: the network had no part in it", n)
	}
}
