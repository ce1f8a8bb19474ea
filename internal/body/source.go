// Package body is where bytes come from and go to: sources (file, ReaderAt,
// stream, bytes) and sinks (file through a temporary file and a rename,
// WriterAt, ordered writer). It knows files and memory, nothing of S3.
package body

import (
	"context"
	"io"
	"io/fs"
)

// Source is where an upload's bytes come from. It is a description; Open makes
// it readable, once per transfer.
type Source interface {
	// Open checks the source and makes it readable. The caller closes what it
	// gets. When ctx ends before that, what waits for another process ends,
	// here or in the Reader, with an error.
	Open(ctx context.Context, fsys FS) (*Reader, error)
	// String names the source in errors: a path, or what kind it is.
	String() string
}

// Reader is an opened source: read by position where At is set (any number of
// goroutines at once, any range again), else once and in order from Stream.
type Reader struct {
	// Size is the number of bytes, -1 if unknown.
	Size int64
	// At reads by position; offset 0 is the first byte to send. Nil for a
	// stream.
	At io.ReaderAt
	// Stream is read once, in order, by one goroutine. Nil when At is set.
	Stream io.Reader
	// Local says that reading is a file call, which holds a thread of the
	// system.
	Local bool
	// InMemory says that reading costs nothing, so a second pass is free.
	InMemory bool
	// Info is what was known of a regular file when it was opened; nil for all
	// other sources.
	Info fs.FileInfo

	check func() error
	close func() error
}

// Check returns an error that says what changed, if the source is not what it
// was when it was opened. Sources that can't change return nil.
func (r *Reader) Check() error {
	if r.check == nil {
		return nil
	}
	return r.check()
}

// Close releases what Open acquired, and nothing that the caller owns.
func (r *Reader) Close() error {
	if r.close == nil {
		return nil
	}
	return r.close()
}
