// Package classic is the Driver on plain calls of the AWS SDK: what s3transfer's
// TransferManager does, through an interface small enough for a mock. Parts of
// a file are read by position and never held whole; parts of a stream, and
// parts that must wait for an ordered writer, are held under a memory limit.
//
// One file is one operation: upload.go (with stream.go for unknown lengths),
// download.go (with fetch.go for one part), copy.go, delete.go. What they share
// is the transfer (transfer.go), its calls (call.go), its lanes (lanes.go) and
// the multipart upload (multipart.go).
package classic

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/driver"
)

// API is what the driver calls. *s3.Client implements it; a mock may.
type API interface {
	PutObject(ctx context.Context, in *s3.PutObjectInput, optFns ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	GetObject(ctx context.Context, in *s3.GetObjectInput, optFns ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	HeadObject(ctx context.Context, in *s3.HeadObjectInput, optFns ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	DeleteObject(ctx context.Context, in *s3.DeleteObjectInput, optFns ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
	CopyObject(ctx context.Context, in *s3.CopyObjectInput, optFns ...func(*s3.Options)) (*s3.CopyObjectOutput, error)
	CreateMultipartUpload(ctx context.Context, in *s3.CreateMultipartUploadInput, optFns ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error)
	UploadPart(ctx context.Context, in *s3.UploadPartInput, optFns ...func(*s3.Options)) (*s3.UploadPartOutput, error)
	UploadPartCopy(ctx context.Context, in *s3.UploadPartCopyInput, optFns ...func(*s3.Options)) (*s3.UploadPartCopyOutput, error)
	CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput, optFns ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error)
	AbortMultipartUpload(ctx context.Context, in *s3.AbortMultipartUploadInput, optFns ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error)
	ListParts(ctx context.Context, in *s3.ListPartsInput, optFns ...func(*s3.Options)) (*s3.ListPartsOutput, error)
	GetObjectTagging(ctx context.Context, in *s3.GetObjectTaggingInput, optFns ...func(*s3.Options)) (*s3.GetObjectTaggingOutput, error)
	PutObjectTagging(ctx context.Context, in *s3.PutObjectTaggingInput, optFns ...func(*s3.Options)) (*s3.PutObjectTaggingOutput, error)
}

var _ API = (*s3.Client)(nil)

// Config is what the driver may be given. The zero value is ready for use.
type Config struct {
	// Memory holds the parts of streams and of ordered writers, and lends the
	// slices of downloads. Default: a pool of its own with the default limit.
	Memory *bufpool.Pool
	// Concurrency is the number of parts of one transfer at once where the job
	// doesn't say, and the number of transfers worth running. Default 10, as
	// in s3transfer.
	Concurrency int
	// FS is the file layer. Default: the operating system's.
	FS body.FS
}

const defaultConcurrency = 10

// New returns the driver on api, which it neither owns nor closes.
func New(api API, c Config) driver.Driver {
	if c.Memory == nil {
		c.Memory = bufpool.New(0)
	}
	if c.Concurrency <= 0 {
		c.Concurrency = defaultConcurrency
	}
	if c.FS == nil {
		c.FS = body.OS{}
	}
	return &classic{api: api, c: c, uplink: newUplink()}
}

// classic is the driver; immutable but for what it learns of regions.
type classic struct {
	api     API
	c       Config
	uplink  *uplink
	regions regions
}

// Parallel is the configured concurrency.
func (d *classic) Parallel() int { return d.c.Concurrency }

// Close has nothing to release: the client is its owner's.
func (d *classic) Close(context.Context) error { return nil }

// Transfer carries one job. See driver.Driver.
func (d *classic) Transfer(ctx context.Context, job *driver.Job, ev driver.Events) (*driver.Outcome, error) {
	t := newTransfer(d, job, ev)
	var out *driver.Outcome
	var err error
	switch job.Kind {
	case driver.Upload:
		out, err = t.upload(ctx)
	case driver.Download:
		out, err = t.download(ctx)
	case driver.Copy:
		out, err = t.copy(ctx)
	case driver.Delete:
		out, err = t.delete(ctx)
	default:
		err = fmt.Errorf("kind of transfer %d is unknown", job.Kind)
	}
	if err != nil {
		return nil, err
	}
	out.Counters = t.counters()
	return out, nil
}
