// Package driver is the seam between haul's face and what carries a transfer:
// the Driver interface, the Job that goes down, the Events and the Outcome that
// come up, and the errors that both sides share. It has no behaviour. Package
// engine and package classic implement Driver; package haul drives them, so
// that validation, futures, subscribers, admission and shutdown exist once.
package driver

import (
	"context"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/retry"
	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/throttle"
)

// Driver carries transfers. It is safe for concurrent use.
type Driver interface {
	// Transfer carries one job to its end on the caller's goroutine, with
	// helpers of its own, and returns only when nothing of it runs any more:
	// files are closed and renamed or removed, an upload is completed or
	// aborted, and no goroutine is in the caller's reader, writer or hooks.
	// When ctx ends, it gives up and returns an error that wraps
	// context.Cause(ctx). The error is a *Failure where something is known
	// beyond the cause.
	Transfer(ctx context.Context, job *Job, ev Events) (*Outcome, error)
	// Parallel is how many jobs are worth running at once; more may be.
	Parallel() int
	// Close releases what the driver owns, once no transfer runs.
	Close(ctx context.Context) error
}

// Kind is what a transfer does.
type Kind int

// The four kinds of transfer.
const (
	Upload Kind = iota
	Download
	Copy
	Delete
)

// String returns the name of the Manager's method: "Upload".
func (k Kind) String() string {
	return [...]string{"Upload", "Download", "Copy", "Delete"}[k]
}

// Place says where an upload's checksum travels.
type Place int

// Where a checksum goes: PlaceAuto decides by endpoint and source.
const (
	PlaceAuto Place = iota
	PlaceHeader
	PlaceTrailer
)

// ChecksumPlan is what a transfer does about checksums.
type ChecksumPlan struct {
	// Algorithm is computed over what is uploaded; checksum.None for none.
	Algorithm checksum.Algorithm
	// Type is s3api.ChecksumFullObject or s3api.ChecksumComposite, for uploads
	// in parts.
	Type string
	// Given is the whole object's value, base64, where the caller provided it;
	// it stands in the input of PutObject or CompleteMultipartUpload already.
	Given string
	// Chosen says that the caller chose the algorithm, so it is never dropped.
	Chosen bool
	Place  Place
	// SignPayload makes the SHA-256 of every body part of its signature.
	SignPayload bool
	// Validate asks S3 for the stored checksum of a download and compares.
	Validate bool
	// ValidateETag compares a download that has no checksum to compare with its
	// ETag, if that is an MD5.
	ValidateETag bool
}

// Job is one transfer, as a value: everything that the driver needs, decided
// and checked by the face. The driver doesn't change it, and copies the SDK
// inputs in Calls before it sets a field of theirs.
type Job struct {
	Kind   Kind
	ID     uint64
	Bucket string
	Key    string

	Source body.Source // Upload
	Sink   body.Sink   // Download
	FS     body.FS     // the file layer that both go through; never nil

	// Calls forms the SDK's inputs of the requests that the transfer may need.
	Calls Inputs
	// OptFns are the SDK's own per-call options ([]func(*s3.Options)), for the
	// classic driver; the serializer of the engine has them already.
	OptFns any
	// Serializer forms this job's requests; nil means the driver's own.
	Serializer s3api.Serializer

	// Size and ETag are what is known beforehand: of the source object of a
	// Download or Copy, or the size of an Upload's stream. -1 and "" if not.
	Size int64
	ETag string

	PartSize    int64 // bytes, at least s3api.MinPartSize for Upload and Copy
	Threshold   int64 // from this size on in parts, bytes
	OneRequest  bool  // Upload: never in parts; the size of a stream is then known
	Concurrency int   // parts of this transfer at once; 0: the driver's choice
	Checksum    ChecksumPlan
	LeaveParts  bool // keep the parts of a failed upload
	Retry       retry.Policy
	Limits      Limits            // all set
	Bandwidth   *throttle.Limiter // nil, or with a rate of 0: none yet
	Range       string            // Download: the user's Range header, or ""
	PartNumber  int32             // Download: the user's PartNumber, or 0
	Resume      *Resume           // keep a journal, and take up what it says; nil: don't

	// SourceHead asks the source of a Copy for its head and tags through a
	// client of its own; nil: the driver asks by itself.
	SourceHead func(ctx context.Context) (*ObjectHead, error)
	// CopyCreate forms the *s3.CreateMultipartUploadInput of a Copy in parts,
	// with what is kept of the source; CopyTags says that its tags are.
	CopyCreate func(head *ObjectHead) any
	CopyTags   bool
	// CopyTagging forms the *s3.PutObjectTaggingInput of a Copy in parts whose
	// source has tags that are too long for the header of Create; its answer is
	// nil where there are none. versionID is the new object's, or "".
	CopyTagging func(head *ObjectHead, versionID string) any
}

// Inputs forms the SDK's inputs of a transfer's requests.
type Inputs interface {
	// Input returns a pointer to the SDK's input of one request, with the fields
	// that belong on it; nil if the transfer never needs that request. Where the
	// SDK demands values that aren't known yet there are place-holders: UploadId
	// "UPLOADID", PartNumber 1, CopySourceRange "bytes=0-0". Each call may form a
	// new one, of the same content.
	Input(op s3api.Operation) any
}

// InputMap is Inputs that are there already.
type InputMap map[s3api.Operation]any

// Input returns one of them.
func (m InputMap) Input(op s3api.Operation) any { return m[op] }

// Resume asks for a journal of the upload of a regular file, or of the download
// of a whole object to a body.Keeper.
type Resume struct {
	Dir     string // the journals' folder
	Path    string // of the source or target, absolute
	Version string // that a download asked for, or ""
	// Request is what the journal shall keep of the caller's input. An upload
	// is taken up only by one with the same.
	Request []byte
	Batch   int64 // bytes that may be unsynced; 0: 64 MiB
	// Afresh is told at once why what an earlier transfer left is not taken up;
	// nil: nobody is told.
	Afresh func(why string)
}

// ObjectHead is what HeadObject tells of a copy's source, and its tags.
type ObjectHead struct {
	Size               int64
	ETag               string
	CacheControl       string
	ContentDisposition string
	ContentEncoding    string
	ContentLanguage    string
	ContentType        string
	Expires            string // as sent
	WebsiteRedirect    string
	Metadata           map[string]string
	VersionID          string
	TagCount           int
	Tags               []s3api.Tag
}

// Events is what a driver tells while it carries a job. Progress may be called
// from several goroutines at once, the others from one at a time; none is
// called after Transfer has returned.
type Events interface {
	// Progress tells that n bytes more are done; negative where a download goes
	// back. Each call stands for at most one slice.
	Progress(n int64)
	// Found tells size and ETag of the object once they are known; size is -1
	// while it isn't.
	Found(size int64, etag string)
	// Open tells the id of the multipart upload that the transfer opened.
	Open(uploadID string)
}
