package managertest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/internal/s3fault"
)

// etagTests: an ETag that is an MD5 is compared on request, where there is no
// checksum.
var etagTests = []conformanceTest{
	{name: "etags", run: testETags},
	{name: "etags-without-checksums", run: testETagsWithoutChecksums},
	{name: "etags-that-are-no-md5", run: testNoMD5},
	{name: "damage-found-by-etag", run: testDamageByETag},
}

// mute answers as a store that keeps no checksums does.
type mute struct{ http.ResponseWriter }

func (m mute) WriteHeader(status int) {
	for name := range m.Header() {
		if strings.HasPrefix(name, "X-Amz-Checksum-") {
			m.Header().Del(name)
		}
	}
	m.ResponseWriter.WriteHeader(status)
}

// plainStore is the same world with a store that keeps no checksums, and whose
// ETags are MD5s.
func (w *world) plainStore() *world {
	fake := s3fake.New(s3fake.Options{}, w.Bucket)
	web := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		fake.ServeHTTP(mute{rw}, r)
	}))
	w.t.Cleanup(func() {
		w.transport.CloseIdleConnections()
		web.Close()
	})
	c, s := *w, *w.Server
	c.Server, s.Fake, s.Endpoint = &s, fake, web.URL
	return &c
}

func validateETag(o *haul.Options) { o.ValidateETag = true }

// testETags carries objects without checksums up and down.
func testETags(t *testing.T, w *world) {
	if w.Fake != nil {
		w = w.plainStore()
	}
	m := w.managerOf(w.client(func(o *s3.Options) {
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}))
	path := filepath.Join(t.TempDir(), "target")
	for _, size := range []int64{0, small} {
		w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(size)), w.put("k"))))
		got := w.must(haul.Wait(m.Download(w.ctx, w.get("k"), haul.ToFile(path), haul.WithValidateETag())))
		if want := valueOf("MD5", data(size)); got.Checksum.Value != want || got.Checksum.Algorithm != "MD5" || !got.Checksum.Validated {
			t.Errorf("%d bytes: got %+v, want MD5 %s, validated", size, got.Checksum, want)
		}
		if got = w.must(haul.Wait(m.Download(w.ctx, w.get("k"), haul.ToFile(path)))); got.Checksum.Validated {
			t.Errorf("%d bytes, not asked for: got %+v, want nothing validated", size, got.Checksum)
		}
	}
	if _, err := m.Upload(w.ctx, haul.FromBytes(nil), w.put("k"), haul.WithValidateETag()); err == nil || !strings.Contains(err.Error(), "Download") {
		t.Errorf("for an upload: got %v, want an error that says what it is for", err)
	}
}

// deaf is an io.WriterAt that can't be read.
type deaf struct{ io.WriterAt }

// etagSinks are the ways in which bytes are hashed in their order. What was
// written can be read back but where unread says so.
func etagSinks(t *testing.T) map[string]struct {
	sink   haul.Sink
	unread string
} {
	open := func(name string, flag int) *os.File {
		f, err := os.OpenFile(filepath.Join(t.TempDir(), name), flag|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	return map[string]struct {
		sink   haul.Sink
		unread string
	}{
		"file":       {haul.ToFile(filepath.Join(t.TempDir(), "target")), ""},
		"writer":     {haul.ToWriter(io.Discard), ""},
		"reader-at":  {haul.ToWriterAt(open("a", os.O_RDWR)), ""},
		"writer-at":  {haul.ToWriterAt(deaf{open("b", os.O_RDWR)}), "can't be read back"},
		"write-only": {haul.ToWriterAt(open("c", os.O_WRONLY)), "can't be read back"},
	}
}

// testETagsWithoutChecksums: whatever the sink and however the object was
// stored.
func testETagsWithoutChecksums(t *testing.T, w *world) {
	w = w.plainStore()
	m := w.manager(validateETag)
	b := data(2*part + 7)
	w.Fake.Put(w.Bucket, "whole", bytes.Clone(b), nil)
	w.Fake.PutParts(w.Bucket, "parts", [][]byte{b[:part+4], b[part+4:]}, nil)
	w.Fake.PutParts(w.Bucket, "unequal", [][]byte{b[:part], b[part : part+1], b[part+1:]}, nil)
	for _, key := range []string{"whole", "parts", "unequal"} {
		for name, c := range etagSinks(t) {
			unread := c.unread
			switch key {
			case "parts":
				unread = "" // each part is hashed by itself
			case "unequal":
				unread = "not of one size"
				if w.engine.name == "engine" {
					unread = "unequal sizes"
				}
			}
			got := w.must(haul.Wait(m.Download(w.ctx, w.get(key), c.sink))).Checksum
			if got.Validated != (unread == "") || !strings.Contains(got.How, unread) || !strings.Contains(got.How, "ETag") && key != "unequal" {
				t.Errorf("%s to %s: got %+v, want validated %v, %q", key, name, got, unread == "", unread)
			}
			if got.Validated && (got.Algorithm != "MD5" || (key == "whole") != (got.Type == "FULL_OBJECT")) {
				t.Errorf("%s to %s: got %+v, want the MD5 that the ETag is", key, name, got)
			}
		}
	}
}

// testNoMD5: what can't be an MD5 is not compared, nor what is not all of the
// object, and a checksum goes before an ETag.
func testNoMD5(t *testing.T, w *world) {
	store := w.plainStore()
	m := store.manager(validateETag)
	b := data(1000)
	store.Fake.Put(w.Bucket, "kms", bytes.Clone(b), http.Header{"X-Amz-Server-Side-Encryption": {"aws:kms"}})
	store.Fake.Put(w.Bucket, "own-key", bytes.Clone(b), http.Header{"X-Amz-Server-Side-Encryption": {"AES256"}})
	secret := newCustomerKey('s')
	w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(b), store.putKeyed("customer", secret))))
	ranged := store.get("own-key")
	ranged.Range = ptr("bytes=1-")
	for says, in := range map[string]*s3.GetObjectInput{
		"aws:kms is no MD5":      store.get("kms"),
		"customer's key":         store.getKeyed("customer", secret),
		"no checksum":            ranged,
		"compared with the ETag": store.get("own-key"),
	} {
		got := w.must(haul.Wait(m.Download(w.ctx, in, haul.ToWriter(io.Discard)))).Checksum
		if !strings.Contains(got.How, says) || got.Validated != (says == "compared with the ETag") {
			t.Errorf("%s: got %+v, want %q", *in.Key, got, says)
		}
	}
	w.Fake.Put(w.Bucket, "summed", bytes.Clone(b), nil)
	got := w.must(haul.Wait(w.manager(validateETag).Download(w.ctx, w.get("summed"), haul.ToWriter(io.Discard)))).Checksum
	if got.Algorithm != "CRC64NVME" || !got.Validated {
		t.Errorf("with a checksum: got %+v, want that validated", got)
	}
}

// testDamageByETag: a flipped bit is found, and no file appears.
func testDamageByETag(t *testing.T, w *world) {
	w = w.plainStore()
	b := data(2*part + 7)
	w.Fake.Put(w.Bucket, "small", bytes.Clone(b[:1000]), nil)
	w.Fake.Put(w.Bucket, "large", bytes.Clone(b), nil)
	w.Fake.PutParts(w.Bucket, "parts", [][]byte{b[:part+4], b[part+4:]}, nil)
	dir := t.TempDir()
	for _, key := range []string{"small", "large", "parts"} {
		m := w.managerOf(w.damaged(&s3fault.Rule{If: s3fault.Is("GetObject"), F: s3fault.Fault{Name: "flip", FlipRsp: 700}}), validateETag)
		for name, sink := range map[string]haul.Sink{"file": haul.ToFile(filepath.Join(dir, "target")), "writer": haul.ToWriter(io.Discard)} {
			_, err := haul.Wait(m.Download(w.ctx, w.get(key), sink))
			var sum *haul.ChecksumError
			if !errors.As(err, &sum) || sum.Algorithm != "MD5" || sum.Want == "" || sum.Got == sum.Want {
				t.Errorf("%s to a %s: got %v, want a *haul.ChecksumError of MD5", key, name, err)
			}
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: %s was left", key, left[0].Name())
		}
	}
}
