package body

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// openFIFO opens a FIFO with open, which waits for the FIFO's other end. When
// ctx ends it waits no more.
func openFIFO(ctx context.Context, name string, info fs.FileInfo, open func(name string) (File, error)) (File, error) {
	type opened struct {
		f   File
		err error
	}
	done, gone := make(chan opened), make(chan struct{})
	go func() {
		f, err := open(name)
		select {
		case done <- opened{f, err}:
		case <-gone:
			if err == nil {
				_ = f.Close() // nothing was written to it
			}
		}
	}()
	select {
	case o := <-done:
		return o.f, o.err
	case <-ctx.Done():
	}
	defer close(gone)
	if other := bothEnds(name, info); other != nil {
		if o := <-done; o.err == nil {
			_ = o.f.Close() // nothing was written to it
		}
		_ = other.Close()
	}
	return nil, context.Cause(ctx)
}

// bothEnds opens both ends of a FIFO, for which nobody waits any more then. It
// is nil where that can't be: then the system keeps a thread until there is
// another end.
func bothEnds(name string, info fs.FileInfo) *os.File {
	if is, err := os.Stat(name); err != nil || !os.SameFile(is, info) {
		return nil // of a replaced FS, or it has another name now
	}
	f, err := os.OpenFile(name, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	return f
}

func isFIFO(info fs.FileInfo) bool { return info.Mode().Type() == fs.ModeNamedPipe }

// because is why a read or a write of a file failed for which breakOff holds:
// the cause of ctx where that has ended it.
func because(ctx context.Context, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// brokenOff reads a file for which breakOff holds.
type brokenOff struct {
	ctx context.Context
	f   File
}

func (b *brokenOff) Read(p []byte) (int, error) {
	n, err := b.f.Read(p)
	return n, because(b.ctx, err)
}

// breakOff has the reads and writes of f that wait for others end with an error
// when ctx ends, where the system can do so (a FIFO, a terminal), until stop is
// called.
func breakOff(ctx context.Context, f File) (stop func() bool) {
	d, ok := f.(interface{ SetDeadline(t time.Time) error })
	if !ok {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, func() { _ = d.SetDeadline(time.Unix(1, 0)) }) // what has no deadline doesn't wait long
}
