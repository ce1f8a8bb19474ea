package wire

import (
	"io"
	"os"
)

// Lender is what a Request's Body may be where its bytes are in memory already:
// they then go to the network without a copy.
type Lender interface {
	io.Reader
	// Lend returns the next bytes of the body, at most limit of them, and counts
	// them as read. They don't change until Do returns. None and no error: the
	// next bytes must be read.
	Lend(limit int) ([]byte, error)
}

// Filed is what a Request's Body may be where its bytes are a piece of a file
// that nobody needs to see: the system then sends them by itself.
type Filed interface {
	io.Reader
	// Section returns a file and where in it the next bytes of the body are; 0
	// of them: the next bytes must be read. The file's own offset is not moved.
	Section() (f *os.File, offset, length int64)
	// Call runs fn, which is a call into the file and never waits for the
	// network.
	Call(fn func() (int, error)) (int, error)
	// Sent counts n bytes of the section as read. Its error is the body's, as
	// from Read.
	Sent(n int) error
}

// Mover is what a Request's Body may be that wants to know whether bytes move:
// over a slow network a piece takes long from when it was read until the next one
// is asked for.
type Mover interface {
	io.Reader
	// Moved tells that the network has taken some of what was read, and not all.
	// It is called by the goroutine of Do.
	Moved()
}
