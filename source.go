package haul

import (
	"context"
	"io"

	"github.com/haul-s3/haul/internal/body"
)

// Source is where an upload's bytes come from. It is a description of one
// transfer's source, made by FromFile, FromReaderAt, FromReader or FromBytes;
// there are no others. Nothing is opened before the transfer starts, and only
// what haul opened is closed by it.
type Source interface {
	// String names the source in errors: a path, or what kind it is.
	String() string

	source() body.Source
}

// FromFile is the file at path. It is opened when the transfer starts, read by
// position and closed at the end. A file that changes meanwhile (size,
// modification time, another file under its name) fails the upload with a
// *SourceChangedError. A FIFO or a device is read as a stream.
func FromFile(path string) Source {
	return source{Source: body.FromFile(path), kind: sourceFile, path: path, size: -1}
}

// FromReaderAt is size bytes of r from offset 0, read by position from several
// goroutines at once, and again when a request is repeated. r is not closed.
func FromReaderAt(r io.ReaderAt, size int64) Source {
	return source{Source: body.FromReaderAt(r, size), kind: sourceSized, size: size, isNil: r == nil}
}

// FromReader is what r gives from its current offset to io.EOF. What can also
// be read by position (an io.ReaderAt that is an io.Seeker, such as an *os.File
// or a *bytes.Reader) is read so, and its offset is left alone. Anything else
// is read once, in order, by one goroutine, into memory that
// engine.Options.MemoryLimit bounds. r is not closed.
func FromReader(r io.Reader) Source {
	return source{Source: body.FromReader(r), kind: sourceStream, size: -1, isNil: r == nil}
}

// FromBytes is b, which must not change before the transfer is done.
func FromBytes(b []byte) Source {
	return source{Source: body.FromBytes(b), kind: sourceSized, size: int64(len(b))}
}

type sourceKind int

const (
	sourceFile   sourceKind = iota
	sourceSized             // a size that the caller told
	sourceStream            // perhaps of unknown length
)

type source struct {
	body.Source
	kind  sourceKind
	path  string // of a file
	size  int64  // bytes, -1 if it isn't known yet
	isNil bool   // made of a nil reader
}

func (s source) source() body.Source { return s.Source }

// boundSource is a source whose files are those of the Manager's FS.
type boundSource struct {
	body.Source
	fs FS
}

func (s boundSource) Open(ctx context.Context, _ body.FS) (*body.Reader, error) {
	return s.Source.Open(ctx, s.fs)
}
