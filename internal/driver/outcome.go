package driver

import (
	"time"

	"github.com/haul-s3/haul/internal/checksum"
)

// Outcome is what a transfer came to.
type Outcome struct {
	ETag         string
	VersionID    string
	Size         int64
	ContentType  string
	Metadata     map[string]string
	LastModified time.Time // zero if the answer has none
	Checksum     Checksum
	Parts        int // 1 for a single request, 0 for Delete
	Counters
	// Resumed is how many bytes an earlier transfer had moved already; Afresh is
	// why what one left was not taken up, or "".
	Resumed int64
	Afresh  string

	// Output decodes the SDK's own output of the last call.
	Output func() (any, error)
}

// Counters counts what a transfer sent.
type Counters struct {
	Requests      int64 // all requests, retries included
	ExtraRequests int64 // of these: retries and races
	ExtraBytes    int64 // body bytes carried again
}

// Checksum tells which checksum an object has and what was proven with it.
type Checksum struct {
	Algorithm checksum.Algorithm // None where the object has none
	Type      string             // s3api.ChecksumFullObject, s3api.ChecksumComposite
	Value     string             // base64, with "-N" for composite ones
	// Validated is true when the bytes were compared with the value: by S3 for
	// an upload, here for a download.
	Validated bool
	// How says in words how it was validated, or why not.
	How string
}
