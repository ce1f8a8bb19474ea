package body

import (
	"context"
	"io"
)

// Sink is where a download's bytes go. It is a description; Open makes it
// writable, once per transfer.
type Sink interface {
	// Open prepares the sink for size bytes (-1: not known). Nothing that the
	// sink replaces is touched before Commit. When ctx ends before Commit or
	// Abort, writes that wait for another process end with an error.
	Open(ctx context.Context, fsys FS, size int64) (Writer, error)
	// Check finds what can be seen to be wrong before any request: a missing
	// folder, a folder as target, a nil writer. It changes nothing.
	Check(fsys FS) error
	// String names the sink in errors.
	String() string
}

// Writer is an opened sink.
type Writer interface {
	// WriteAt writes at a position; offset 0 is the first byte asked for. If
	// Ordered is false any number of goroutines may write at once, in any
	// order; if true the calls come one at a time, each where the last ended.
	io.WriterAt
	// Ordered says that bytes must come strictly in order.
	Ordered() bool
	// Local says that writing is a file call, which holds a thread of the
	// system, and no code of the caller's.
	Local() bool
	// Commit ends a successful transfer: what was written becomes what the user
	// sees. On an error nothing is left behind, and what would have been
	// replaced is untouched; with one exception: if the sync of the folder is
	// what fails, the new file has its name already.
	Commit(info Info) error
	// Abort ends a failed transfer; what the sink would have replaced is
	// untouched. It may be called after a failed Commit, and then does nothing.
	Abort() error
}
