package managertest

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul/internal/s3fake"
)

// What a test finds on the server, and what it looks for there afterwards: by
// the fake's own doors where it is the fake, else by plain calls of the SDK.

// seed puts an object on the server. Of its headers those of describe are
// known elsewhere than on the fake.
func (w *world) seed(key string, b []byte, h http.Header) {
	w.t.Helper()
	if w.Fake != nil {
		w.Fake.Put(w.Bucket, key, bytes.Clone(b), h)
		return
	}
	in := w.put(key)
	in.Body = bytes.NewReader(b)
	describe(in, h)
	c := w.plainClient()
	if _, err := c.PutObject(w.ctx, in); err != nil {
		w.t.Fatal(err)
	}
	tags := tagsOf(h.Get("X-Amz-Tagging"))
	if len(tags) == 0 {
		return
	}
	if _, err := c.PutObjectTagging(w.ctx, &s3.PutObjectTaggingInput{Bucket: &w.Bucket, Key: &key, Tagging: &types.Tagging{TagSet: tags}}); err != nil {
		w.t.Fatal(err)
	}
}

// describe sets the fields of an input that headers are for, tags excepted,
// which may be too long for a header.
func describe(in *s3.PutObjectInput, h http.Header) {
	in.ChecksumAlgorithm = types.ChecksumAlgorithm(h.Get("X-Amz-Checksum-Algorithm"))
	for name, field := range map[string]**string{
		"Content-Type": &in.ContentType, "Cache-Control": &in.CacheControl, "Content-Disposition": &in.ContentDisposition,
		"Content-Encoding": &in.ContentEncoding,
	} {
		if v := h.Get(name); v != "" {
			*field = &v
		}
	}
	in.Metadata = map[string]string{}
	for name := range h {
		if key, ok := strings.CutPrefix(name, "X-Amz-Meta-"); ok {
			in.Metadata[strings.ToLower(key)] = h.Get(name)
		}
	}
}

// tagsOf reads a tagging header.
func tagsOf(header string) (tags []types.Tag) {
	values, _ := url.ParseQuery(header) // the suite's own
	for k := range values {
		tags = append(tags, types.Tag{Key: aws.String(k), Value: aws.String(values.Get(k))})
	}
	return tags
}

// seedParts puts an object in parts on the server.
func (w *world) seedParts(key string, parts [][]byte) {
	w.t.Helper()
	if w.Fake != nil {
		w.Fake.PutParts(w.Bucket, key, parts, nil)
		return
	}
	c := w.plainClient()
	created, err := c.CreateMultipartUpload(w.ctx, &s3.CreateMultipartUploadInput{Bucket: &w.Bucket, Key: &key})
	if err != nil {
		w.t.Fatal(err)
	}
	var done []types.CompletedPart
	for i, b := range parts {
		number := aws.Int32(int32(i + 1))
		out, err := c.UploadPart(w.ctx, &s3.UploadPartInput{
			Bucket: &w.Bucket, Key: &key, UploadId: created.UploadId, PartNumber: number, Body: bytes.NewReader(b)})
		if err != nil {
			w.t.Fatal(err)
		}
		done = append(done, types.CompletedPart{ETag: out.ETag, PartNumber: number, ChecksumCRC32: out.ChecksumCRC32})
	}
	if _, err := c.CompleteMultipartUpload(w.ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &w.Bucket, Key: &key, UploadId: created.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: done}}); err != nil {
		w.t.Fatal(err)
	}
}

// object is what the server has under a key: elsewhere than on the fake, its
// bytes, ETag, tags by name and the headers that describe knows.
func (w *world) object(key string) (*s3fake.Object, bool) {
	w.t.Helper()
	if w.Fake != nil {
		return w.Fake.Object(w.Bucket, key)
	}
	c := w.plainClient()
	out, err := c.GetObject(w.ctx, w.get(key))
	if isNoSuchKey(err) {
		return nil, false
	}
	if err != nil {
		w.t.Fatal(err)
	}
	defer out.Body.Close()
	o := &s3fake.Object{Bucket: w.Bucket, Key: key, ETag: aws.ToString(out.ETag), Header: headersOf(out)}
	if o.Data, err = io.ReadAll(out.Body); err != nil {
		w.t.Fatal(err)
	}
	o.Size = int64(len(o.Data))
	tagging, err := c.GetObjectTagging(w.ctx, &s3.GetObjectTaggingInput{Bucket: &w.Bucket, Key: &key})
	if err != nil && apiCode(err) != "NoSuchTagSet" {
		w.t.Fatal(err)
	}
	if err == nil {
		for _, tag := range tagging.TagSet {
			o.Tags = append(o.Tags, s3fake.Tag{Key: aws.ToString(tag.Key), Value: aws.ToString(tag.Value)})
		}
	}
	sort.Slice(o.Tags, func(i, j int) bool { return o.Tags[i].Key < o.Tags[j].Key })
	return o, true
}

// headersOf is the reverse of describe.
func headersOf(out *s3.GetObjectOutput) http.Header {
	h := http.Header{}
	h.Set("Content-Type", aws.ToString(out.ContentType))
	h.Set("Cache-Control", aws.ToString(out.CacheControl))
	h.Set("Content-Disposition", aws.ToString(out.ContentDisposition))
	for name, value := range out.Metadata {
		h.Set("X-Amz-Meta-"+name, value)
	}
	return h
}

// requests is the server's record since forget. Only the fake keeps one:
// elsewhere it is empty, and a test holds what shows without it.
func (w *world) requests() []s3fake.Record {
	if w.Fake == nil {
		return nil
	}
	return w.Fake.Requests()
}

// forget empties the record.
func (w *world) forget() {
	if w.Fake != nil {
		w.Fake.Reset()
	}
}

// openUploads are those that the server has open.
func (w *world) openUploads() (open []s3fake.UploadInfo) {
	w.t.Helper()
	if w.Fake != nil {
		return w.Fake.Uploads()
	}
	out, err := w.plainClient().ListMultipartUploads(w.ctx, &s3.ListMultipartUploadsInput{Bucket: &w.Bucket})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, u := range out.Uploads {
		open = append(open, s3fake.UploadInfo{Bucket: w.Bucket, Key: aws.ToString(u.Key), ID: aws.ToString(u.UploadId)})
	}
	return open
}

// count is how many requests of an operation are in a record.
func count(record []s3fake.Record, op string) (n int) {
	for _, r := range record {
		if r.Op == op {
			n++
		}
	}
	return n
}
