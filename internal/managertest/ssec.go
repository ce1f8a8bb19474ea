package managertest

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul"
)

// keyedTests: objects under a key of the customer's, and under a version.
var keyedTests = []conformanceTest{
	{name: "sse-c", run: testSSEC},
	{name: "sse-c-copy", run: testSSECCopy},
	{name: "versions", run: testVersions},
}

// customerKey is an SSE-C key in the form of the SDK's inputs.
type customerKey struct{ algorithm, key, md5 *string }

func newCustomerKey(b byte) customerKey {
	raw := bytes.Repeat([]byte{b}, 32)
	sum := md5.Sum(raw)
	return customerKey{ptr("AES256"), ptr(base64.StdEncoding.EncodeToString(raw)), ptr(base64.StdEncoding.EncodeToString(sum[:]))}
}

func (w *world) putKeyed(key string, k customerKey) *s3.PutObjectInput {
	in := w.put(key)
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = k.algorithm, k.key, k.md5
	return in
}

func (w *world) getKeyed(key string, k customerKey) *s3.GetObjectInput {
	in := w.get(key)
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = k.algorithm, k.key, k.md5
	return in
}

func testSSEC(t *testing.T, w *world) {
	m := w.manager()
	right, wrong := newCustomerKey('r'), newCustomerKey('w')
	for _, size := range []int64{0, 1000, part + 1} {
		b := data(size)
		for kind, make := range sourceKinds(t.TempDir(), b) {
			w.must(haul.Wait(m.Upload(w.ctx, make(), w.putKeyed("keyed", right))))
			if o, _ := w.Fake.Object(w.Bucket, "keyed"); o.CustomerKey != *right.md5 {
				t.Errorf("%s of %d bytes: stored under the key %q, want %q", kind, size, o.CustomerKey, *right.md5)
			}
		}
		var got bytes.Buffer
		w.must(haul.Wait(m.Download(w.ctx, w.getKeyed("keyed", right), haul.ToWriter(&got))))
		same(t, "keyed", got.Bytes(), size)
		for _, in := range []*s3.GetObjectInput{w.getKeyed("keyed", wrong), w.get("keyed")} {
			_, err := haul.Wait(m.Download(w.ctx, in, haul.ToWriter(io.Discard)))
			if code := apiCode(err); code != "AccessDenied" && code != "InvalidRequest" {
				t.Errorf("%d bytes with a wrong key or none: got %v, want S3's refusal", size, err)
			}
		}
	}
}

func testSSECCopy(t *testing.T, w *world) {
	m := w.manager()
	source, target, wrong := newCustomerKey('s'), newCustomerKey('t'), newCustomerKey('w')
	for _, size := range []int64{1000, 2*part + 1} {
		w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(size)), w.putKeyed("from", source))))
		in := &s3.CopyObjectInput{Bucket: &w.Bucket, Key: ptr("to"), CopySource: ptr(copySource(w.Bucket, "from"))}
		in.CopySourceSSECustomerAlgorithm, in.CopySourceSSECustomerKey, in.CopySourceSSECustomerKeyMD5 = source.algorithm, source.key, source.md5
		in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = target.algorithm, target.key, target.md5
		w.must(haul.Wait(m.Copy(w.ctx, in)))
		var got bytes.Buffer
		w.must(haul.Wait(m.Download(w.ctx, w.getKeyed("to", target), haul.ToWriter(&got))))
		same(t, fmt.Sprintf("copy of %d bytes", size), got.Bytes(), size)
		in.Key, in.CopySourceSSECustomerKey, in.CopySourceSSECustomerKeyMD5 = ptr("never"), wrong.key, wrong.md5
		if _, err := haul.Wait(m.Copy(w.ctx, in)); err == nil {
			t.Errorf("%d bytes: a copy with a wrong key for its source succeeded", size)
		}
		w.absent("never")
	}
}

// versioned makes a bucket that keeps versions.
func (w *world) versioned(bucket string) {
	w.t.Helper()
	if w.Fake != nil {
		w.Fake.EnableVersioning(bucket)
		return
	}
	c := w.plainClient()
	_, err := c.CreateBucket(w.ctx, &s3.CreateBucketInput{Bucket: &bucket})
	mustDo(w.t, err)
	_, err = c.PutBucketVersioning(w.ctx, &s3.PutBucketVersioningInput{Bucket: &bucket,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	mustDo(w.t, err)
}

func testVersions(t *testing.T, w *world) {
	m := w.manager()
	bucket := "versioned-" + w.engine.name + w.engine.over
	w.versioned(bucket)
	for _, size := range []int64{1000, 3*part + 1} {
		put := w.put("versions")
		put.Bucket = &bucket
		old := w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(size)), put)))
		w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes([]byte("newer")), put)))
		w.forget()
		get := &s3.GetObjectInput{Bucket: &bucket, Key: put.Key, VersionId: &old.VersionID}
		var got bytes.Buffer
		r := w.must(haul.Wait(m.Download(w.ctx, get, haul.ToWriter(&got))))
		same(t, "the older version", got.Bytes(), size)
		if r.VersionID != old.VersionID || old.VersionID == "" {
			t.Errorf("got version %q, want %q", r.VersionID, old.VersionID)
		}
		// Without a version asked for, the rest of an object is that of its beginning.
		w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(size)), put)))
		get.VersionId = nil
		newest := w.must(haul.Wait(m.Download(w.ctx, get, haul.ToWriter(io.Discard))))
		for _, q := range w.requests() {
			v := q.Query.Get("versionId")
			if ranged := q.Header.Get("Range") != ""; q.Op == "GetObject" && ranged && v != old.VersionID && v != newest.VersionID {
				t.Errorf("a range was asked for of version %q, want %q or %q", v, old.VersionID, newest.VersionID)
			}
		}
		cp := &s3.CopyObjectInput{Bucket: &bucket, Key: ptr("copy"), CopySource: ptr(copySource(bucket, "versions") + "?versionId=" + old.VersionID)}
		if c := w.must(haul.Wait(m.Copy(w.ctx, cp))); c.Size != size {
			t.Errorf("the copy of the older version has %d bytes, want %d", c.Size, size)
		}
		del := &s3.DeleteObjectInput{Bucket: &bucket, Key: put.Key, VersionId: &old.VersionID}
		if d := w.must(haul.Wait(m.Delete(w.ctx, del))); d.VersionID != old.VersionID {
			t.Errorf("deleted version %q, want %q", d.VersionID, old.VersionID)
		}
		get.VersionId = &old.VersionID
		if _, err := haul.Wait(m.Download(w.ctx, get, haul.ToWriter(io.Discard))); apiCode(err) != "NoSuchVersion" {
			t.Errorf("a deleted version: got %v, want NoSuchVersion", err)
		}
	}
}
