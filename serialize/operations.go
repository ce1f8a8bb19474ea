package serialize

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul/internal/s3api"
)

// operation is what serializing and decoding need of one SDK call.
type operation struct {
	// prepare makes the call of a shallow copy of in.
	prepare func(in any) (*call, error)
	// dummy makes a call with the smallest valid input, for decoding.
	dummy func() *call
}

// call is one SDK call that waits for its options.
type call struct {
	bucket string
	// own says that the request's body is no part of the template: it is the
	// object's, or a place-holder that the engine replaces.
	own bool
	do  func(ctx context.Context, c *s3.Client, optFns []func(*s3.Options)) (any, error)
}

// operations has an entry for every operation of s3api.
var operations = map[s3api.Operation]operation{
	s3api.PutObject: entry((*s3.Client).PutObject, &s3.PutObjectInput{Bucket: b, Key: k}, func(in *s3.PutObjectInput) bool {
		in.Body, in.ContentLength, in.ChecksumAlgorithm = placeholder(), nil, ""
		return true
	}),
	s3api.UploadPart: entry((*s3.Client).UploadPart, &s3.UploadPartInput{Bucket: b, Key: k, UploadId: u, PartNumber: n}, func(in *s3.UploadPartInput) bool {
		in.Body, in.ContentLength, in.ChecksumAlgorithm = placeholder(), nil, ""
		return true
	}),
	s3api.CompleteMultipartUpload: entry((*s3.Client).CompleteMultipartUpload, &s3.CompleteMultipartUploadInput{Bucket: b, Key: k, UploadId: u}, func(in *s3.CompleteMultipartUploadInput) bool {
		if in.MultipartUpload != nil {
			return false
		}
		// Without a list the SDK would send no body and no Content-Type.
		in.MultipartUpload = &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: n, ETag: aws.String("etag")}}}
		return true
	}),
	s3api.GetObject:             entry((*s3.Client).GetObject, &s3.GetObjectInput{Bucket: b, Key: k}, nil),
	s3api.HeadObject:            entry((*s3.Client).HeadObject, &s3.HeadObjectInput{Bucket: b, Key: k}, nil),
	s3api.DeleteObject:          entry((*s3.Client).DeleteObject, &s3.DeleteObjectInput{Bucket: b, Key: k}, nil),
	s3api.CopyObject:            entry((*s3.Client).CopyObject, &s3.CopyObjectInput{Bucket: b, Key: k, CopySource: aws.String("b/k")}, nil),
	s3api.CreateMultipartUpload: entry((*s3.Client).CreateMultipartUpload, &s3.CreateMultipartUploadInput{Bucket: b, Key: k}, nil),
	s3api.UploadPartCopy:        entry((*s3.Client).UploadPartCopy, &s3.UploadPartCopyInput{Bucket: b, Key: k, CopySource: aws.String("b/k"), UploadId: u, PartNumber: n}, nil),
	s3api.AbortMultipartUpload:  entry((*s3.Client).AbortMultipartUpload, &s3.AbortMultipartUploadInput{Bucket: b, Key: k, UploadId: u}, nil),
	s3api.ListParts:             entry((*s3.Client).ListParts, &s3.ListPartsInput{Bucket: b, Key: k, UploadId: u}, nil),
	s3api.GetObjectTagging:      entry((*s3.Client).GetObjectTagging, &s3.GetObjectTaggingInput{Bucket: b, Key: k}, nil),
	s3api.PutObjectTagging:      entry((*s3.Client).PutObjectTagging, &s3.PutObjectTaggingInput{Bucket: b, Key: k, Tagging: &types.Tagging{TagSet: []types.Tag{}}}, nil),
}

// What the dummies have; nothing of it is ever sent.
var (
	b = aws.String("bucket")
	k = aws.String("key")
	u = aws.String("upload")
	n = aws.Int32(1)
)

// placeholder stands for the object's bytes where the SDK wants a body.
func placeholder() *strings.Reader { return strings.NewReader("-") }

// entry makes the table's entry of one method of the client. adapt, where there
// is one, changes the copy of the input and tells whether the body is the
// engine's.
func entry[I, O any](method func(*s3.Client, context.Context, *I, ...func(*s3.Options)) (*O, error), dummy *I, adapt func(*I) bool) operation {
	bind := func(in *I) *call {
		return &call{do: func(ctx context.Context, c *s3.Client, optFns []func(*s3.Options)) (any, error) {
			out, err := method(c, ctx, in, optFns...)
			if err != nil {
				return nil, err
			}
			return out, nil
		}}
	}
	return operation{
		dummy: func() *call { return bind(dummy) },
		prepare: func(in any) (*call, error) {
			given, ok := in.(*I)
			if !ok {
				return nil, fmt.Errorf("input is %T, want %T", in, given)
			}
			if given == nil {
				return nil, errors.New("input is nil")
			}
			shallow := *given
			own := adapt != nil && adapt(&shallow)
			c := bind(&shallow)
			c.own, c.bucket = own, bucketOf(&shallow)
			return c, nil
		},
	}
}

// bucketOf returns the Bucket that every input of these operations has.
func bucketOf(in any) string {
	bucket, _ := reflect.ValueOf(in).Elem().FieldByName("Bucket").Interface().(*string)
	return aws.ToString(bucket)
}
