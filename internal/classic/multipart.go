package classic

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
)

// multipart is an open multipart upload.
type multipart struct {
	t        *transfer
	id       string
	combiner *checksum.Combiner // of the object's CRC, nil if it has none

	mu    sync.Mutex
	parts []types.CompletedPart // by number; guarded by mu
	size  int64                 // of the parts together; guarded by mu
}

// inParts opens an upload, has it filled and completes it. After a failure
// nothing is left of it, unless the job wants the parts kept.
func (t *transfer) inParts(ctx context.Context, in *s3.CreateMultipartUploadInput, fill func(context.Context, *multipart) error) (*multipart, *s3.CompleteMultipartUploadOutput, error) {
	m, err := t.open(ctx, in)
	if err != nil {
		return nil, nil, err
	}
	if err = fill(ctx, m); err == nil {
		var out *s3.CompleteMultipartUploadOutput
		if out, err = m.complete(ctx); err == nil {
			return m, out, nil
		}
	}
	return nil, nil, m.fail(ctx, err)
}

// defaultAbort bounds the cleaning up where the job doesn't.
const defaultAbort = 5 * time.Second

func (t *transfer) abortLimit() time.Duration {
	if t.job.Limits.Abort > 0 {
		return t.job.Limits.Abort
	}
	return defaultAbort
}

// open sends the Create. When ctx ends in the meantime the answer is waited for
// a little longer: an upload whose id isn't known can't be aborted.
func (t *transfer) open(ctx context.Context, in *s3.CreateMultipartUploadInput) (*multipart, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	long, cancel := graceful(ctx, t.abortLimit())
	defer cancel()
	out, attempt, err := call(long, t, t.d.api.CreateMultipartUpload, in, nil)
	if err != nil {
		return nil, failure(0, attempt, err)
	}
	if aws.ToString(out.UploadId) == "" {
		return nil, failure(0, attempt, errors.New("the answer to CreateMultipartUpload has no UploadId"))
	}
	m := &multipart{t: t, id: *out.UploadId}
	if c := t.job.Checksum; t.job.Kind == driver.Upload && c.Algorithm.Combinable() && c.Type == s3api.ChecksumFullObject {
		m.combiner = checksum.NewCombiner(c.Algorithm, -1)
	}
	t.events.Open(m.id)
	return m, nil
}

// add notes a part that was uploaded.
func (m *multipart) add(number int, p types.CompletedPart, size int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.parts) < number {
		m.parts = append(m.parts, types.CompletedPart{})
	}
	m.parts[number-1] = p
	m.size += size
}

// fullSum is the CRC of the whole object in base64, "" if it isn't known.
func (m *multipart) fullSum() string {
	if m.combiner == nil {
		return ""
	}
	m.combiner.SetParts(len(m.parts))
	sum, ok := m.combiner.Sum()
	if !ok {
		return ""
	}
	return checksum.FormatCRC(m.t.job.Checksum.Algorithm, sum)
}

// complete makes the parts an object. All lanes have ended. The whole object's
// CRC and size go with it, so that S3 itself refuses anything else.
func (m *multipart) complete(ctx context.Context) (*s3.CompleteMultipartUploadOutput, error) {
	t := m.t
	in, err := input[s3.CompleteMultipartUploadInput](t, s3api.CompleteMultipartUpload)
	if err != nil {
		return nil, err
	}
	in.UploadId, in.MultipartUpload = &m.id, &types.CompletedMultipartUpload{Parts: m.parts}
	if full := m.fullSum(); full != "" {
		if a := t.job.Checksum.Algorithm; sumOf(in, a) == "" {
			setSum(in, a, full)
		}
		in.ChecksumType, in.MpuObjectSize = types.ChecksumTypeFullObject, &m.size
	}
	out, attempt, err := call(ctx, t, t.d.api.CompleteMultipartUpload, in, nil)
	if err != nil {
		if out, ok := m.ownComplete(ctx, err, attempt); ok {
			return out, nil
		}
		return nil, failure(0, attempt, err)
	}
	if aws.ToString(out.ETag) == "" { // an error, or nothing, that came with status 200
		return nil, failure(0, attempt, errors.New("the answer to CompleteMultipartUpload has no ETag"))
	}
	return out, nil
}

// checksum tells what the object's checksum is.
func (m *multipart) checksum(out *s3.CompleteMultipartUploadOutput) driver.Checksum {
	plan, full := m.t.job.Checksum, m.fullSum()
	if plan.Algorithm == checksum.None {
		return driver.Checksum{How: "no checksum was asked for"}
	}
	c := driver.Checksum{Algorithm: plan.Algorithm, Type: string(out.ChecksumType), Value: sumOf(out, plan.Algorithm)}
	if c.Type == "" {
		c.Type = plan.Type
	}
	switch {
	case c.Value == "":
		c.How = "the store returned no " + plan.Algorithm.String()
	case full != "":
		c.Validated, c.How = c.Value == full, "S3 compared it with the combined checksum of the parts"
	default:
		c.Validated, c.How = true, "S3 compared the checksum of each part with what it received"
	}
	return c
}

// fail cleans up after err and says what is left.
func (m *multipart) fail(ctx context.Context, err error) error {
	f := &driver.Failure{Err: err}
	var known *driver.Failure
	if errors.As(err, &known) {
		*f = *known
	}
	if m.t.job.LeaveParts {
		f.UploadID = m.id
		return f
	}
	if aerr := m.abort(ctx); aerr != nil {
		f.UploadID = m.id
		f.Err = errors.Join(f.Err, fmt.Errorf("abort upload %s: %w", m.id, aerr))
	}
	return f
}

const (
	abortsMax  = 6
	abortPause = 50 * time.Millisecond // doubled each time
)

// abort aborts the upload, again and again until S3 doesn't know it any more: a
// part that was under way may have been stored after the first abort.
func (m *multipart) abort(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.t.abortLimit())
	defer cancel()
	var err error
	for i := range abortsMax {
		if i > 0 {
			if serr := sleep(ctx, abortPause<<(i-1)); serr != nil {
				return errors.Join(err, serr)
			}
		}
		var gone bool
		if gone, err = m.abortOnce(ctx); gone {
			return nil
		}
	}
	return err
}

// abortOnce aborts and looks whether the upload is gone.
func (m *multipart) abortOnce(ctx context.Context) (gone bool, err error) {
	t := m.t
	in, err := input[s3.AbortMultipartUploadInput](t, s3api.AbortMultipartUpload)
	if err != nil {
		return false, err
	}
	in.UploadId = &m.id
	if _, _, err = call(ctx, t, t.d.api.AbortMultipartUpload, in, nil); err != nil {
		return isCode(err, "NoSuchUpload"), err
	}
	list, err := input[s3.ListPartsInput](t, s3api.ListParts)
	if err != nil {
		return true, nil // the face doesn't want to know
	}
	list.UploadId, list.PartNumberMarker = &m.id, nil
	_, _, err = call(ctx, t, t.d.api.ListParts, list, nil)
	switch {
	case err == nil:
		return false, errors.New("the upload still exists after it was aborted")
	case isCode(err, "NoSuchUpload"), ctx.Err() == nil:
		return true, nil // who may not list parts must believe the abort's answer
	}
	return false, err
}
