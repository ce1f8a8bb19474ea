package driver

import "time"

// Limits are a transfer's limits in time.
type Limits struct {
	// Stall is how long body bytes may make no progress before the attempt is
	// given up.
	Stall time.Duration
	// FirstByte is how long the answer to a request for a part may take, at
	// most.
	FirstByte time.Duration
	// SlowAnswer is the same for CompleteMultipartUpload, CopyObject and
	// UploadPartCopy, which S3 may take minutes for.
	SlowAnswer time.Duration
	// Abort bounds the cleaning up after a failure.
	Abort time.Duration
}

// WithDefaults returns the limits with the defaults where they are zero: stall
// 10 s, first byte 30 s, slow answer 15 min, abort 5 s.
func (l Limits) WithDefaults() Limits {
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&l.Stall, 10 * time.Second}, {&l.FirstByte, 30 * time.Second},
		{&l.SlowAnswer, 15 * time.Minute}, {&l.Abort, 5 * time.Second},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return l
}
