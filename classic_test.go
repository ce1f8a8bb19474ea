package haul_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul"
)

// mock is an S3API of a user's own; what it doesn't have panics.
type mock struct {
	haul.S3API
	optFns int
	head   *s3.HeadObjectInput
}

func (m *mock) DeleteObject(_ context.Context, in *s3.DeleteObjectInput, optFns ...func(*s3.Options)) (*s3.DeleteObjectOutput, error) {
	m.optFns = len(optFns)
	return &s3.DeleteObjectOutput{VersionId: in.Key}, nil
}

func (m *mock) HeadObject(_ context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	m.head = in
	return &s3.HeadObjectOutput{ContentLength: aws.Int64(7), ETag: aws.String(`"e"`), TagCount: aws.Int32(1), ContentType: aws.String("text/plain")}, nil
}

func (m *mock) GetObjectTagging(context.Context, *s3.GetObjectTaggingInput, ...func(*s3.Options)) (*s3.GetObjectTaggingOutput, error) {
	return &s3.GetObjectTaggingOutput{TagSet: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}, nil
}

func TestClassicServesAMockAndHandsOptionsOn(t *testing.T) {
	api := &mock{}
	none := func(*s3.Options) {}
	m, err := haul.NewClassic(api, func(o *haul.Options) { o.S3 = append(o.S3, none) })
	if err != nil {
		t.Fatal(err)
	}
	defer shutdown(t, m)
	in := &s3.DeleteObjectInput{Bucket: aws.String("b"), Key: aws.String("k")}
	r, err := haul.Wait(m.Delete(t.Context(), in, haul.WithS3Options(none)))
	if err != nil || r.VersionID != "k" {
		t.Fatalf("Delete: got %+v, %v, want version k", r, err)
	}
	if api.optFns < 2 {
		t.Errorf("options of the call: got %d, want the Manager's and the transfer's", api.optFns)
	}
}

func TestSourceClientIsAskedForHeadAndTags(t *testing.T) {
	d, api := &fakeDriver{}, &mock{}
	m := newManager(t, d)
	defer shutdown(t, m)
	in := copyInput()
	in.ExpectedBucketOwner, in.ExpectedSourceBucketOwner = aws.String("target's"), aws.String("source's")
	f, err := m.Copy(t.Context(), in, haul.WithSourceClient(api))
	head, err := job(t, d, f, err).SourceHead(t.Context())
	if err != nil || head.Size != 7 || head.ETag != `"e"` || head.ContentType != "text/plain" || len(head.Tags) != 1 || head.Tags[0].Value != "v" {
		t.Errorf("head: got %+v, %v, want what the client tells", head, err)
	}
	if aws.ToString(api.head.Bucket) != "other" || aws.ToString(api.head.Key) != "source" || aws.ToString(api.head.ExpectedBucketOwner) != "source's" {
		t.Errorf("HeadObject: got %+v, want the source and its owner", api.head)
	}
}
