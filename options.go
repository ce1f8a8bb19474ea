package haul

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/retry"
	"github.com/haul-s3/haul/internal/s3api"
)

// FS is the file layer: every file call of haul goes through it. Replace it to
// keep files elsewhere, or to make the n-th step fail in a test. Embed OSFS to
// replace only some calls. Implementations are safe for concurrent use.
type FS = body.FS

// File is an open file of an FS.
type File = body.File

// DirectFile is a File of an FS that can be written past the page cache.
type DirectFile = body.DirectFile

// OSFS is the operating system's file layer, the default.
type OSFS = body.OS

// ChecksumPlace says where an upload's checksum travels.
type ChecksumPlace int

// The places. A trailer needs one pass over the bytes; a header is understood
// by every store.
const (
	// ChecksumAuto: a trailer on AWS's own endpoints over TLS, else a header.
	ChecksumAuto ChecksumPlace = iota
	ChecksumHeader
	ChecksumTrailer
)

// Options configure a Manager. The zero value of every field is its default.
type Options struct {
	// PartSize is the size of a part in bytes, at most 5 GiB. Uploads and
	// copies need at least 5 MiB; the ranges of a download may be smaller. It
	// grows by itself where an object would need more than 10,000 parts.
	// Default: the engine client's, 8 MiB.
	PartSize int64
	// MultipartThreshold is the size, in bytes, from which on an object is
	// moved in parts; at most 5 GiB. Default: the part size.
	MultipartThreshold int64
	// Concurrency is how many parts of one transfer are moved at once. Default:
	// what the engine finds best.
	Concurrency int
	// MaxQueued is how many transfers may wait for their turn; Upload and the
	// like block while it is reached. Default 10,000.
	MaxQueued int
	// MaxBandwidth limits all transfers of the Manager together, up and down,
	// in bytes per second. Manager.SetMaxBandwidth changes it. Default: no
	// limit.
	MaxBandwidth int64
	// MemoryLimit bounds, in bytes, what must be buffered: pipes, and parts that
	// wait for an ordered writer. haul's engine keeps a half for each of the two;
	// a part of a pipe must fit into its half. NewManager is given a client, which has a
	// limit already; setting it there is an error. Default: a quarter of the
	// machine's or cgroup's memory, at most 2 GiB.
	MemoryLimit int64
	// LeavePartsOnError keeps the parts of failed uploads and copies, which
	// then cost money until someone completes or aborts the upload.
	LeavePartsOnError bool

	// ChecksumAlgorithm is computed over what is uploaded, unless the input
	// names one: CRC32, CRC32C, CRC64NVME, SHA1, SHA256 or MD5. Default:
	// CRC64NVME, or none where the S3 client's RequestChecksumCalculation is
	// when_required. One that was chosen is never dropped; the default is where
	// a store refuses it.
	ChecksumAlgorithm types.ChecksumAlgorithm
	// ChecksumType is the type of checksum of objects uploaded in parts.
	// Default: FULL_OBJECT for the CRCs, COMPOSITE for the digests; these are
	// the only ones that S3 has for CRC64NVME and the digests.
	ChecksumType types.ChecksumType
	// ChecksumPlace says where the checksum of an upload travels.
	ChecksumPlace ChecksumPlace
	// SignPayload makes the SHA-256 of every body part of its signature, for
	// bucket policies that demand it. It costs a second hash over each byte.
	SignPayload bool
	// ValidateETag compares the bytes of a download with the object's ETag, if
	// that is an MD5 and the object has no checksum that can be compared: set it
	// for stores that keep none. It costs an MD5 of every byte and, where a file
	// came in parts, a second reading of it. An ETag that is known to be no MD5,
	// as that of an object encrypted with KMS or a customer's key, is not
	// compared; but there are stores other than S3 whose ETags look like an MD5
	// and are none, from which downloads then fail.
	ValidateETag bool

	// MaxAttempts is how often a request is tried, the first time included.
	// Default: the S3 client's RetryMaxAttempts or the attempts of a Retryer
	// that isn't the SDK's default, else 6.
	MaxAttempts int
	// BackoffBase is the longest wait before the second attempt; it doubles
	// with each further one. Default 100 ms.
	BackoffBase time.Duration
	// BackoffThrottle is the same after an answer that asks to slow down.
	// Default 1 s.
	BackoffThrottle time.Duration
	// BackoffMax is the longest wait between attempts. Default 20 s.
	BackoffMax time.Duration

	// StallTimeout is how long a body may make no progress before the attempt
	// is given up. Default 10 s.
	StallTimeout time.Duration
	// AnswerTimeout is how long the answer to a request for a part may take, at
	// most: haul's engine gives one up earlier that takes far longer than usual,
	// if another attempt follows. Default 30 s. NewClassic doesn't heed it, nor
	// SlowAnswerTimeout: see there.
	AnswerTimeout time.Duration
	// SlowAnswerTimeout is the same for CompleteMultipartUpload, CopyObject and
	// UploadPartCopy, for which S3 may need minutes. Default 15 min.
	SlowAnswerTimeout time.Duration
	// AbortTimeout bounds the cleaning up after a failure. Default 5 s.
	AbortTimeout time.Duration

	// FS is the file layer. Default: OSFS.
	FS FS
	// Durable syncs downloaded files and their folders before success is told.
	Durable bool
	// DirectIO writes downloaded files past the system's page cache, where that
	// can be done; see WithDirectIO.
	DirectIO bool
	// S3 are options of the AWS SDK for every request.
	S3 []func(*s3.Options)
	// Engine configures the client that New and NewFromClient make: target
	// throughput, threads, connections, TLS. Setting it for NewManager, which
	// is given a client, or for NewClassic, which has none, is an error.
	Engine *engine.Options
	// Logger gets what nobody is told otherwise: panics of OnDone hooks.
	// Default: slog.Default.
	Logger *slog.Logger
}

const defaultMaxQueued = 10_000

// withDefaults fills in the defaults; those that depend on a client are filled
// in by the constructor first.
func (o Options) withDefaults() Options {
	setDefault(&o.PartSize, s3api.DefaultPartSize)
	setDefault(&o.MaxQueued, defaultMaxQueued)
	if o.FS == nil {
		o.FS = OSFS{}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// validate reports every fault of the options together.
func (o Options) validate() error {
	errs := []error{
		atMost("PartSize", o.PartSize, s3api.MaxPartSize),
		atMost("MultipartThreshold", o.MultipartThreshold, s3api.MaxPartSize),
		notNegative("Concurrency", o.Concurrency),
		notNegative("MaxQueued", o.MaxQueued),
		notNegative("MaxBandwidth", o.MaxBandwidth),
		notNegative("MemoryLimit", o.MemoryLimit),
		notNegative("MaxAttempts", o.MaxAttempts),
		notNegative("BackoffBase", o.BackoffBase),
		notNegative("BackoffThrottle", o.BackoffThrottle),
		notNegative("BackoffMax", o.BackoffMax),
		notNegative("StallTimeout", o.StallTimeout),
		notNegative("AnswerTimeout", o.AnswerTimeout),
		notNegative("SlowAnswerTimeout", o.SlowAnswerTimeout),
		notNegative("AbortTimeout", o.AbortTimeout),
		o.validateChecksum(),
	}
	return errors.Join(errs...)
}

func (o Options) validateChecksum() error {
	var errs []error
	algorithm, err := checksum.Parse(string(o.ChecksumAlgorithm))
	if err != nil {
		errs = append(errs, fmt.Errorf("Options.ChecksumAlgorithm: %w", err))
	} else if o.ChecksumType != "" {
		if algorithm == checksum.None {
			algorithm = checksum.CRC64NVME
		}
		_, err = checksumType(algorithm, o.ChecksumType)
		errs = append(errs, err)
	}
	if o.ChecksumPlace < ChecksumAuto || o.ChecksumPlace > ChecksumTrailer {
		errs = append(errs, fmt.Errorf("Options.ChecksumPlace is %d: no such place", o.ChecksumPlace))
	}
	return errors.Join(errs...)
}

func notNegative[T int | int64 | time.Duration](field string, value T) error {
	if value < 0 {
		return fmt.Errorf("option %s is %v: it must be positive, or 0 for the default", field, value)
	}
	return nil
}

func atMost(field string, value, maximum int64) error {
	if value > maximum {
		return fmt.Errorf("option %s is %d bytes: the largest is %d (5 GiB)", field, value, maximum)
	}
	return notNegative(field, value)
}

func (o Options) limits() driver.Limits {
	return driver.Limits{Stall: o.StallTimeout, FirstByte: o.AnswerTimeout, SlowAnswer: o.SlowAnswerTimeout, Abort: o.AbortTimeout}.WithDefaults()
}

func (o Options) retries() retry.Policy {
	return retry.Policy{MaxAttempts: o.MaxAttempts, Base: o.BackoffBase, ThrottleBase: o.BackoffThrottle, Cap: o.BackoffMax}.WithDefaults()
}
