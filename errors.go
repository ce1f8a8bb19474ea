package haul

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
)

// Errors that callers test for with errors.Is.
var (
	// ErrCanceled is in the error of a transfer that was cancelled: by its
	// context, by Future.Cancel, by ShutdownNow or by Run. The cause is in the
	// same error: errors.Is also finds context.Cause of the transfer's context.
	ErrCanceled = errors.New("transfer canceled")
	// ErrShutdown is the error of a call after Shutdown, ShutdownNow or Run.
	ErrShutdown = errors.New("manager is shut down")
	// ErrNotDone says that a transfer has no outcome yet.
	ErrNotDone = errors.New("transfer is not done")
	// ErrQueueFull is the error of a transfer begun from a hook while
	// Options.MaxQueued transfers wait: a hook must not block.
	ErrQueueFull = errors.New("queue of waiting transfers is full")
	// ErrLockHeld says that the process lock has an owner already, in this
	// process or in another.
	ErrLockHeld = errors.New("process lock is held")
)

// TransferError is the error of a transfer: what was being done, and what
// stopped it. Every error of a Future, and every error that a Manager's methods
// return for a transfer, is one. What it wraps is found with errors.Is and
// errors.As: the errors of this package, the AWS SDK's own (*types.NoSuchKey,
// smithy.APIError, with the request id), and those of the operating system.
type TransferError struct {
	// Op is the Manager's method: "Upload", "Download", "Copy" or "Delete".
	Op string
	// Bucket and Key are the object: of a Copy, the target.
	Bucket, Key string
	// UploadID is the id of the multipart upload that the transfer had opened,
	// or empty. The upload was aborted, unless Err says that this didn't work
	// or the parts were to be kept.
	UploadID string
	// Part is the number of the part that failed, 0 if it was none.
	Part int
	// Attempt is the attempt that failed last, from 1; 0 if nothing was sent.
	Attempt int
	// Journal is the path of the journal with which the transfer can be taken
	// up, by Manager.Resume or by the same call again; empty if it can't be. An
	// open upload, or a temporary file, was kept for that.
	Journal string
	// Err is the cause.
	Err error
}

// Error tells operation, object and place, and then the cause. Where a store's
// message repeats a signature, a token or a customer's key of the request,
// "[removed]" stands in its place. Err has the message as it came.
func (e *TransferError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of key %q in bucket %q: ", strings.ToLower(e.Op), e.Key, e.Bucket)
	if e.UploadID != "" {
		fmt.Fprintf(&b, "upload id %s: ", e.UploadID)
	}
	if e.Part > 0 {
		fmt.Fprintf(&b, "part %d: ", e.Part)
	}
	if e.Attempt > 1 {
		fmt.Fprintf(&b, "attempt %d: ", e.Attempt)
	}
	b.WriteString(s3api.Redact(e.Err.Error()))
	if e.Journal != "" {
		fmt.Fprintf(&b, " (can be resumed with journal %s)", e.Journal)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *TransferError) Unwrap() error { return e.Err }

// ObjectModifiedError says that the object changed while it was downloaded or
// copied. Its fields are Bucket and Key, ETag (the one that the transfer began
// with) and Err (S3's own answer, if there was one).
type ObjectModifiedError = driver.ObjectModifiedError

// SourceChangedError says that a file changed while it was uploaded, so that
// the upload was given up. Its fields are Name (the path) and What (in words).
type SourceChangedError = driver.SourceChangedError

// ChecksumError says that bytes don't have the checksum that they should have.
// Its fields are Algorithm (a string type: "CRC64NVME"), Want and Got (base64).
type ChecksumError = driver.ChecksumError

// RetriesExceededError says that a request was tried as often as allowed. Its
// fields are Attempts, Elapsed (from the first attempt to the last failure) and
// Last (the last real error, which it also wraps).
type RetriesExceededError = driver.RetriesExceededError

// ShortBodyError says that a body had fewer bytes than announced. Its fields
// are Want and Got (bytes) and Err (what ended it early, if anything was seen).
type ShortBodyError = driver.ShortBodyError

// PanicError is what became of a panic in a subscriber's hook.
type PanicError struct {
	// Hook is the hook's name: "OnQueued", "OnProgress" or "OnDone".
	Hook string
	// Value is what was passed to panic.
	Value any
	// Stack is the stack at the panic, as runtime/debug.Stack formats it.
	Stack []byte
}

// Error names the hook and the value.
func (e *PanicError) Error() string { return fmt.Sprintf("panic in %s: %v", e.Hook, e.Value) }

// Unwrap returns the panic's value if it is an error, else nil.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// canceledError is ErrCanceled with its cause.
type canceledError struct{ cause error }

func (e *canceledError) Error() string {
	if e.cause == context.Canceled {
		return ErrCanceled.Error()
	}
	return ErrCanceled.Error() + ": " + e.cause.Error()
}

func (e *canceledError) Unwrap() []error { return []error{ErrCanceled, e.cause} }

// notDoneError is ErrNotDone with the reason why nobody waits any longer.
type notDoneError struct{ cause error }

func (e *notDoneError) Error() string { return ErrNotDone.Error() + ": " + e.cause.Error() }

func (e *notDoneError) Unwrap() []error { return []error{ErrNotDone, e.cause} }

// asCanceled makes a cancellation of err, if it is what the end of the transfer
// led to. An error that has nothing to do with it came first, and stays.
func (t *transfer) asCanceled(err error) error {
	t.future.mu.Lock()
	ended, cause := t.endLocked()
	t.future.mu.Unlock()
	if ended == nil {
		return err
	}
	if !errors.Is(err, cause) && !errors.Is(err, ended) {
		return err
	}
	if errors.Is(err, ErrCanceled) {
		return err
	}
	if !errors.Is(err, cause) {
		err = errors.Join(cause, err)
	}
	if cause == ErrPaused {
		return err
	}
	return &canceledError{err}
}
