package main

import (
	"context"
	"io"

	"github.com/haul-s3/haul"
)

// A terminal or a pipe can block for as long as it likes, and neither a read
// nor a write of it can be broken off: a process can't make its standard
// streams non-blocking without doing the same to others who share them. So a
// goroutine does the blocking, and is left behind when the context ends; the
// process ends soon after.

// streamBuffer is what a goroutine moves at once.
const streamBuffer = 1 << 20

// unblockedReader is r, but a Read ends with ctx.
func unblockedReader(ctx context.Context, r io.Reader) io.Reader {
	pr, pw := io.Pipe()
	context.AfterFunc(ctx, func() { pw.CloseWithError(context.Cause(ctx)) })
	go readLoop(pw, r)
	return pr
}

// readLoop moves r into a pipe until either ends.
func readLoop(pw *io.PipeWriter, r io.Reader) {
	pw.CloseWithError(copyStream(pw, r)) // nil is io.EOF
}

// copyStream copies through a large buffer, whatever the two could do without.
func copyStream(w io.Writer, r io.Reader) error {
	_, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, make([]byte, streamBuffer))
	return err
}

// stdout is standard output as the target of one download: an io.Writer whose
// Write ends with the context, and a subscriber that makes what couldn't be
// written the transfer's error.
type stdout struct {
	haul.NopSubscriber
	pw      *io.PipeWriter
	written chan error // one, when all is written; from writeLoop
	ctx     context.Context
}

func newStdout(ctx context.Context, w io.Writer) *stdout {
	pr, pw := io.Pipe()
	s := &stdout{pw: pw, written: make(chan error, 1), ctx: ctx}
	context.AfterFunc(ctx, func() { pr.CloseWithError(context.Cause(ctx)) })
	go s.writeLoop(pr, w)
	return s
}

// writeLoop moves the pipe into w until either ends.
func (s *stdout) writeLoop(pr *io.PipeReader, w io.Writer) {
	err := copyStream(w, pr)
	pr.CloseWithError(err)
	s.written <- err
}

// Write hands p over.
func (s *stdout) Write(p []byte) (int, error) { return s.pw.Write(p) }

// OnDone waits until all is written.
func (s *stdout) OnDone(f *haul.Future) {
	s.pw.Close()
	select {
	case err := <-s.written:
		if _, failed := f.Outcome(); err != nil && failed == nil {
			_ = f.SetError(err) // it has settled
		}
	case <-s.ctx.Done():
	}
}
