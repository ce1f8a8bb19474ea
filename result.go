package haul

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul/internal/driver"
)

// Result is what a successful transfer came to. It belongs to the caller, but
// all callers of a Future get the same one, so it should not be changed.
type Result struct {
	// ETag and VersionID are those of the object that was written or read; of a
	// Delete, VersionID is the delete marker's or the deleted version's.
	ETag      string
	VersionID string
	// Size is the number of bytes that were moved; 0 for Delete.
	Size int64
	// ContentType, Metadata and LastModified are what S3 told of the object:
	// for a Download all of them, for the others what the answer has.
	ContentType  string
	Metadata     map[string]string
	LastModified time.Time
	Checksum     Checksum
	// Parts is the number of parts, 1 for a single request, 0 for Delete.
	Parts int
	// Requests is the number of requests, retries included. ExtraRequests of
	// these were retries and races, which carried ExtraBytes again.
	Requests      int64
	ExtraRequests int64
	ExtraBytes    int64
	// Resumed is the number of bytes that an earlier transfer with the same
	// journal had moved, so that this one didn't. Afresh says in words why what
	// an earlier transfer left was not taken up; empty if there was nothing.
	Resumed int64
	Afresh  string
	// Duration is the time from leaving the queue to settling.
	Duration time.Duration

	output func() (any, error)
}

// Output decodes the SDK's own output of the transfer's last call: for an
// Upload *s3.PutObjectOutput or *s3.CompleteMultipartUploadOutput, for a
// Download *s3.GetObjectOutput (its Body is nil), for a Copy
// *s3.CopyObjectOutput or *s3.CompleteMultipartUploadOutput, for a Delete
// *s3.DeleteObjectOutput.
func (r *Result) Output() (any, error) {
	if r.output == nil {
		return nil, nil
	}
	return r.output()
}

// Checksum tells which checksum an object has and what was proven with it.
type Checksum struct {
	// Algorithm is the checksum's algorithm, empty where the object has none. It
	// is MD5 where the object's ETag was compared.
	Algorithm types.ChecksumAlgorithm
	// Type is FULL_OBJECT or COMPOSITE.
	Type types.ChecksumType
	// Value is the checksum in base64, with "-N" for a composite one of N parts.
	Value string
	// Validated says that the bytes were compared with the value: by S3 for an
	// upload, by haul for a download.
	Validated bool
	// How says in words how it was validated, or why not.
	How string
}

func newResult(o *driver.Outcome, took time.Duration) *Result {
	return &Result{
		ETag: o.ETag, VersionID: o.VersionID, Size: o.Size,
		ContentType: o.ContentType, Metadata: o.Metadata, LastModified: o.LastModified,
		Checksum: Checksum{
			Algorithm: types.ChecksumAlgorithm(o.Checksum.Algorithm),
			Type:      types.ChecksumType(o.Checksum.Type),
			Value:     o.Checksum.Value, Validated: o.Checksum.Validated, How: o.Checksum.How,
		},
		Parts: o.Parts, Requests: o.Requests, ExtraRequests: o.ExtraRequests,
		ExtraBytes: o.ExtraBytes, Resumed: o.Resumed, Afresh: o.Afresh, Duration: took, output: o.Output,
	}
}
