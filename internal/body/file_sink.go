package body

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync/atomic"
	"time"
)

// Info is what a sink may want to know of the object at the end.
type Info struct {
	Size         int64
	LastModified time.Time // zero: unknown
}

// FileOptions are the wishes of a file sink; the zero value is the default.
type FileOptions struct {
	// Mode of the file; 0: the mode of the file that is replaced, else 0666
	// less the umask.
	Mode fs.FileMode
	// KeepTime gives the file the object's LastModified as modification time.
	KeepTime bool
	// Durable syncs the file's bytes and its name before success is told.
	Durable bool
	// Direct writes whole blocks past the system's page cache, where system, file
	// system and FS can.
	Direct bool
}

type fileSink struct {
	path string
	o    FileOptions
}

// ToFile is the file at path: written as a temporary file beside it, renamed
// over it at the end. A symbolic link's target is written. A special file
// (device, FIFO) is written in place, in order.
func ToFile(path string, o FileOptions) Sink { return fileSink{path, o} }

func (s fileSink) String() string { return s.path }

func (s fileSink) Check(fsys FS) error {
	_, _, err := s.target(fsys)
	return err
}

// target finds what the path stands for and says what is wrong with it.
func (s fileSink) target(fsys FS) (path string, old fs.FileInfo, err error) {
	if s.path == "" {
		return "", nil, errors.New("path of the target file is empty")
	}
	if path, err = fsys.Resolve(s.path); err != nil {
		return "", nil, err
	}
	old, err = fsys.Stat(path)
	switch {
	case err == nil && old.IsDir():
		return "", nil, fmt.Errorf("target %s is a directory: name a file in it", s.path)
	case err == nil:
		return path, old, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", nil, err
	}
	dir := folder(path)
	info, err := fsys.Stat(dir)
	if err != nil {
		return "", nil, fmt.Errorf("folder of the target %s: %w", s.path, err)
	}
	if !info.IsDir() {
		return "", nil, fmt.Errorf("target %s: %s is not a directory", s.path, dir)
	}
	return path, nil, nil
}

func (s fileSink) Open(ctx context.Context, fsys FS, size int64) (Writer, error) {
	path, old, err := s.target(fsys)
	if err != nil {
		return nil, err
	}
	if old != nil && !old.Mode().IsRegular() {
		return openSpecial(ctx, fsys, path, old)
	}
	f, err := fsys.CreateTemp(folder(path), filepath.Base(path))
	if err != nil {
		return nil, err
	}
	w := &fileWriter{fs: fsys, f: f, path: path, o: s.o}
	if err := w.begin(old, size); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return w, nil
}

// fileWriter is a temporary file on its way to its name.
type fileWriter struct {
	fs    FS
	f     File
	path  string
	o     FileOptions
	ended atomic.Bool // committed, aborted or kept
	named atomic.Bool // the temporary name outlives a loss of power
}

// begin gives the temporary file its mode, before there is anything in it that
// not everybody may read, and its space.
func (w *fileWriter) begin(old fs.FileInfo, size int64) error {
	mode := w.o.Mode
	if mode == 0 && old != nil {
		mode = old.Mode().Perm()
	}
	if w.o.Mode != 0 || old != nil {
		if err := w.f.Chmod(mode); err != nil {
			return err
		}
	}
	if size > 0 {
		if err := preallocate(w.f, size); err != nil {
			return err
		}
	}
	if w.o.Direct && size >= directMin {
		w.f = withDirect(w.f)
	}
	return nil
}

func (w *fileWriter) Ordered() bool { return false }

func (w *fileWriter) Local() bool { return true }

func (w *fileWriter) WriteAt(p []byte, off int64) (int, error) {
	n, err := w.f.WriteAt(p, off)
	return n, whole(n, p, err)
}

// whole makes an error of a write that took less than p without saying why:
// lost bytes must not pass for written ones.
func whole(n int, p []byte, err error) error {
	if err == nil && n != len(p) {
		return io.ErrShortWrite
	}
	return err
}

func (w *fileWriter) Commit(info Info) error {
	if !w.ended.CompareAndSwap(false, true) {
		return errors.New("file is ended already")
	}
	err := w.finish(info)
	if err == nil {
		err = w.fs.Rename(w.f.Name(), w.path)
	}
	if err != nil {
		return errors.Join(err, w.remove())
	}
	if w.o.Durable {
		return w.fs.SyncDir(folder(w.path))
	}
	return nil
}

// finish gives the temporary file all that it needs before its name, and closes
// it whatever happens.
func (w *fileWriter) finish(info Info) error {
	err := w.f.Truncate(info.Size) // the preallocation may have been too long
	if err == nil && w.o.Durable {
		err = w.f.Sync()
	}
	if cerr := w.f.Close(); err == nil {
		err = cerr
	}
	if err == nil && w.o.KeepTime && !info.LastModified.IsZero() {
		err = w.fs.Chtimes(w.f.Name(), info.LastModified) // last: closing may set the time
	}
	return err
}

func (w *fileWriter) Abort() error {
	if !w.ended.CompareAndSwap(false, true) {
		return nil
	}
	_ = w.f.Close() // what is in it doesn't matter any more
	return w.remove()
}

func (w *fileWriter) remove() error { return ignoreMissing(w.fs.Remove(w.f.Name())) }

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// specialWriter writes a device or a FIFO in place. One goroutine calls it at a
// time.
type specialWriter struct {
	open  func() (File, error) // the FIFO
	f     File                 // nil: a FIFO that is not open yet
	stop  func() bool
	ctx   context.Context
	ended bool
}

// openSpecial opens what is written in place. A FIFO is opened by the first
// write, or by Commit, which may wait for its reader.
func openSpecial(ctx context.Context, fsys FS, path string, info fs.FileInfo) (Writer, error) {
	w := &specialWriter{ctx: ctx}
	if isFIFO(info) {
		w.open = func() (File, error) { return openFIFO(ctx, path, info, fsys.OpenWrite) }
		return w, nil
	}
	f, err := fsys.OpenWrite(path)
	if err != nil {
		return nil, err
	}
	w.begin(f)
	return w, nil
}

func (w *specialWriter) begin(f File) { w.f, w.stop = f, breakOff(w.ctx, f) }

// opened has the FIFO opened.
func (w *specialWriter) opened() error {
	if w.f != nil {
		return nil
	}
	f, err := w.open()
	if err == nil {
		w.begin(f)
	}
	return err
}

func (w *specialWriter) Ordered() bool { return true }

func (w *specialWriter) Local() bool { return false } // a FIFO blocks as its reader likes

func (w *specialWriter) WriteAt(p []byte, _ int64) (int, error) {
	if err := w.opened(); err != nil {
		return 0, err
	}
	n, err := w.f.Write(p)
	return n, because(w.ctx, whole(n, p, err))
}

func (w *specialWriter) Commit(Info) error {
	if w.ended {
		return nil
	}
	if err := w.opened(); err != nil { // the reader of an empty object waits too
		w.ended = true
		return err
	}
	return w.Abort()
}

func (w *specialWriter) Abort() error {
	if w.ended || w.f == nil {
		return nil
	}
	w.ended = true
	w.stop()
	return w.f.Close()
}
