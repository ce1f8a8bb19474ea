// Package batch moves many objects: it walks a folder or lists a prefix, begins
// a transfer for each thing found, a bounded number at a time, and keeps the
// tally.
//
// The parts are a sequence of Items (Files, Objects, or one of your own), a
// Start that begins the transfer of an Item on a haul.Manager (Upload,
// Download, Copy, Delete, or a function around one of these), and Run, which
// brings both together:
//
//	in := &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("photos/")}
//	tally, err := batch.Run(ctx, batch.Files("./photos"), batch.Upload(m, in), batch.Options{})
package batch

import "time"

// Item is a file or an object: something to move.
type Item struct {
	// Name tells the item from the others of its sequence: its path below the
	// folder that was walked, or its key without the prefix that was listed;
	// its elements are separated by slashes.
	Name string
	// Path is a file's path, in the system's own form; empty for an object.
	Path string
	// Bucket and Key name an object; both are empty for a file.
	Bucket, Key string
	// Size is the number of bytes, -1 if it isn't known.
	Size int64
	// ModTime is when it was last modified, zero if that isn't known.
	ModTime time.Time
	// ETag is an object's, as a listing told it, empty if it isn't known. Size
	// and ETag of an object with an ETag are given to its transfer, which then
	// needn't ask for them and takes no other version of the object.
	ETag string
}

// SkippedError says that something was left out, which is no failure. A
// sequence or a Start gives it.
type SkippedError struct{ Err error }

// Error tells why.
func (e *SkippedError) Error() string { return "skipped: " + e.Err.Error() }

// Unwrap returns the reason.
func (e *SkippedError) Unwrap() error { return e.Err }
