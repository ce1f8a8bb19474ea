package classic_test

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/internal/classic"
	"github.com/haul-s3/haul/internal/s3api"
)

// hooked is an API with a hook around every call. What before returns is the
// call's error, and nothing is sent; what after returns is its error although
// the call took effect. Both may be nil.
type hooked struct {
	api           classic.API
	before, after func(ctx context.Context, op s3api.Operation) error
}

func through[I, O any](ctx context.Context, h hooked, op s3api.Operation, method func(context.Context, *I, ...func(*s3.Options)) (*O, error), in *I, optFns []func(*s3.Options)) (*O, error) {
	if h.before != nil {
		if err := h.before(ctx, op); err != nil {
			return nil, err
		}
	}
	out, err := method(ctx, in, optFns...)
	if h.after != nil && err == nil {
		if err := h.after(ctx, op); err != nil {
			return nil, err
		}
	}
	return out, err
}

func (h hooked) PutObject(ctx context.Context, in *s3.PutObjectInput, o ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	return through(ctx, h, s3api.PutObject, h.api.PutObject, in, o)
}

func (h hooked) GetObject(ctx context.Context, in *s3.GetObjectInput, o ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	return through(ctx, h, s3api.GetObject, h.api.GetObject, in, o)
}

func (h hooked) HeadObject(ctx context.Context, in *s3.HeadObjectInput, o ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	return through(ctx, h, s3api.HeadObject, h.api.HeadObject, in, o)
}

func (h hooked) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput, o ...func(*s3.Options)) (*s3.DeleteObjectOutput, error) {
	return through(ctx, h, s3api.DeleteObject, h.api.DeleteObject, in, o)
}

func (h hooked) CopyObject(ctx context.Context, in *s3.CopyObjectInput, o ...func(*s3.Options)) (*s3.CopyObjectOutput, error) {
	return through(ctx, h, s3api.CopyObject, h.api.CopyObject, in, o)
}

func (h hooked) CreateMultipartUpload(ctx context.Context, in *s3.CreateMultipartUploadInput, o ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error) {
	return through(ctx, h, s3api.CreateMultipartUpload, h.api.CreateMultipartUpload, in, o)
}

func (h hooked) UploadPart(ctx context.Context, in *s3.UploadPartInput, o ...func(*s3.Options)) (*s3.UploadPartOutput, error) {
	return through(ctx, h, s3api.UploadPart, h.api.UploadPart, in, o)
}

func (h hooked) UploadPartCopy(ctx context.Context, in *s3.UploadPartCopyInput, o ...func(*s3.Options)) (*s3.UploadPartCopyOutput, error) {
	return through(ctx, h, s3api.UploadPartCopy, h.api.UploadPartCopy, in, o)
}

func (h hooked) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput, o ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error) {
	return through(ctx, h, s3api.CompleteMultipartUpload, h.api.CompleteMultipartUpload, in, o)
}

func (h hooked) AbortMultipartUpload(ctx context.Context, in *s3.AbortMultipartUploadInput, o ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error) {
	return through(ctx, h, s3api.AbortMultipartUpload, h.api.AbortMultipartUpload, in, o)
}

func (h hooked) ListParts(ctx context.Context, in *s3.ListPartsInput, o ...func(*s3.Options)) (*s3.ListPartsOutput, error) {
	return through(ctx, h, s3api.ListParts, h.api.ListParts, in, o)
}

func (h hooked) GetObjectTagging(ctx context.Context, in *s3.GetObjectTaggingInput, o ...func(*s3.Options)) (*s3.GetObjectTaggingOutput, error) {
	return through(ctx, h, s3api.GetObjectTagging, h.api.GetObjectTagging, in, o)
}

func (h hooked) PutObjectTagging(ctx context.Context, in *s3.PutObjectTaggingInput, o ...func(*s3.Options)) (*s3.PutObjectTaggingOutput, error) {
	return through(ctx, h, s3api.PutObjectTagging, h.api.PutObjectTagging, in, o)
}
