package managertest

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul"
)

func testUploadInput(t *testing.T, w *world) {
	upload := func(size int64) func(m *haul.Manager, in any) error {
		b := data(size)
		return func(m *haul.Manager, in any) error {
			_, err := haul.Wait(m.Upload(w.ctx, haul.FromBytes(b), in.(*s3.PutObjectInput)))
			return err
		}
	}
	k := &inputKind{
		routes: uploadRoutes,
		input:  func() any { return w.put("target") },
		runs: []inputRun{
			{"upload", "PutObject", "", upload(100)},
			{"upload in parts", "CompleteMultipartUpload CreateMultipartUpload UploadPart", "", upload(part + 1)},
			{"failing upload", "AbortMultipartUpload CreateMultipartUpload ListParts UploadPart", "UploadPart", upload(part + 1)},
		},
	}
	k.runs[2].carry = skipSingle(k.runs[2].carry)
	k.check(t, w)
}

// skipSingle leaves a failing run out for the fields that make an upload one
// request, which then doesn't fail.
func skipSingle(carry func(*haul.Manager, any) error) func(*haul.Manager, any) error {
	return func(m *haul.Manager, in any) error {
		if put := in.(*s3.PutObjectInput); put.ContentMD5 != nil || put.WriteOffsetBytes != nil {
			return io.EOF // as if it had failed
		}
		return carry(m, in)
	}
}

// testOneRequestStream: a pipe with ContentMD5 or WriteOffsetBytes goes with one
// PutObject, or is refused unread where memory can't hold it.
func testOneRequestStream(t *testing.T, w *world) {
	const limit, size = 8 * part, 3*part + 1
	m := w.manager(func(o *haul.Options) { o.MemoryLimit = limit })
	digest := md5.Sum(data(size))
	for header, set := range map[string]func(*s3.PutObjectInput){
		"Content-Md5":              func(in *s3.PutObjectInput) { in.ContentMD5 = ptr(base64.StdEncoding.EncodeToString(digest[:])) },
		"X-Amz-Write-Offset-Bytes": func(in *s3.PutObjectInput) { in.WriteOffsetBytes = ptr[int64](0) },
	} {
		upload := func(r io.Reader, announced int64) error {
			in := w.put("whole")
			in.ContentLength = &announced
			set(in)
			_, err := haul.Wait(m.Upload(w.ctx, haul.FromReader(r), in))
			return err
		}
		w.Fake.Reset()
		if err := upload(newPattern(size), size); err != nil {
			t.Errorf("%s: %v", header, err)
		}
		if sent := w.Fake.Requests(); len(sent) != 1 || sent[0].Op != "PutObject" || sent[0].Header.Get(header) == "" {
			t.Errorf("%s: %d requests, want one PutObject with it", header, len(sent))
		}
		unread := newPattern(1)
		if err := upload(unread, limit); err == nil || !strings.Contains(err.Error(), "MemoryLimit") {
			t.Errorf("%s of %d bytes: got %v, want an error that names MemoryLimit", header, limit, err)
		}
		if b, _ := io.ReadAll(unread); len(b) != 1 {
			t.Errorf("%s: the stream was read before it was refused", header)
		}
		if err := upload(newPattern(size+1), size); err == nil {
			t.Errorf("%s: a stream of more than its ContentLength was taken", header)
		}
	}
}

// testPartMemory: a stream whose parts memory can't hold is refused, unread, with
// the limit that was set, not the share of it that streams have.
func testPartMemory(t *testing.T, w *world) {
	const limit = 2 * part
	m := w.manager(func(o *haul.Options) { o.MemoryLimit = limit })
	unread := newPattern(1)
	_, err := haul.Wait(m.Upload(w.ctx, haul.FromReader(unread), w.put("large"), haul.WithPartSize(limit+1)))
	for _, want := range []string{fmt.Sprintf("MemoryLimit of %d bytes", limit), fmt.Sprintf("part of %d bytes", limit+1), "PartSize"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parts of more than the memory limit: got %v, want %q in the error", err, want)
		}
	}
	if b, _ := io.ReadAll(unread); len(b) != 1 {
		t.Error("the stream was read before it was refused")
	}
}

func testDownloadInput(t *testing.T, w *world) {
	w.Fake.Put(w.Bucket, "small", data(100), nil)
	w.Fake.Put(w.Bucket, "large", data(3*part+1), nil)
	download := func(key string) func(m *haul.Manager, in any) error {
		return func(m *haul.Manager, in any) error {
			in.(*s3.GetObjectInput).Key = &key
			_, err := haul.Wait(m.Download(w.ctx, in.(*s3.GetObjectInput), haul.ToWriter(io.Discard)))
			return err
		}
	}
	k := &inputKind{
		routes: downloadRoutes,
		input:  func() any { return w.get("") },
		runs: []inputRun{
			{"download", "GetObject", "", download("small")},
			{"download in parts", "GetObject", "", download("large")},
		},
	}
	k.check(t, w)
}

// longTags are tags that fit an object but not a header, so that a copy sets
// them by a request of its own.
func longTags() http.Header {
	tags := url.Values{}
	for _, c := range "abcdefghij" {
		tags.Set(strings.Repeat(string(c), 128), strings.Repeat("v", 200))
	}
	return http.Header{"X-Amz-Tagging": {tags.Encode()}}
}

func testCopyInput(t *testing.T, w *world) {
	w.Fake.Put(w.Bucket, "small", data(100), longTags())
	w.Fake.Put(w.Bucket, "large", data(part+1), longTags())
	copyOf := func(key string) func(m *haul.Manager, in any) error {
		return func(m *haul.Manager, in any) error {
			if in := in.(*s3.CopyObjectInput); in.AnnotationDirective == "" || key == "small" {
				*in.CopySource = copySource(w.Bucket, key)
			}
			_, err := haul.Wait(m.Copy(w.ctx, in.(*s3.CopyObjectInput)))
			return err
		}
	}
	for _, r := range []struct {
		size, fail, ops string
	}{
		{"small", "", "CopyObject HeadObject"},
		{"large", "", "CompleteMultipartUpload CreateMultipartUpload GetObjectTagging HeadObject PutObjectTagging UploadPartCopy"},
		{"large", "UploadPartCopy", "AbortMultipartUpload CreateMultipartUpload GetObjectTagging HeadObject ListParts UploadPartCopy"},
	} {
		k := &inputKind{
			routes: copyRoutes,
			input: func() any {
				return &s3.CopyObjectInput{Bucket: &w.Bucket, Key: ptr("target"), CopySource: ptr(copySource(w.Bucket, r.size))}
			},
			runs: []inputRun{{"copy of " + r.size, r.ops, r.fail, copyOf(r.size)}},
		}
		if r.fail != "" { // the directive makes it one request
			k.runs[0].carry = func(m *haul.Manager, in any) error {
				if in.(*s3.CopyObjectInput).AnnotationDirective != "" {
					return io.EOF
				}
				return copyOf(r.size)(m, in)
			}
		}
		k.check(t, w)
	}
}

// testCopyTags: a copy in parts has the tags of its source, however long.
func testCopyTags(t *testing.T, w *world) {
	m := w.manager()
	for name, h := range map[string]http.Header{"none": nil, "short": {"X-Amz-Tagging": {"a=b&c=d%20e"}}, "long": longTags()} {
		w.seed("tagged", data(part+1), h)
		in := &s3.CopyObjectInput{Bucket: &w.Bucket, Key: ptr("copy"), CopySource: ptr(copySource(w.Bucket, "tagged"))}
		w.forget()
		w.must(haul.Wait(m.Copy(w.ctx, in)))
		from, _ := w.object("tagged")
		to, _ := w.object("copy")
		if !reflect.DeepEqual(to.Tags, from.Tags) {
			t.Errorf("%s: the copy has tags %v, want %v", name, to.Tags, from.Tags)
		}
		want := 0
		if name == "long" {
			want = 1
		}
		if w.Fake == nil {
			want = 0 // there is no record of requests
		}
		if got := count(w.requests(), "PutObjectTagging"); got != want {
			t.Errorf("%s: %d requests PutObjectTagging, want %d", name, got, want)
		}
		in.TaggingDirective, in.Tagging = types.TaggingDirectiveReplace, ptr("x=y")
		w.must(haul.Wait(m.Copy(w.ctx, in)))
		to, _ = w.object("copy")
		if len(to.Tags) != 1 || to.Tags[0].Key != "x" {
			t.Errorf("%s replaced: the copy has tags %v, want x=y", name, to.Tags)
		}
	}
}

func testDeleteInput(t *testing.T, w *world) {
	k := &inputKind{
		routes: deleteRoutes,
		input:  func() any { return &s3.DeleteObjectInput{Bucket: &w.Bucket, Key: ptr("target")} },
		runs: []inputRun{{"delete", "DeleteObject", "", func(m *haul.Manager, in any) error {
			_, err := haul.Wait(m.Delete(w.ctx, in.(*s3.DeleteObjectInput)))
			return err
		}}},
	}
	k.check(t, w)
}

// testInputUnchanged: haul works on a copy of its own.
func testInputUnchanged(t *testing.T, w *world) {
	m := w.manager()
	put := w.put("unchanged")
	put.Metadata, put.ContentType = map[string]string{"a": "b"}, ptr("text/x")
	get := w.get("unchanged")
	cp := &s3.CopyObjectInput{Bucket: &w.Bucket, Key: ptr("copy"), CopySource: ptr(copySource(w.Bucket, "unchanged")),
		MetadataDirective: types.MetadataDirectiveReplace, Metadata: map[string]string{"c": "d"}}
	del := &s3.DeleteObjectInput{Bucket: &w.Bucket, Key: ptr("unchanged")}
	put0, get0, cp0, del0 := *put, *get, *cp, *del
	put0.Metadata, cp0.Metadata = maps.Clone(put.Metadata), maps.Clone(cp.Metadata)
	changing := haul.WithSubscribers(haul.SubscriberFuncs{Queued: func(f *haul.Future) error {
		switch in := f.Meta().Input().(type) {
		case *s3.PutObjectInput:
			in.ContentType, in.Metadata["a"] = ptr("text/y"), "z"
		case *s3.CopyObjectInput:
			in.Metadata["c"] = "z"
		}
		return nil
	}})
	for _, size := range []int64{1, part + 1} {
		w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(size)), put, changing)))
		w.must(haul.Wait(m.Download(w.ctx, get, haul.ToWriter(io.Discard), changing)))
		w.must(haul.Wait(m.Copy(w.ctx, cp, changing)))
		for _, key := range []string{"unchanged", "copy"} {
			o, _ := w.object(key)
			if got := o.Header.Get("X-Amz-Meta-A") + o.Header.Get("X-Amz-Meta-C"); got != "z" {
				t.Errorf("%s of %d bytes: OnQueued's change is not in effect: got metadata %q, want z", key, size, got)
			}
		}
		w.must(haul.Wait(m.Delete(w.ctx, del, changing)))
	}
	for _, c := range []struct{ got, want any }{{*put, put0}, {*get, get0}, {*cp, cp0}, {*del, del0}} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("the input was changed: got %+v, want %+v", c.got, c.want)
		}
	}
}
