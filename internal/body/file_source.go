package body

import (
	"fmt"
	"io/fs"
)

type fileSource struct{ path string }

// FromFile is the file at path, opened when the transfer starts: one
// descriptor, positioned reads. A FIFO or a device is read as a stream.
func FromFile(path string) Source { return fileSource{path} }

func (s fileSource) String() string { return s.path }

func (s fileSource) Open(fsys FS) (*Reader, error) {
	// Looked at before it is opened: opening a FIFO that has no writer blocks.
	info, err := fsys.Stat(s.path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("source %s is a directory: name a file", s.path)
	}
	f, err := fsys.Open(s.path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return &Reader{Size: -1, Stream: f, close: f.Close}, nil
	}
	if info, err = f.Stat(); err != nil {
		_ = f.Close()
		return nil, err
	}
	return &Reader{
		Size: info.Size(), At: f, Local: true, close: f.Close,
		check: func() error { return changed(fsys, s.path, f, info) },
	}, nil
}

// changed compares an open file, and the name it was opened by, with what they
// were when the transfer began.
func changed(fsys FS, path string, f File, was fs.FileInfo) error {
	is, err := f.Stat()
	if err != nil {
		return err
	}
	switch {
	case is.Size() != was.Size():
		return &ChangedError{Name: path, What: fmt.Sprintf("its size was %d bytes and is %d", was.Size(), is.Size())}
	case !is.ModTime().Equal(was.ModTime()):
		return &ChangedError{Name: path, What: "its modification time moved"}
	}
	if named, err := fsys.Stat(path); err == nil && !sameFile(named, was) {
		return &ChangedError{Name: path, What: "another file has taken its name"}
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
