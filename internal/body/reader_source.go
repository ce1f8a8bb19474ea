package body

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

type readerAtSource struct {
	r    io.ReaderAt
	size int64
}

// FromReaderAt is size bytes of r from offset 0, read by position from several
// goroutines at once. r is not closed.
func FromReaderAt(r io.ReaderAt, size int64) Source { return readerAtSource{r, size} }

func (s readerAtSource) String() string { return fmt.Sprintf("%T", s.r) }

func (s readerAtSource) Open(FS) (*Reader, error) {
	if s.r == nil {
		return nil, errors.New("source is a nil io.ReaderAt")
	}
	if s.size < 0 {
		return nil, fmt.Errorf("size of the source is %d: it must not be negative", s.size)
	}
	return &Reader{Size: s.size, At: s.r}, nil
}

type bytesSource []byte

// FromBytes is b, which must not change until the transfer is done.
func FromBytes(b []byte) Source { return bytesSource(b) }

func (s bytesSource) String() string { return "bytes" }

func (s bytesSource) Open(FS) (*Reader, error) {
	return &Reader{Size: int64(len(s)), At: bytes.NewReader(s), InMemory: true}, nil
}

type streamSource struct{ r io.Reader }

// FromReader is what r gives from its current offset to io.EOF. If r can also
// be read by position (io.ReaderAt and io.Seeker) it is read so, from its
// current offset, which is left alone. r is not closed.
func FromReader(r io.Reader) Source { return streamSource{r} }

func (s streamSource) String() string { return fmt.Sprintf("%T", s.r) }

func (s streamSource) Open(FS) (*Reader, error) {
	if s.r == nil {
		return nil, errors.New("source is a nil io.Reader")
	}
	if r, ok := positioned(s.r); ok {
		return r, nil
	}
	return &Reader{Size: -1, Stream: s.r}, nil
}

// positioned finds out whether r is a part of something that can be read by
// position: it has an offset and an end. A pipe has the methods and refuses.
func positioned(r io.Reader) (*Reader, bool) {
	at, ok := r.(io.ReaderAt)
	if !ok {
		return nil, false
	}
	seeker, ok := r.(io.Seeker)
	if !ok {
		return nil, false
	}
	offset, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, false
	}
	end, err := seeker.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, false
	}
	if _, err := seeker.Seek(offset, io.SeekStart); err != nil || end < offset {
		return nil, false
	}
	if f, ok := r.(File); ok { // a device seeks, but has no size
		if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
			return nil, false
		}
	}
	_, inMemory := r.(*bytes.Reader)
	return &Reader{Size: end - offset, At: io.NewSectionReader(at, offset, end-offset), InMemory: inMemory}, true
}
