package body

import (
	"context"
	"fmt"
	"io/fs"
)

type fileSource struct{ path string }

// FromFile is the file at path, opened when the transfer starts: one
// descriptor, positioned reads. A FIFO or a device is read as a stream; opening
// a FIFO waits for its writer, or for the end of the transfer. So is a file that has bytes but no size, as those
// of /proc.
func FromFile(path string) Source { return fileSource{path} }

func (s fileSource) String() string { return s.path }

func (s fileSource) Open(ctx context.Context, fsys FS) (*Reader, error) {
	f, err := s.open(ctx, fsys)
	if err != nil {
		return nil, err
	}
	r, err := s.reader(fsys, f)
	if err != nil {
		_ = f.Close() // nothing was written to it
		return nil, err
	}
	r.close = f.Close
	if r.Stream != nil {
		stop := breakOff(ctx, f)
		r.Stream = &brokenOff{ctx, f}
		r.close = func() error { stop(); return f.Close() }
	}
	return r, nil
}

func (s fileSource) open(ctx context.Context, fsys FS) (File, error) {
	info, err := fsys.Stat(s.path)
	if err != nil {
		return nil, err
	}
	if isFIFO(info) {
		return openFIFO(ctx, s.path, info, fsys.Open)
	}
	return fsys.Open(s.path)
}

// reader finds out how f can be read.
func (s fileSource) reader(fsys FS, f File) (*Reader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("source %s is a directory: name a file", s.path)
	}
	if !info.Mode().IsRegular() || info.Size() == 0 && hasBytes(f) {
		return &Reader{Size: -1, Stream: f}, nil
	}
	check := func() error { return replaced(fsys, s.path, f, info) }
	return &Reader{Size: info.Size(), At: f, Local: true, Info: info, check: check}, nil
}

// hasBytes says that a file whose size is 0 has bytes all the same.
func hasBytes(f File) bool {
	n, _ := f.ReadAt(make([]byte, 1), 0)
	return n > 0
}

// replaced compares the file that a name stands for with the one that was
// opened by it, and that one with what it was. A name that is gone is no
// change: the open file is whole.
func replaced(fsys FS, path string, f File, was fs.FileInfo) error {
	if err := changed(path, f, was); err != nil {
		return err
	}
	if named, err := fsys.Stat(path); err == nil && !sameFile(named, was) {
		return &ChangedError{Name: path, What: "another file has taken its name"}
	}
	return nil
}

// changed compares an open file with what it was when the transfer began.
func changed(name string, f interface{ Stat() (fs.FileInfo, error) }, was fs.FileInfo) error {
	is, err := f.Stat()
	if err != nil {
		return err
	}
	switch {
	case is.Size() != was.Size():
		return &ChangedError{Name: name, What: fmt.Sprintf("its size was %d bytes and is %d", was.Size(), is.Size())}
	case !is.ModTime().Equal(was.ModTime()):
		return &ChangedError{Name: name, What: "its modification time moved"}
	}
	return nil
}

// ChangedError says that a source is not what it was when it was opened.
type ChangedError struct {
	Name string
	What string // what changed
}

// Error names the source and what changed of it.
func (e *ChangedError) Error() string {
	return fmt.Sprintf("source %s changed while it was read: %s", e.Name, e.What)
}
