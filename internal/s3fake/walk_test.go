package s3fake_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/haul-s3/haul/internal/s3fake"
)

// code is S3's code of an error that the SDK returned.
func code(err error) string {
	if e := smithy.APIError(nil); errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

func TestSDKCopy(t *testing.T) {
	ctx := context.Background()
	f := start(t, s3fake.Options{MinPartSize: 1})
	c := client(f)
	etag := f.Put("b", "src k?", []byte("hello"), http.Header{"Content-Type": {"text/x"}, "x-amz-meta-who": {"me"}, "x-amz-tagging": {"a=1"}})
	f.PutParts("b", "parts", [][]byte{[]byte("aa"), []byte("b")}, http.Header{"x-amz-checksum-algorithm": {"CRC32"}})
	in := func() *s3.CopyObjectInput {
		return &s3.CopyObjectInput{Bucket: aws.String("b"), Key: aws.String("dst"), CopySource: aws.String("b/src%20k%3F")}
	}
	out, err := c.CopyObject(ctx, in())
	if err != nil {
		t.Fatal(err)
	}
	o, _ := f.Object("b", "dst")
	if string(o.Data) != "hello" || *out.CopyObjectResult.ETag != etag || o.Header.Get("Content-Type") != "text/x" || o.Header.Get("x-amz-meta-who") != "me" || len(o.Tags) != 1 {
		t.Errorf("copy: got %+v, want all of the source", o)
	}
	x := in()
	x.MetadataDirective, x.ContentType = types.MetadataDirectiveReplace, aws.String("text/y")
	x.TaggingDirective, x.Tagging = types.TaggingDirectiveReplace, aws.String("b=2&c=3")
	x.ChecksumAlgorithm, x.StorageClass = types.ChecksumAlgorithmSha256, types.StorageClassStandardIa
	if _, err := c.CopyObject(ctx, x); err != nil {
		t.Fatal(err)
	}
	o, _ = f.Object("b", "dst")
	if o.Header.Get("Content-Type") != "text/y" || o.Header.Get("x-amz-meta-who") != "" || len(o.Tags) != 2 ||
		o.Checksum.Algorithm != s3fake.SHA256 || o.Header.Get("x-amz-storage-class") != "STANDARD_IA" {
		t.Errorf("replace: got %+v, want what the request says", o)
	}
	x = in()
	x.CopySource = aws.String("b/parts")
	if _, err := c.CopyObject(ctx, x); err != nil {
		t.Fatal(err)
	}
	if o, _ := f.Object("b", "dst"); o.Checksum != (s3fake.Checksum{Algorithm: s3fake.CRC32, Type: s3fake.FullObject, Value: crcOf("aab")}) || len(o.Parts) != 0 {
		t.Errorf("copy of a multipart object: got %+v, want one part and a checksum of all", o)
	}
	for name, change := range map[string]func(*s3.CopyObjectInput){
		"PreconditionFailed": func(x *s3.CopyObjectInput) { x.CopySourceIfMatch = aws.String("x") },
		"NoSuchKey":          func(x *s3.CopyObjectInput) { x.CopySource = aws.String("b/none") },
		"NoSuchBucket":       func(x *s3.CopyObjectInput) { x.CopySource = aws.String("none/k") },
		"InvalidArgument":    func(x *s3.CopyObjectInput) { x.CopySource = aws.String("b") },
		"InvalidRequest":     func(x *s3.CopyObjectInput) { x.Key = aws.String("src k?") },
	} {
		x := in()
		change(x)
		if _, err := c.CopyObject(ctx, x); code(err) != name {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}

func TestSDKUploadPartCopy(t *testing.T) {
	ctx := context.Background()
	f := start(t, s3fake.Options{MinPartSize: 1})
	c := client(f)
	etag := f.Put("b", "src", []byte("0123456789"), nil)
	id := f.createUpload()
	in := func(r string) *s3.UploadPartCopyInput {
		return &s3.UploadPartCopyInput{Bucket: aws.String("b"), Key: aws.String("m"), UploadId: &id, PartNumber: aws.Int32(1), CopySource: aws.String("b/src"),
			CopySourceRange: &r, CopySourceIfMatch: &etag}
	}
	for _, bad := range []string{"bytes=0-10", "bytes=5-", "bytes=-5", "0-1"} {
		if _, err := c.UploadPartCopy(ctx, in(bad)); code(err) != "InvalidArgument" {
			t.Errorf("range %s: got %v, want InvalidArgument", bad, err)
		}
	}
	stale := in("bytes=0-1")
	stale.CopySourceIfMatch = aws.String(`"x"`)
	if _, err := c.UploadPartCopy(ctx, stale); code(err) != "PreconditionFailed" {
		t.Errorf("other ETag: got %v, want PreconditionFailed", err)
	}
	out, err := c.UploadPartCopy(ctx, in("bytes=2-5"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := aws.ToString(out.CopyPartResult.ChecksumCRC64NVME), b64(s3fake.CRC64NVME.Sum([]byte("2345"))); got != want {
		t.Errorf("checksum: got %s, want %s", got, want)
	}
	f.complete(id, "<Part><PartNumber>1</PartNumber><ETag>"+*out.CopyPartResult.ETag+"</ETag></Part>").want(t, "complete", 200, "")
	if o, _ := f.Object("b", "m"); string(o.Data) != "2345" {
		t.Errorf("object: got %q, want 2345", o.Data)
	}
}

func TestSDKVersions(t *testing.T) {
	ctx := context.Background()
	f := start(t, s3fake.Options{})
	c := client(f)
	f.EnableVersioning("b")
	put := func(body string) *string {
		out, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("k"), Body: strings.NewReader(body)})
		if err != nil {
			t.Fatal(err)
		}
		return out.VersionId
	}
	first, second := put("one"), put("two")
	f.do("GET", "/b/k?versionId="+*first, nil).wantHeader(t, "old version", "x-amz-version-id", *first, "Content-Length", "3")
	del, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
	if err != nil || !aws.ToBool(del.DeleteMarker) {
		t.Fatalf("delete: got %+v, %v, want a delete marker", del, err)
	}
	f.do("GET", "/b/k", nil).want(t, "deleted", 404, "NoSuchKey").wantHeader(t, "deleted", "x-amz-delete-marker", "true")
	f.do("GET", "/b/k?versionId="+*del.VersionId, nil).want(t, "marker", 405, "MethodNotAllowed")
	if _, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String("b"), Key: aws.String("k"), VersionId: del.VersionId}); err != nil {
		t.Fatal(err)
	}
	if got := string(f.do("GET", "/b/k", nil).body); got != "two" {
		t.Errorf("marker removed: got %q, want two", got)
	}
	out, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: aws.String("b"), Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: aws.String("k"), VersionId: first}, {Key: aws.String("k"), VersionId: second}, {Key: aws.String("k"), ETag: aws.String("x")}}}})
	if err != nil || len(out.Deleted) != 2 || len(out.Errors) != 1 {
		t.Errorf("delete objects: got %+v, %v, want two deleted and one error", out, err)
	}
	if got := f.Keys("b"); len(got) != 0 {
		t.Errorf("keys: got %q, want none", got)
	}
}

func TestSDKList(t *testing.T) {
	ctx := context.Background()
	f := start(t, s3fake.Options{})
	c := client(f)
	for _, key := range []string{"a/1", "a/2", "b", "b&b", "c/x/1", "c/y", "d e"} {
		f.Put("b", key, nil, nil)
	}
	for _, x := range []struct{ name, prefix, delimiter, after, want string }{
		{"all", "", "", "", "a/1 a/2 b b&b c/x/1 c/y d+e"},
		{"prefix", "a/", "", "", "a/1 a/2"},
		{"delimiter", "", "/", "", "a/* b b&b c/* d+e"},
		{"both", "c/", "/", "", "c/x/* c/y"},
		{"after", "", "", "b", "b&b c/x/1 c/y d+e"},
		{"after-inside-a-common-prefix", "", "/", "a/1", "a/* b b&b c/* d+e"},
		{"nothing", "z", "", "", ""},
	} {
		for _, size := range []int32{1, 2, 3, 1000} {
			pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String("b"), Prefix: &x.prefix, Delimiter: &x.delimiter,
				StartAfter: &x.after, MaxKeys: &size, EncodingType: types.EncodingTypeUrl})
			var got []string
			for pages.HasMorePages() {
				p, err := pages.NextPage(ctx)
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range p.Contents {
					got = append(got, strings.ReplaceAll(*o.Key, "%26", "&"))
				}
				for _, o := range p.CommonPrefixes {
					got = append(got, *o.Prefix+"*")
				}
			}
			slices.Sort(got) // a page has its keys first, then its prefixes
			if strings.Join(got, " ") != x.want {
				t.Errorf("%s by %d: got %q, want %q", x.name, size, strings.Join(got, " "), x.want)
			}
		}
	}
}

func TestSDKPartsAndAttributes(t *testing.T) {
	ctx := context.Background()
	f := start(t, s3fake.Options{MinPartSize: 1})
	c := client(f)
	id := f.createUpload("x-amz-checksum-algorithm", "CRC32C", "x-amz-checksum-type", "FULL_OBJECT")
	list := ""
	for i := range 5 {
		list += f.putPart(id, i+1, strings.Repeat("x", i+1))
	}
	pages := s3.NewListPartsPaginator(c, &s3.ListPartsInput{Bucket: aws.String("b"), Key: aws.String("m"), UploadId: &id, MaxParts: aws.Int32(2)})
	var sizes []int64
	for pages.HasMorePages() {
		p, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range p.Parts {
			sizes = append(sizes, *part.Size)
			if part.ChecksumCRC32C == nil {
				t.Errorf("part %d: got no checksum", *part.PartNumber)
			}
		}
	}
	if want := []int64{1, 2, 3, 4, 5}; !slices.Equal(sizes, want) {
		t.Errorf("list parts: got the sizes %d, want %d", sizes, want)
	}
	ups, err := c.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: aws.String("b"), Prefix: aws.String("m")})
	if err != nil || len(ups.Uploads) != 1 || *ups.Uploads[0].UploadId != id {
		t.Errorf("list uploads: got %+v, %v, want %s", ups, err, id)
	}
	f.complete(id, list).want(t, "complete", 200, "")
	a, err := c.GetObjectAttributes(ctx, &s3.GetObjectAttributesInput{Bucket: aws.String("b"), Key: aws.String("m"), ObjectAttributes: types.ObjectAttributes("").Values()})
	if err != nil {
		t.Fatal(err)
	}
	if *a.ObjectSize != 15 || a.Checksum.ChecksumCRC32C == nil || *a.ObjectParts.TotalPartsCount != 5 || len(a.ObjectParts.Parts) != 5 || *a.ObjectParts.Parts[4].Size != 5 {
		t.Errorf("attributes: got %+v, want 5 parts of 15 bytes", a)
	}
}

func TestSDKTaggingAndBuckets(t *testing.T) {
	ctx := context.Background()
	f := start(t, s3fake.Options{Region: "us-east-1"})
	c := client(f)
	b, k := aws.String("b"), aws.String("k")
	f.Put("b", "k", nil, nil)
	if _, err := c.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: b, Key: k, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("a"), Value: aws.String("ä b")}}}}); err != nil {
		t.Fatal(err)
	}
	tags, err := c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: b, Key: k})
	if err != nil || len(tags.TagSet) != 1 || *tags.TagSet[0].Value != "ä b" {
		t.Errorf("tags: got %+v, %v, want one", tags, err)
	}
	head, err := c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: b})
	if err != nil || *head.BucketRegion != "us-east-1" {
		t.Errorf("head bucket: got %+v, %v, want us-east-1", head, err)
	}
	if _, err := c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("none")}); code(err) != "NotFound" {
		t.Errorf("head of no bucket: got %v, want NotFound", err)
	}
	if _, err := c.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: b}); err != nil {
		t.Errorf("location: %v", err)
	}
	if _, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("new")}); err != nil {
		t.Errorf("create bucket: %v", err)
	}
	if _, err := c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: b}); code(err) != "BucketNotEmpty" {
		t.Errorf("delete bucket: got %v, want BucketNotEmpty", err)
	}
	all, err := c.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil || len(all.Buckets) != 2 {
		t.Errorf("buckets: got %+v, %v, want 2", all, err)
	}
	s := f.do("GET", "/b?session", nil).want(t, "session", 200, "")
	for _, name := range []string{"SessionToken", "SecretAccessKey", "AccessKeyId", "Expiration"} {
		if !bytes.Contains(s.body, fmt.Appendf(nil, "<%s>", name)) {
			t.Errorf("session: got %s, want %s in it", s.body, name)
		}
	}
}

// TestTrailerOfEveryAlgorithm sends what an SDK sends for a body it reads only once.
func TestTrailerOfEveryAlgorithm(t *testing.T) {
	f := start(t, s3fake.Options{})
	for _, a := range []s3fake.Algorithm{s3fake.CRC32, s3fake.CRC32C, s3fake.CRC64NVME, s3fake.SHA1, s3fake.SHA256} {
		name := "x-amz-checksum-" + strings.ToLower(string(a))
		body := "3\r\nabc\r\n0\r\n" + name + ":" + b64(a.Sum([]byte("abc"))) + "\r\n\r\n"
		f.do("PUT", "/b/k", []byte(body), "Content-Encoding", "aws-chunked", "x-amz-decoded-content-length", "3",
			"x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-trailer", name, "x-amz-sdk-checksum-algorithm", string(a)).want(t, name, 200, "")
		if o, _ := f.Object("b", "k"); string(o.Data) != "abc" || o.Checksum.Algorithm != a || o.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: got %+v", a, o)
		}
	}
}
