package s3api

// The limits of multipart uploads and of objects, in bytes unless said
// otherwise. Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits"
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
const (
	// MaxParts is the highest part number and so the largest number of parts.
	MaxParts = 10_000
	// MinPartSize is the smallest part of an upload, the last one excepted.
	MinPartSize int64 = 5 << 20
	// MaxPartSize is the largest part, and the largest body of one PutObject.
	MaxPartSize int64 = 5 << 30
	// MaxObjectSize is the largest object: 10,000 parts of 5 GiB, 48.8 TiB.
	MaxObjectSize = MaxParts * MaxPartSize
)

// DefaultPartSize is the part size and the multipart threshold where none is
// given: the value of s3transfer and of the Common Runtime.
const DefaultPartSize int64 = 8 << 20

// MaxKeyBytes is the longest object key in bytes of UTF-8. Source: Amazon S3
// User Guide, "Naming Amazon S3 objects".
const MaxKeyBytes = 1024
