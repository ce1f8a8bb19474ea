package classic_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/s3fake"
)

func TestUploadEverySourceAndSize(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second")
	}
	for _, size := range sizes {
		data := content(size)
		for name, src := range sources(t, data) {
			t.Run(fmt.Sprintf("%s-%d", name, size), func(t *testing.T) {
				r, ev := newRig(t), &events{}
				out, err := r.driver.Transfer(t.Context(), quick("k", src), ev)
				if err != nil {
					t.Fatal(err)
				}
				o, ok := r.Object(bucket, "k")
				if !ok {
					t.Fatal("got no object, want one")
				}
				same(t, o.Data, data)
				ev.check(t, int64(size))
				if !out.Checksum.Validated || out.Checksum.Value != o.Checksum.Value || o.Checksum.Type != s3fake.FullObject || out.Size != int64(size) || out.ETag != o.ETag {
					t.Errorf("got outcome %+v, want that of %+v", out, o)
				}
				if want := int64(len(r.Requests())); out.Requests != want {
					t.Errorf("got %d requests counted, want %d", out.Requests, want)
				}
				if got := o.Header.Get("Content-Type") + o.Header.Get("X-Amz-Meta-A"); got != "text/xb" {
					t.Errorf("got content type and metadata %q, want text/xb", got)
				}
			})
		}
	}
}

func TestUploadChecksums(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second")
	}
	for _, c := range []struct {
		a    checksum.Algorithm
		kind string
	}{
		{checksum.None, ""}, {checksum.CRC32, s3api.ChecksumFullObject}, {checksum.CRC32, s3api.ChecksumComposite},
		{checksum.CRC32C, s3api.ChecksumFullObject}, {checksum.CRC64NVME, s3api.ChecksumFullObject},
		{checksum.SHA1, s3api.ChecksumComposite}, {checksum.SHA256, s3api.ChecksumComposite},
	} {
		for _, size := range []int{1000, partSize + 7} {
			t.Run(fmt.Sprintf("%s-%s-%d", c.a, c.kind, size), func(t *testing.T) {
				r := newRig(t)
				out, err := r.driver.Transfer(t.Context(), uploadJob("k", body.FromBytes(content(size)), c.a, c.kind), &events{})
				if err != nil {
					t.Fatal(err)
				}
				o, _ := r.Object(bucket, "k")
				same(t, o.Data, content(size))
				if c.a != checksum.None && (string(o.Checksum.Algorithm) != string(c.a) || out.Checksum.Value != o.Checksum.Value || !out.Checksum.Validated) {
					t.Errorf("got %+v, want the object's %+v", out.Checksum, o.Checksum)
				}
			})
		}
	}
}

func TestUploadOutputAndCompleteRequest(t *testing.T) {
	r := newRig(t)
	out, err := r.driver.Transfer(t.Context(), quick("k", body.FromBytes(content(2*partSize+7))), &events{})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := out.Output(); err != nil || *v.(*s3.CompleteMultipartUploadOutput).ETag != out.ETag {
		t.Errorf("got output %v, %v, want the Complete's", v, err)
	}
	for _, q := range r.Requests() {
		if q.Op != "CompleteMultipartUpload" {
			continue
		}
		if got, want := q.Header.Get("X-Amz-Mp-Object-Size"), fmt.Sprint(2*partSize+7); got != want {
			t.Errorf("got object size %q, want %q", got, want)
		}
		if q.Header.Get("X-Amz-Checksum-Crc64nvme") != out.Checksum.Value || !strings.Contains(string(q.Body), "<ChecksumCRC64NVME>") {
			t.Errorf("got header %v, body %s, want the combined checksum and those of the parts", q.Header, q.Body)
		}
	}
}

func TestUploadAnnouncedStream(t *testing.T) {
	for _, size := range []int{0, 1000, partSize + 7} {
		for _, off := range []int64{0, -1, 1} {
			announced := int64(size) + off
			if announced < 0 {
				continue
			}
			t.Run(fmt.Sprintf("%d-announced-%d", size, announced), func(t *testing.T) {
				r := newRig(t)
				j := quick("k", body.FromReader(plainReader{bytes.NewReader(content(size))}))
				j.Size = announced
				_, err := r.driver.Transfer(t.Context(), j, &events{})
				if _, ok := r.Object(bucket, "k"); ok != (off == 0) || (err == nil) != (off == 0) {
					t.Errorf("got error %v, object %v, want them only if the length is as announced", err, ok)
				}
			})
		}
	}
}

func TestUploadStreamWithLargeThreshold(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second")
	}
	for _, size := range []int{11 * mib, 12 * mib, 18 * mib} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			r, ev := newRig(t), &events{}
			j := quick("k", body.FromReader(plainReader{bytes.NewReader(content(size))}))
			j.Threshold = 12 * mib
			out, err := r.driver.Transfer(t.Context(), j, ev)
			if err != nil {
				t.Fatal(err)
			}
			o, _ := r.Object(bucket, "k")
			same(t, o.Data, content(size))
			ev.check(t, int64(size))
			if single := size < 12*mib; (out.Parts == 1) != single {
				t.Errorf("got %d parts, want one: %v", out.Parts, single)
			}
		})
	}
}

// breaking gives some bytes and then an error.
type breaking struct {
	left int
	err  error
}

func (b *breaking) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, b.err
	}
	n := min(len(p), b.left)
	b.left -= n
	return n, nil
}

func TestUploadSourceFails(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, left := range []int{0, 100, partSize + 100, 2*partSize + 100} {
		for _, err := range []error{broken, io.ErrUnexpectedEOF} {
			t.Run(fmt.Sprintf("after-%d-%v", left, err), func(t *testing.T) {
				r := newRig(t)
				_, got := r.driver.Transfer(t.Context(), quick("k", body.FromReader(&breaking{left, err})), &events{})
				if !errors.Is(got, err) {
					t.Errorf("got error %v, want %v", got, err)
				}
				if len(r.Keys(bucket)) != 0 {
					t.Errorf("got objects %v, want none", r.Keys(bucket))
				}
			})
		}
	}
}

// shortReaderAt ends before its size.
type shortReaderAt struct{ *bytes.Reader }

func TestUploadShortSource(t *testing.T) {
	for _, size := range []int{1000, partSize + 7} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			r := newRig(t)
			src := body.FromReaderAt(shortReaderAt{bytes.NewReader(content(size - 1))}, int64(size))
			_, err := r.driver.Transfer(t.Context(), quick("k", src), &events{})
			var short *driver.ShortBodyError
			if !errors.As(err, &short) || short.Want != int64(size) || short.Got != int64(size-1) {
				t.Errorf("got error %v, want a ShortBodyError of %d of %d bytes", err, size-1, size)
			}
			if len(r.Keys(bucket)) != 0 {
				t.Errorf("got objects %v, want none", r.Keys(bucket))
			}
		})
	}
}

func TestUploadSourceChanges(t *testing.T) {
	for _, size := range []int{oneRequest, partSize + 7} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			r := newRig(t)
			path := filepath.Join(t.TempDir(), "source")
			writeFile(t, path, content(size))
			j := quick("k", changingSource{body.FromFile(path), path})
			_, err := r.driver.Transfer(t.Context(), j, &events{})
			var changed *driver.SourceChangedError
			if !errors.As(err, &changed) {
				t.Errorf("got error %v, want a SourceChangedError", err)
			}
			if len(r.Keys(bucket)) != 0 {
				t.Errorf("got objects %v, want none", r.Keys(bucket))
			}
		})
	}
}

const oneRequest = 300_000

// changingSource grows as soon as it is open.
type changingSource struct {
	body.Source
	path string
}

func (c changingSource) Open(ctx context.Context, fs body.FS) (*body.Reader, error) {
	r, err := c.Source.Open(ctx, fs)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(c.path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	_, err = f.WriteString("more")
	return r, err
}

func TestUploadIsRetriedBySDK(t *testing.T) {
	for _, size := range []int{oneRequest, partSize + 7} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			r, ev := newRig(t), &events{}
			failed := false
			r.Before = failOnce("PutObject", "UploadPart", &failed)
			j := quick("k", body.FromBytes(content(size)))
			j.OptFns, j.Concurrency = nil, 1
			out, err := r.driver.Transfer(t.Context(), j, ev)
			if err != nil {
				t.Fatal(err)
			}
			o, _ := r.Object(bucket, "k")
			same(t, o.Data, content(size))
			ev.check(t, int64(size))
			if out.ExtraRequests != 1 || out.ExtraBytes == 0 || out.Requests != int64(len(r.Requests())) {
				t.Errorf("got %+v, want one extra request with bytes, %d requests", out.Counters, len(r.Requests()))
			}
		})
	}
}

// failOnce answers the first request of an operation by 500, once its body is
// read.
func failOnce(op, other string, failed *bool) func(*s3fake.Record, http.ResponseWriter, *http.Request) bool {
	return func(q *s3fake.Record, w http.ResponseWriter, req *http.Request) bool {
		if q.Op != op && q.Op != other || *failed {
			return false
		}
		*failed = true
		_, _ = io.Copy(io.Discard, req.Body)
		http.Error(w, "", http.StatusInternalServerError)
		return true
	}
}

func TestUploadChecksumPlaces(t *testing.T) {
	cases := []struct {
		name    string
		plan    func(p *driver.ChecksumPlan)
		trailer bool
		signed  bool
	}{
		{"auto-elsewhere", func(*driver.ChecksumPlan) {}, false, false},
		{"header", func(p *driver.ChecksumPlan) { p.Place = driver.PlaceHeader }, false, false},
		{"trailer", func(p *driver.ChecksumPlan) { p.Place = driver.PlaceTrailer }, true, false},
		{"signed", func(p *driver.ChecksumPlan) { p.Place, p.SignPayload = driver.PlaceTrailer, true }, false, true},
	}
	for _, c := range cases {
		for _, size := range []int{1000, partSize + 7} {
			t.Run(fmt.Sprintf("%s-%d", c.name, size), func(t *testing.T) {
				r := newRigOn(t, httptest.NewTLSServer)
				j, ev := quick("k", body.FromBytes(content(size))), &events{}
				c.plan(&j.Checksum)
				out, err := r.driver.Transfer(t.Context(), j, ev)
				if err != nil || !out.Checksum.Validated {
					t.Fatalf("got %+v, %v, want it validated", out, err)
				}
				ev.check(t, int64(size))
				for _, q := range r.Requests() {
					if q.Op != "PutObject" && q.Op != "UploadPart" {
						continue
					}
					trailer, signed := q.Header.Get("X-Amz-Trailer") != "", len(q.Header.Get("X-Amz-Content-Sha256")) == 64
					if trailer != c.trailer || signed != c.signed {
						t.Errorf("%s: got trailer %v, signed payload %v, want %v, %v", q.Op, trailer, signed, c.trailer, c.signed)
					}
				}
			})
		}
	}
}
