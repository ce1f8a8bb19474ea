package body

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

type writerAtSink struct{ w io.WriterAt }

// ToWriterAt is w, written by position from several goroutines at once; byte 0
// of what is asked for goes to offset 0. w is not closed. After a failure it
// holds whatever had arrived.
func ToWriterAt(w io.WriterAt) Sink { return writerAtSink{w} }

func (s writerAtSink) String() string { return fmt.Sprintf("%T", s.w) }

func (s writerAtSink) Check(FS) error {
	if s.w == nil {
		return errors.New("sink is a nil io.WriterAt")
	}
	return nil
}

func (s writerAtSink) Open(_ context.Context, fsys FS, _ int64) (Writer, error) {
	if err := s.Check(fsys); err != nil {
		return nil, err
	}
	_, file := s.w.(*os.File)
	return &givenWriter{at: s.w, local: file}, nil
}

type writerSink struct{ w io.Writer }

// ToWriter is w, which gets the bytes strictly in order, one call at a time. w
// is not closed. After a failure it has got the bytes up to some point.
func ToWriter(w io.Writer) Sink { return writerSink{w} }

func (s writerSink) String() string { return fmt.Sprintf("%T", s.w) }

func (s writerSink) Check(FS) error {
	if s.w == nil {
		return errors.New("sink is a nil io.Writer")
	}
	return nil
}

func (s writerSink) Open(_ context.Context, fsys FS, _ int64) (Writer, error) {
	if err := s.Check(fsys); err != nil {
		return nil, err
	}
	return &givenWriter{w: s.w}, nil
}

// givenWriter is a writer of the caller's, of one kind or the other. A short
// write without an error is an error here, though both interfaces forbid it.
type givenWriter struct {
	at    io.WriterAt
	w     io.Writer
	local bool
}

func (g *givenWriter) Ordered() bool { return g.w != nil }

func (g *givenWriter) Local() bool { return g.local }

func (g *givenWriter) WriteAt(p []byte, off int64) (n int, err error) {
	if g.w != nil {
		n, err = g.w.Write(p)
	} else {
		n, err = g.at.WriteAt(p, off)
	}
	return n, whole(n, p, err)
}

func (g *givenWriter) Commit(Info) error { return nil }

func (g *givenWriter) Abort() error { return nil }
