package classic

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithy "github.com/aws/smithy-go"

	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
)

// When the answer to a Put or a Complete is lost, the SDK sends it again, and a
// condition that it carries may now fail because of its own success. Whether
// that is so is seen by the object's size and checksum.

// isCode reports whether err is S3's with that error code.
func isCode(err error, code string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == code
}

// preconditionFailed reports whether err is a 412.
func preconditionFailed(err error) bool {
	var status interface{ HTTPStatusCode() int }
	return isCode(err, "PreconditionFailed") || errors.As(err, &status) && status.HTTPStatusCode() == 412
}

// confirm asks for the object's head and returns it if it has that size and
// checksum.
func (t *transfer) confirm(ctx context.Context, size int64, sum string) (*s3.HeadObjectOutput, bool) {
	in, err := input[s3.HeadObjectInput](t, s3api.HeadObject)
	if err != nil || sum == "" {
		return nil, false
	}
	in.ChecksumMode = types.ChecksumModeEnabled
	out, _, err := call(ctx, t, t.d.api.HeadObject, in, nil)
	if err != nil || aws.ToInt64(out.ContentLength) != size || sumOf(out, t.job.Checksum.Algorithm) != sum {
		return nil, false
	}
	return out, true
}

// ownPut finds out whether a Put that failed at a later attempt had succeeded
// at an earlier one.
func (t *transfer) ownPut(ctx context.Context, err error, attempt int, b *outBody) (*driver.Outcome, bool) {
	if attempt < 2 || !preconditionFailed(err) || t.job.Checksum.Algorithm == checksum.None {
		return nil, false
	}
	hash, err := b.sum()
	if err != nil {
		return nil, false
	}
	head, ok := t.confirm(ctx, b.size, hash.Base64())
	if !ok {
		return nil, false
	}
	if _, err = b.succeed(); err != nil {
		return nil, false
	}
	out := &s3.PutObjectOutput{ETag: head.ETag, VersionId: head.VersionId, ChecksumType: head.ChecksumType}
	setSum(out, t.job.Checksum.Algorithm, hash.Base64())
	sum, _ := t.uploaded(out, hash.Base64())
	return &driver.Outcome{
		ETag: aws.ToString(out.ETag), VersionID: aws.ToString(out.VersionId), Size: b.size, Parts: 1,
		ContentType: aws.ToString(head.ContentType), Metadata: head.Metadata, Checksum: sum, Output: output(out),
	}, true
}

// ownComplete is the same for a Complete.
func (m *multipart) ownComplete(ctx context.Context, err error, attempt int) (*s3.CompleteMultipartUploadOutput, bool) {
	if attempt < 2 || !preconditionFailed(err) && !isCode(err, "NoSuchUpload") {
		return nil, false
	}
	full := m.fullSum()
	head, ok := m.t.confirm(ctx, m.size, full)
	if !ok {
		return nil, false
	}
	out := &s3.CompleteMultipartUploadOutput{
		Bucket: &m.t.job.Bucket, Key: &m.t.job.Key, ETag: head.ETag, VersionId: head.VersionId, ChecksumType: head.ChecksumType,
	}
	setSum(out, m.t.job.Checksum.Algorithm, full)
	return out, true
}
