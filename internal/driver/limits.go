package driver

import "time"

// Limits are a transfer's limits in time.
type Limits struct {
	// Stall is how long body bytes may make no progress before the attempt is
	// given up.
	Stall time.Duration
	// FirstByte is how long the answer to a request for a part may take.
	FirstByte time.Duration
	// SlowAnswer is the same for CompleteMultipartUpload, CopyObject and
	// UploadPartCopy, which S3 may take minutes for.
	SlowAnswer time.Duration
	// Abort bounds the cleaning up after a failure.
	Abort time.Duration
}
