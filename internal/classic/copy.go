package classic

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/plan"
	"github.com/haul-s3/haul/internal/s3api"
)

// A copy is one CopyObject, or an upload whose parts S3 copies by itself:
//
//	copy -> head -> copyWhole | inParts (copyPart) -> putTags

// copy carries a copy.
func (t *transfer) copy(ctx context.Context) (*driver.Outcome, error) {
	if size := t.job.Size; size >= 0 && size < t.threshold {
		t.events.Found(size, t.job.ETag)
		return t.copyWhole(ctx, size)
	}
	head, err := t.head(ctx)
	if err != nil {
		return nil, err
	}
	t.events.Found(head.Size, head.ETag)
	if head.Size < t.threshold {
		return t.copyWhole(ctx, head.Size)
	}
	return t.copyInParts(ctx, head)
}

// head asks the source for its head.
func (t *transfer) head(ctx context.Context) (*driver.ObjectHead, error) {
	if t.job.SourceHead != nil {
		t.requests.Add(1)
		head, err := t.job.SourceHead(ctx)
		return head, ended(ctx, err)
	}
	in, err := input[s3.HeadObjectInput](t, s3api.HeadObject)
	if err != nil {
		return nil, err
	}
	out, attempt, err := call(ctx, t, t.d.api.HeadObject, in, nil)
	if err != nil {
		return nil, failure(0, attempt, err)
	}
	head := &driver.ObjectHead{
		Size: aws.ToInt64(out.ContentLength), ETag: aws.ToString(out.ETag),
		CacheControl: aws.ToString(out.CacheControl), ContentDisposition: aws.ToString(out.ContentDisposition),
		ContentEncoding: aws.ToString(out.ContentEncoding), ContentLanguage: aws.ToString(out.ContentLanguage),
		ContentType: aws.ToString(out.ContentType), Expires: aws.ToString(out.ExpiresString),
		WebsiteRedirect: aws.ToString(out.WebsiteRedirectLocation), Metadata: out.Metadata,
		VersionID: aws.ToString(out.VersionId), TagCount: int(aws.ToInt32(out.TagCount)),
	}
	if t.job.ETag != "" && head.ETag != "" && t.job.ETag != head.ETag {
		return nil, t.modified(t.job.ETag, nil)
	}
	return head, nil
}

// copyWhole copies in one request.
func (t *transfer) copyWhole(ctx context.Context, size int64) (*driver.Outcome, error) {
	in, err := input[s3.CopyObjectInput](t, s3api.CopyObject)
	if err != nil {
		return nil, err
	}
	out, attempt, err := call(ctx, t, t.d.api.CopyObject, in, nil)
	if err != nil {
		return nil, failure(0, attempt, err)
	}
	result := out.CopyObjectResult
	if result == nil || aws.ToString(result.ETag) == "" { // an error, or nothing, that came with status 200
		return nil, failure(0, attempt, errors.New("the answer to CopyObject has no ETag"))
	}
	t.progress(size)
	return &driver.Outcome{
		ETag: aws.ToString(result.ETag), VersionID: aws.ToString(out.VersionId), Size: size, LastModified: aws.ToTime(result.LastModified),
		Parts: 1, Checksum: copied(result, string(result.ChecksumType)), Output: output(out),
	}, nil
}

// copied tells the checksum of a copy, of which S3 moved the bytes.
func copied(v any, kind string) driver.Checksum {
	a, value := anySum(v)
	return driver.Checksum{Algorithm: a, Type: kind, Value: value, How: "the store copied by itself"}
}

// copyInParts copies by Create, UploadPartCopy and Complete.
func (t *transfer) copyInParts(ctx context.Context, head *driver.ObjectHead) (*driver.Outcome, error) {
	partSize, err := plan.PartSize(head.Size, t.partSize)
	if err != nil {
		return nil, err
	}
	if t.job.CopyTags && t.job.SourceHead == nil && head.TagCount > 0 {
		if err := t.getTags(ctx, head); err != nil {
			return nil, err
		}
	}
	in, err := t.copyCreate(head)
	if err != nil {
		return nil, err
	}
	cut := plan.Uniform{Size: head.Size, PartSize: partSize}
	m, out, err := t.inParts(ctx, in, func(ctx context.Context, m *multipart) error {
		return parallel(ctx, min(t.lanes, cut.Count()), counted(cut.Count()), func(ctx context.Context, i int) error {
			return m.copyPart(ctx, i+1, cut.At(i), head.ETag)
		})
	})
	if err != nil {
		return nil, err
	}
	if t.job.CopyTags && in.Tagging == nil { // those that were too long for a header
		if err := t.putTags(ctx, head.Tags, out.VersionId); err != nil {
			return nil, err
		}
	}
	return &driver.Outcome{
		ETag: aws.ToString(out.ETag), VersionID: aws.ToString(out.VersionId), Size: head.Size, Parts: len(m.parts),
		ContentType: aws.ToString(in.ContentType), Metadata: in.Metadata,
		Checksum: copied(out, string(out.ChecksumType)), Output: output(out),
	}, nil
}

// copyCreate forms the Create of a copy.
func (t *transfer) copyCreate(head *driver.ObjectHead) (*s3.CreateMultipartUploadInput, error) {
	if t.job.CopyCreate == nil {
		return input[s3.CreateMultipartUploadInput](t, s3api.CreateMultipartUpload)
	}
	given, ok := t.job.CopyCreate(head).(*s3.CreateMultipartUploadInput)
	if !ok || given == nil {
		return nil, fmt.Errorf("no input for %s", s3api.CreateMultipartUpload)
	}
	in := *given
	return &in, nil
}

// copyPart has S3 copy one part.
func (m *multipart) copyPart(ctx context.Context, number int, r plan.Range, etag string) error {
	t := m.t
	in, err := input[s3.UploadPartCopyInput](t, s3api.UploadPartCopy)
	if err != nil {
		return err
	}
	in.UploadId, in.PartNumber, in.CopySourceRange = &m.id, aws.Int32(int32(number)), aws.String(r.Header())
	if strong(etag) {
		in.CopySourceIfMatch = &etag
	}
	out, attempt, err := call(ctx, t, t.d.api.UploadPartCopy, in, nil)
	if err != nil {
		if preconditionFailed(err) {
			err = t.modified(etag, err)
		}
		return failure(number, attempt, err)
	}
	done := types.CompletedPart{PartNumber: in.PartNumber}
	if result := out.CopyPartResult; result != nil {
		done.ETag = result.ETag
		a := t.job.Checksum.Algorithm
		setSum(&done, a, sumOf(result, a))
	}
	m.add(number, done, r.Length)
	t.progress(r.Length)
	return nil
}

// getTags asks for the tags of the source.
func (t *transfer) getTags(ctx context.Context, head *driver.ObjectHead) error {
	in, err := input[s3.GetObjectTaggingInput](t, s3api.GetObjectTagging)
	if err != nil {
		return err
	}
	if head.VersionID != "" && in.VersionId == nil {
		in.VersionId = &head.VersionID
	}
	out, attempt, err := call(ctx, t, t.d.api.GetObjectTagging, in, nil)
	if err != nil {
		return failure(0, attempt, err)
	}
	for _, tag := range out.TagSet {
		head.Tags = append(head.Tags, s3api.Tag{Key: aws.ToString(tag.Key), Value: aws.ToString(tag.Value)})
	}
	return nil
}

// putTags puts tags on the copy, if there are any.
func (t *transfer) putTags(ctx context.Context, tags []s3api.Tag, version *string) error {
	if len(tags) == 0 {
		return nil
	}
	in, err := input[s3.PutObjectTaggingInput](t, s3api.PutObjectTagging)
	if err != nil {
		return err
	}
	set := make([]types.Tag, len(tags))
	for i := range tags {
		set[i] = types.Tag{Key: &tags[i].Key, Value: &tags[i].Value}
	}
	in.Tagging, in.VersionId = &types.Tagging{TagSet: set}, version
	if _, attempt, err := call(ctx, t, t.d.api.PutObjectTagging, in, nil); err != nil {
		return failure(0, attempt, fmt.Errorf("the object is copied, its tags are not: %w", err))
	}
	return nil
}
