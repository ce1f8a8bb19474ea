package haul

import (
	"context"
	"io"
	"io/fs"

	"github.com/haul-s3/haul/internal/body"
)

// Sink is where a download's bytes go. It is a description of one transfer's
// target, made by ToFile, ToWriterAt or ToWriter; there are no others. Only
// what haul opened is closed by it.
type Sink interface {
	// String names the sink in errors: a path, or what kind it is.
	String() string

	// sink is what is written, with what the Manager wishes of files.
	sink(all body.FileOptions) body.Sink
}

// ToFile is the file at path. The bytes go to a temporary file beside it, which
// takes its name at the end; until then, and after a failure, what was there
// before is untouched. The target of a symbolic link is written, not the link
// replaced. A device or a FIFO is written in place, in order. The folder must
// exist.
func ToFile(path string, opts ...FileOption) Sink {
	var o body.FileOptions
	for _, opt := range opts {
		opt(&o)
	}
	return fileSink{body.ToFile(path, o), path, o}
}

// ToWriterAt is w, written by position from several goroutines at once, in any
// order: offset 0 is the first byte asked for. w is not closed. After a failure
// it holds whatever had arrived.
func ToWriterAt(w io.WriterAt) Sink { return givenSink{body.ToWriterAt(w)} }

// ToWriter is w, which gets the bytes strictly in order, one call at a time.
// Parts that arrive early wait in memory: at most four for each lane, and never
// more than engine.Options.MemoryLimit allows. w is not closed. After a failure it has got the bytes up to some
// point.
func ToWriter(w io.Writer) Sink { return givenSink{body.ToWriter(w)} }

// FileOption is a wish about a downloaded file.
type FileOption func(*body.FileOptions)

// WithMode gives the file these permissions. Without it the file has those of
// the file that it replaces, or 0666 less the umask.
func WithMode(mode fs.FileMode) FileOption {
	return func(o *body.FileOptions) { o.Mode = mode }
}

// WithModTime gives the file the object's LastModified as modification time.
func WithModTime() FileOption {
	return func(o *body.FileOptions) { o.KeepTime = true }
}

// WithDurable syncs the file and its folder before the transfer succeeds.
// Options.Durable does so for every file.
func WithDurable() FileOption {
	return func(o *body.FileOptions) { o.Durable = true }
}

// WithDirectIO writes the file past the system's page cache (O_DIRECT), which
// spares processor and memory where a drive is fast and nobody reads the file
// soon: all but the ends of the file, in blocks of 4096 bytes, if it has 1 MiB or
// more. It is a wish: where the system isn't Linux, the file system can't (tmpfs
// on many kernels), or Options.FS is another whose files aren't DirectFiles, the
// file is written as without it. Options.DirectIO does so for every file.
func WithDirectIO() FileOption {
	return func(o *body.FileOptions) { o.Direct = true }
}

type fileSink struct {
	body.Sink
	path string
	o    body.FileOptions
}

func (s fileSink) sink(all body.FileOptions) body.Sink {
	o := s.o
	o.Durable, o.Direct = o.Durable || all.Durable, o.Direct || all.Direct
	if o == s.o {
		return s.Sink
	}
	return body.ToFile(s.path, o)
}

type givenSink struct{ body.Sink }

func (s givenSink) sink(body.FileOptions) body.Sink { return s.Sink }

// boundSink is a sink whose files are those of the Manager's FS.
type boundSink struct {
	body.Sink
	fs FS
}

func (s boundSink) Open(ctx context.Context, _ body.FS, size int64) (body.Writer, error) {
	return s.Sink.Open(ctx, s.fs, size)
}

func (s boundSink) Check(body.FS) error { return s.Sink.Check(s.fs) }
