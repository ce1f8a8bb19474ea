package body

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// Keeper is a Sink whose unfinished bytes can be kept for a later transfer.
type Keeper interface {
	Sink
	// Reopen takes up the bytes that a Kept writer kept, by the name that it
	// told. The error wraps fs.ErrNotExist if they are gone.
	Reopen(fsys FS, temp string, size int64) (Writer, error)
	// Discard removes kept bytes; that they are gone already is no error.
	Discard(fsys FS, temp string) error
}

// Kept is a Writer whose bytes can be kept instead of committed or aborted.
type Kept interface {
	Writer
	io.ReaderAt
	// Temp is the name by which Reopen finds the bytes.
	Temp() string
	// Sync makes the bytes written so far outlive a loss of power.
	Sync() error
	// Keep ends the transfer and leaves the bytes where they are. Like Commit
	// and Abort, it has an effect only as the first of them.
	Keep() error
}

var (
	_ Keeper = fileSink{}
	_ Kept   = (*fileWriter)(nil)
)

// kept is the path of a temporary file of this target. The name comes from a
// file that others may have written: only one that CreateTemp could have made
// is taken.
func (s fileSink) kept(target, temp string) (string, error) {
	base := filepath.Base(target)
	rest, ok := strings.CutPrefix(temp, base)
	if !ok && len(base) > shortNameBytes {
		rest, ok = strings.CutPrefix(temp, cut(base, len(base)-tempSuffix))
	}
	if !ok || rest == "" || strings.Trim(rest, "0123456789abcdef.-_") != "" {
		return "", fmt.Errorf("%q is no name of a temporary file of %s", temp, s.path)
	}
	return folder(target) + string(filepath.Separator) + temp, nil
}

func (s fileSink) Reopen(fsys FS, temp string, size int64) (Writer, error) {
	path, old, err := s.target(fsys)
	if err != nil {
		return nil, err
	}
	name, err := s.kept(path, temp)
	if err != nil {
		return nil, err
	}
	f, err := fsys.OpenKept(name, false)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("temporary file %s is no regular file", name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	w := &fileWriter{fs: fsys, f: f, path: path, o: s.o}
	if err := w.begin(old, size); err != nil {
		return nil, errors.Join(err, w.Keep())
	}
	return w, nil
}

func (s fileSink) Discard(fsys FS, temp string) error {
	path, _, err := s.target(fsys)
	if err != nil {
		return err
	}
	name, err := s.kept(path, temp)
	if err != nil {
		return err
	}
	return ignoreMissing(fsys.Remove(name))
}

func (w *fileWriter) ReadAt(p []byte, off int64) (int, error) { return w.f.ReadAt(p, off) }

func (w *fileWriter) Temp() string { return filepath.Base(w.f.Name()) }

func (w *fileWriter) Sync() error {
	if err := w.f.Sync(); err != nil || w.named.Load() {
		return err
	}
	err := w.fs.SyncDir(folder(w.path))
	w.named.Store(err == nil)
	return err
}

func (w *fileWriter) Keep() error {
	if !w.ended.CompareAndSwap(false, true) {
		return nil
	}
	return w.f.Close()
}
