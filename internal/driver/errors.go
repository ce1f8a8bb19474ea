package driver

import (
	"fmt"
	"time"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/checksum"
)

// Failure is what a driver knows beyond the cause: where in the transfer it
// happened. The face turns it into a TransferError.
type Failure struct {
	UploadID string // of an upload that may still be open, or ""
	Part     int    // part number, 0 if the failure belongs to no part
	Attempt  int    // the attempt that failed last, from 1; 0 if nothing was sent
	Journal  string // path of the journal with which another transfer can go on, or ""
	Err      error
}

// Error returns the cause's text; the face adds the rest.
func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// ObjectModifiedError says that the object changed while it was downloaded or
// copied.
type ObjectModifiedError struct {
	Bucket, Key string
	ETag        string // the ETag that the transfer began with
	Err         error  // S3's own answer, if there was one
}

// Error names the object and the ETag that it no longer has.
func (e *ObjectModifiedError) Error() string {
	return fmt.Sprintf("object %q in bucket %q was modified during the transfer: it no longer has ETag %s", e.Key, e.Bucket, e.ETag)
}

// Unwrap returns S3's answer.
func (e *ObjectModifiedError) Unwrap() error { return e.Err }

// SourceChangedError says that a file changed while it was uploaded.
type SourceChangedError = body.ChangedError

// ChecksumError says that bytes don't have the checksum that they should have.
type ChecksumError struct {
	Algorithm checksum.Algorithm
	Want, Got string // base64
}

// Error names the algorithm and both values.
func (e *ChecksumError) Error() string {
	return fmt.Sprintf("%s checksum mismatch: want %s, got %s", e.Algorithm, e.Want, e.Got)
}

// RetriesExceededError says that a request was tried as often as allowed.
type RetriesExceededError struct {
	Attempts int
	Elapsed  time.Duration // from the first attempt to the last failure
	Last     error         // the last real error
}

// Error tells attempts, time and the last error.
func (e *RetriesExceededError) Error() string {
	return fmt.Sprintf("gave up after %d attempts in %s: %v", e.Attempts, e.Elapsed.Round(time.Millisecond), e.Last)
}

// Unwrap returns the last real error.
func (e *RetriesExceededError) Unwrap() error { return e.Last }

// StreamMemoryError says that a stream which must go with one request can't be
// held in memory as a whole, so that the request could be sent again.
type StreamMemoryError struct {
	Size int64 // bytes of the stream
	Room int64 // bytes that MemoryLimit leaves for streams
}

// Error names the option that has to be larger.
func (e *StreamMemoryError) Error() string {
	return fmt.Sprintf("stream of %d bytes must go with one request (ContentMD5, WriteOffsetBytes) and so be in memory as a whole: MemoryLimit leaves room for less than %d", e.Size, e.Room)
}

// PartMemoryError says that a part of a stream is larger than the memory that
// there may be for it.
type PartMemoryError struct {
	Part  int64 // bytes of the part
	Room  int64 // bytes that MemoryLimit leaves for streams
	Limit int64 // bytes: MemoryLimit
}

// Error names the options that don't go together.
func (e *PartMemoryError) Error() string {
	return fmt.Sprintf("part of %d bytes of a stream must be in memory as a whole, for which a MemoryLimit of %d bytes leaves %d: set a larger MemoryLimit, or a smaller PartSize", e.Part, e.Limit, e.Room)
}

// ShortBodyError says that a body had fewer bytes than announced.
type ShortBodyError struct {
	Want, Got int64 // bytes
	Err       error // what ended it early, if anything was seen
}

// Error tells both lengths.
func (e *ShortBodyError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("body ended early: got %d of %d bytes: %v", e.Got, e.Want, e.Err)
	}
	return fmt.Sprintf("body ended early: got %d of %d bytes", e.Got, e.Want)
}

// Unwrap returns what ended the body early.
func (e *ShortBodyError) Unwrap() error { return e.Err }
