package haul

import (
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
)

// The requests of a Copy; the table is in route.go.

// copyCalls are the inputs of a Copy's requests. HeadObject and
// GetObjectTagging go to the source, the others to the target.
// CreateMultipartUpload is formed by copyCreate, when the head is known.
type copyCalls struct {
	in     *s3.CopyObjectInput
	meta   *Meta
	source copySource
	sum    driver.ChecksumPlan
}

// Input forms one of them.
func (c *copyCalls) Input(op s3api.Operation) any {
	in := c.in
	to := common{&c.meta.bucket, &c.meta.key, in.ExpectedBucketOwner, in.RequestPayer,
		in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5}
	switch op {
	case s3api.HeadObject:
		return sourceHeadInput(in, c.source)
	case s3api.GetObjectTagging:
		return sourceTagging(in, c.source)
	case s3api.CopyObject:
		whole := *in
		whole.Bucket, whole.Key = to.bucket, to.key
		return &whole
	case s3api.UploadPartCopy:
		return &s3.UploadPartCopyInput{
			Bucket: to.bucket, Key: to.key, PartNumber: &placePart, UploadId: aws.String(placeUploadID),
			CopySource: in.CopySource, CopySourceRange: &placeRange,
			CopySourceIfMatch: in.CopySourceIfMatch, CopySourceIfModifiedSince: in.CopySourceIfModifiedSince,
			CopySourceIfNoneMatch: in.CopySourceIfNoneMatch, CopySourceIfUnmodifiedSince: in.CopySourceIfUnmodifiedSince,
			CopySourceSSECustomerAlgorithm: in.CopySourceSSECustomerAlgorithm,
			CopySourceSSECustomerKey:       in.CopySourceSSECustomerKey, CopySourceSSECustomerKeyMD5: in.CopySourceSSECustomerKeyMD5,
			ExpectedBucketOwner: to.owner, ExpectedSourceBucketOwner: in.ExpectedSourceBucketOwner, RequestPayer: to.payer,
			SSECustomerAlgorithm: to.ssecAlgorithm, SSECustomerKey: to.ssecKey, SSECustomerKeyMD5: to.ssecKeyMD5,
		}
	case s3api.CompleteMultipartUpload:
		complete := to.complete()
		complete.IfMatch, complete.IfNoneMatch = in.IfMatch, in.IfNoneMatch
		complete.ChecksumType = types.ChecksumType(c.sum.Type)
		return complete
	case s3api.AbortMultipartUpload:
		return to.abort()
	case s3api.ListParts:
		return to.listParts()
	case s3api.PutObjectTagging:
		return &s3.PutObjectTaggingInput{
			Bucket: to.bucket, Key: to.key, ExpectedBucketOwner: to.owner, RequestPayer: to.payer,
			Tagging: &types.Tagging{TagSet: []types.Tag{}}, // the driver fills it in
		}
	}
	return nil
}

func sourceHeadInput(in *s3.CopyObjectInput, source copySource) *s3.HeadObjectInput {
	return &s3.HeadObjectInput{
		Bucket: &source.bucket, Key: &source.key, VersionId: orNil(source.versionID),
		IfMatch: in.CopySourceIfMatch, IfModifiedSince: in.CopySourceIfModifiedSince,
		IfNoneMatch: in.CopySourceIfNoneMatch, IfUnmodifiedSince: in.CopySourceIfUnmodifiedSince,
		SSECustomerAlgorithm: in.CopySourceSSECustomerAlgorithm,
		SSECustomerKey:       in.CopySourceSSECustomerKey, SSECustomerKeyMD5: in.CopySourceSSECustomerKeyMD5,
		ExpectedBucketOwner: in.ExpectedSourceBucketOwner, RequestPayer: in.RequestPayer,
	}
}

func sourceTagging(in *s3.CopyObjectInput, source copySource) *s3.GetObjectTaggingInput {
	return &s3.GetObjectTaggingInput{
		Bucket: &source.bucket, Key: &source.key, VersionId: orNil(source.versionID),
		ExpectedBucketOwner: in.ExpectedSourceBucketOwner, RequestPayer: in.RequestPayer,
	}
}

// keepsTags says that a copy has the tags of its source.
func keepsTags(in *s3.CopyObjectInput) bool {
	return in.TaggingDirective != types.TaggingDirectiveReplace
}

// maxTaggingHeader is the most that x-amz-tagging may carry, in bytes: S3's
// limit on the user-defined headers of a request, which the AWS CLI also uses.
// Longer ones go with PutObjectTagging after Complete.
const maxTaggingHeader = 2048

// copyCreate is the CreateMultipartUpload of a Copy in parts. CopyObject keeps
// metadata and tags of the source unless the directives say REPLACE; this does
// the same, with what head tells. Its Tagging stays nil where there are tags to
// keep that are too long for a header.
func copyCreate(in *s3.CopyObjectInput, meta *Meta, head *driver.ObjectHead, sum driver.ChecksumPlan) *s3.CreateMultipartUploadInput {
	create := &s3.CreateMultipartUploadInput{
		Bucket: &meta.bucket, Key: &meta.key, ACL: in.ACL, BucketKeyEnabled: in.BucketKeyEnabled,
		ChecksumAlgorithm: in.ChecksumAlgorithm, ChecksumType: types.ChecksumType(sum.Type),
		ExpectedBucketOwner: in.ExpectedBucketOwner,
		GrantFullControl:    in.GrantFullControl, GrantRead: in.GrantRead,
		GrantReadACP: in.GrantReadACP, GrantWriteACP: in.GrantWriteACP, ObjectLockEventHold: in.ObjectLockEventHold,
		ObjectLockEventHoldDurationDays: in.ObjectLockEventHoldDurationDays, ObjectLockEventHoldDurationYears: in.ObjectLockEventHoldDurationYears,
		ObjectLockLegalHoldStatus: in.ObjectLockLegalHoldStatus, ObjectLockMode: in.ObjectLockMode,
		ObjectLockRetainUntilDate: in.ObjectLockRetainUntilDate, RequestPayer: in.RequestPayer,
		SSECustomerAlgorithm: in.SSECustomerAlgorithm, SSECustomerKey: in.SSECustomerKey, SSECustomerKeyMD5: in.SSECustomerKeyMD5,
		SSEKMSEncryptionContext: in.SSEKMSEncryptionContext, SSEKMSKeyId: in.SSEKMSKeyId,
		ServerSideEncryption: in.ServerSideEncryption, StorageClass: in.StorageClass,
		WebsiteRedirectLocation: in.WebsiteRedirectLocation, // never copied by CopyObject either
	}
	if in.MetadataDirective == types.MetadataDirectiveReplace {
		create.CacheControl, create.ContentDisposition, create.ContentEncoding = in.CacheControl, in.ContentDisposition, in.ContentEncoding
		create.ContentLanguage, create.ContentType, create.Expires = in.ContentLanguage, in.ContentType, in.Expires
		create.Metadata = maps.Clone(in.Metadata)
	} else {
		keepMetadata(create, head)
	}
	if !keepsTags(in) {
		create.Tagging = in.Tagging
	} else if tags := encodeTags(head.Tags); len(tags) <= maxTaggingHeader {
		create.Tagging = orNil(tags)
	}
	return create
}

func keepMetadata(create *s3.CreateMultipartUploadInput, head *driver.ObjectHead) {
	create.CacheControl, create.ContentDisposition = orNil(head.CacheControl), orNil(head.ContentDisposition)
	create.ContentEncoding, create.ContentLanguage = orNil(head.ContentEncoding), orNil(head.ContentLanguage)
	create.ContentType, create.Metadata = orNil(head.ContentType), maps.Clone(head.Metadata)
	if t, err := http.ParseTime(head.Expires); err == nil { // the SDK can't send any other
		create.Expires = &t
	}
}

// copyTagging sets the tags that copyCreate had to leave out; nil if it had not.
func copyTagging(in *s3.CopyObjectInput, meta *Meta, head *driver.ObjectHead, versionID string) any {
	if !keepsTags(in) || len(encodeTags(head.Tags)) <= maxTaggingHeader {
		return nil
	}
	out := &s3.PutObjectTaggingInput{
		Bucket: &meta.bucket, Key: &meta.key, VersionId: orNil(versionID),
		ExpectedBucketOwner: in.ExpectedBucketOwner, RequestPayer: in.RequestPayer, Tagging: &types.Tagging{},
	}
	for _, t := range head.Tags {
		out.Tagging.TagSet = append(out.Tagging.TagSet, types.Tag{Key: aws.String(t.Key), Value: aws.String(t.Value)})
	}
	return out
}

// encodeTags is the form of the x-amz-tagging header.
func encodeTags(tags []s3api.Tag) string {
	pairs := make([]string, 0, len(tags))
	for _, t := range tags {
		pairs = append(pairs, url.QueryEscape(t.Key)+"="+url.QueryEscape(t.Value))
	}
	return strings.Join(pairs, "&")
}
