package classic_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul/internal/classic"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
)

// copyJob copies from "from" to "to" and keeps content type, metadata and tags.
func copyJob() *driver.Job {
	b, from, to, id, n := aws.String(bucket), aws.String("from"), aws.String("to"), aws.String("UPLOADID"), aws.Int32(1)
	j := newJob(driver.Copy, "to", map[s3api.Operation]any{
		s3api.HeadObject:              &s3.HeadObjectInput{Bucket: b, Key: from},
		s3api.GetObjectTagging:        &s3.GetObjectTaggingInput{Bucket: b, Key: from},
		s3api.CopyObject:              &s3.CopyObjectInput{Bucket: b, Key: to, CopySource: aws.String(bucket + "/from")},
		s3api.UploadPartCopy:          &s3.UploadPartCopyInput{Bucket: b, Key: to, CopySource: aws.String(bucket + "/from"), UploadId: id, PartNumber: n, CopySourceRange: aws.String("bytes=0-0")},
		s3api.CompleteMultipartUpload: &s3.CompleteMultipartUploadInput{Bucket: b, Key: to, UploadId: id},
		s3api.AbortMultipartUpload:    &s3.AbortMultipartUploadInput{Bucket: b, Key: to, UploadId: id},
		s3api.ListParts:               &s3.ListPartsInput{Bucket: b, Key: to, UploadId: id},
		s3api.PutObjectTagging:        &s3.PutObjectTaggingInput{Bucket: b, Key: to, Tagging: &types.Tagging{TagSet: []types.Tag{}}},
	})
	j.CopyTags = true
	j.CopyCreate = func(head *driver.ObjectHead) any {
		in := &s3.CreateMultipartUploadInput{Bucket: b, Key: to, ContentType: &head.ContentType, Metadata: head.Metadata}
		var tags []string
		for _, tag := range head.Tags {
			tags = append(tags, url.QueryEscape(tag.Key)+"="+url.QueryEscape(tag.Value))
		}
		if s := strings.Join(tags, "&"); s != "" && len(s) <= 2048 {
			in.Tagging = &s
		}
		return in
	}
	return j
}

func TestCopy(t *testing.T) {
	for _, size := range []int{0, 1000, partSize - 1, partSize, partSize + 7} {
		for _, value := range []string{"1", strings.Repeat("v", 250)} {
			t.Run(fmt.Sprintf("%d-tags-%d", size, len(value)), func(t *testing.T) {
				r, ev := newRig(t), &events{}
				var tags []string
				for i := range 10 {
					tags = append(tags, fmt.Sprintf("k%d=%s", i, value))
				}
				r.Put(bucket, "from", content(size), http.Header{"Content-Type": {"text/x"}, "X-Amz-Meta-A": {"b"}, "X-Amz-Tagging": {strings.Join(tags, "&")}})
				out, err := r.driver.Transfer(t.Context(), copyJob(), ev)
				if err != nil {
					t.Fatal(err)
				}
				o, ok := r.Object(bucket, "to")
				if !ok {
					t.Fatal("got no object, want one")
				}
				same(t, o.Data, content(size))
				ev.check(t, int64(size))
				if o.Header.Get("Content-Type") != "text/x" || o.Header.Get("X-Amz-Meta-A") != "b" || len(o.Tags) != 10 || o.Tags[0].Value != value {
					t.Errorf("got header %v, tags %v, want those of the source", o.Header, o.Tags)
				}
				if out.ETag != o.ETag || out.Size != int64(size) || out.Requests != int64(len(r.Requests())) {
					t.Errorf("got outcome %+v after %s, want that of the object", out, r.requests())
				}
			})
		}
	}
}

func TestCopyOfKnownSizeAsksNoHead(t *testing.T) {
	r := newRig(t)
	r.Put(bucket, "from", content(100), nil)
	j := copyJob()
	j.Size = 100
	if _, err := r.driver.Transfer(t.Context(), j, &events{}); err != nil || len(r.Requests()) != 1 {
		t.Errorf("got error %v and %s, want one CopyObject", err, r.requests())
	}
}

func TestCopyWithSourceHead(t *testing.T) {
	r := newRig(t)
	etag := r.Put(bucket, "from", content(2*partSize), nil)
	j := copyJob()
	j.SourceHead = func(context.Context) (*driver.ObjectHead, error) {
		return &driver.ObjectHead{Size: 2 * partSize, ETag: etag, ContentType: "given", Tags: []s3api.Tag{{Key: "a", Value: "b"}}}, nil
	}
	if _, err := r.driver.Transfer(t.Context(), j, &events{}); err != nil {
		t.Fatal(err)
	}
	o, _ := r.Object(bucket, "to")
	if o.Header.Get("Content-Type") != "given" || len(o.Tags) != 1 || r.Count("HeadObject") != 0 {
		t.Errorf("got %v, %v after %s, want what the head gave and no HEAD", o.Header, o.Tags, r.requests())
	}
}

func TestCopyOfAChangedSource(t *testing.T) {
	r := newRig(t)
	r.Put(bucket, "from", content(2*partSize), nil)
	d := classic.New(hooked{api: r.client, after: func(_ context.Context, op s3api.Operation) error {
		if op == s3api.HeadObject {
			r.Put(bucket, "from", content(2*partSize+1), nil)
		}
		return nil
	}}, classic.Config{Memory: r.pool})
	_, err := d.Transfer(t.Context(), copyJob(), &events{})
	var modified *driver.ObjectModifiedError
	if !errors.As(err, &modified) {
		t.Errorf("got error %v, want an ObjectModifiedError", err)
	}
	if _, ok := r.Object(bucket, "to"); ok {
		t.Error("got an object, want none")
	}
}

func TestDelete(t *testing.T) {
	r := newRig(t)
	r.Put(bucket, "k", content(1), nil)
	j := newJob(driver.Delete, "k", map[s3api.Operation]any{s3api.DeleteObject: &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("k")}})
	out, err := r.driver.Transfer(t.Context(), j, &events{})
	if err != nil || out.Parts != 0 || out.Requests != 1 || len(r.Keys(bucket)) != 0 {
		t.Errorf("got %+v, %v, keys %v, want one request and no key", out, err, r.Keys(bucket))
	}
	if v, err := out.Output(); err != nil || v.(*s3.DeleteObjectOutput) == nil {
		t.Errorf("got output %v, %v, want the SDK's", v, err)
	}
}
