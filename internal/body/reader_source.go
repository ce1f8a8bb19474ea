package body

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

type readerAtSource struct {
	r    io.ReaderAt
	size int64
}

// FromReaderAt is size bytes of r from offset 0, read by position from several
// goroutines at once. r is not closed.
func FromReaderAt(r io.ReaderAt, size int64) Source { return readerAtSource{r, size} }

func (s readerAtSource) String() string { return fmt.Sprintf("%T", s.r) }

func (s readerAtSource) Open(context.Context, FS) (*Reader, error) {
	if s.r == nil {
		return nil, errors.New("source is a nil io.ReaderAt")
	}
	if s.size < 0 {
		return nil, fmt.Errorf("size of the source is %d: it must not be negative", s.size)
	}
	return &Reader{Size: s.size, At: s.r, Local: isFile(s.r), InMemory: isMemory(s.r)}, nil
}

type bytesSource []byte

// FromBytes is b, which must not change until the transfer is done.
func FromBytes(b []byte) Source { return bytesSource(b) }

func (s bytesSource) String() string { return "bytes" }

func (s bytesSource) Open(context.Context, FS) (*Reader, error) {
	return &Reader{Size: int64(len(s)), At: Memory(s), InMemory: true}, nil
}

// Memory is bytes read by position. Who reads them may as well take them as they
// are.
type Memory []byte

// ReadAt copies bytes, as bytes.Reader does.
func (m Memory) ReadAt(p []byte, off int64) (int, error) { return bytes.NewReader(m).ReadAt(p, off) }

type streamSource struct{ r io.Reader }

// FromReader is what r gives from its current offset to io.EOF. If r can also
// be read by position (io.ReaderAt and io.Seeker) it is read so, from its
// current offset, which is left alone. r is not closed.
func FromReader(r io.Reader) Source { return streamSource{r} }

func (s streamSource) String() string { return fmt.Sprintf("%T", s.r) }

func (s streamSource) Open(context.Context, FS) (*Reader, error) {
	if s.r == nil {
		return nil, errors.New("source is a nil io.Reader")
	}
	if f, ok := s.r.(*os.File); ok {
		return openedFile(f)
	}
	if r, err := positioned(s.r); r != nil || err != nil {
		return r, err
	}
	return &Reader{Size: -1, Stream: s.r}, nil
}

// openedFile reads a file of the caller's by position where it has a size: a
// pipe hasn't, nor has a device, though it may seek.
func openedFile(f *os.File) (*Reader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("source %s is a directory: open a file", f.Name())
	}
	if info.Mode().IsRegular() && info.Size() > 0 {
		r, err := positioned(f)
		if r != nil {
			r.Local = true
			r.check = func() error { return changed(f.Name(), f, info) }
		}
		if r != nil || err != nil {
			return r, err
		}
	}
	return &Reader{Size: -1, Stream: f}, nil
}

// positioned finds out whether r is a part of something that can be read by
// position: it has an offset and an end. It returns nil if not, with an error
// if r was moved by trying.
func positioned(r io.Reader) (*Reader, error) {
	at, ok := r.(io.ReaderAt)
	if !ok {
		return nil, nil
	}
	seeker, ok := r.(io.Seeker)
	if !ok {
		return nil, nil
	}
	offset, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, nil
	}
	end, eerr := seeker.Seek(0, io.SeekEnd)
	if _, err := seeker.Seek(offset, io.SeekStart); err != nil {
		return nil, fmt.Errorf("source %T can't be set back to its offset %d: %w", r, offset, err)
	}
	if eerr != nil || end < offset {
		return nil, nil
	}
	return &Reader{Size: end - offset, At: io.NewSectionReader(at, offset, end-offset), InMemory: isMemory(r)}, nil
}

// isFile says that reading r is a file call.
func isFile(r any) bool {
	_, ok := r.(*os.File)
	return ok
}

// isMemory says that reading r costs nothing.
func isMemory(r any) bool {
	switch r.(type) {
	case *bytes.Reader, *strings.Reader:
		return true
	}
	return false
}
