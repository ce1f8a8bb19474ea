package classic_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithy "github.com/aws/smithy-go"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/classic"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/throttle"
)

var errBroken = errors.New("broken call")

// jobs are transfers that use every operation.
func jobs() map[string]func() *driver.Job {
	data := content(partSize + 7)
	return map[string]func() *driver.Job{
		"upload-parts":  func() *driver.Job { return quick("k", body.FromBytes(data)) },
		"upload-stream": func() *driver.Job { return quick("k", body.FromReader(plainReader{bytes.NewReader(data)})) },
		"upload-one":    func() *driver.Job { return quick("k", body.FromBytes(data[:100])) },
		"download":      func() *driver.Job { return downloadJob("from", body.ToWriterAt(&writerAt{})) },
		"copy":          copyJob,
	}
}

// TestFailEveryCall fails the n-th call of a transfer for every n, before it is
// sent and after it took effect.
func TestFailEveryCall(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second")
	}
	for name, job := range jobs() {
		for _, late := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s-late-%v", name, late), func(t *testing.T) {
				for n := int32(1); ; n++ {
					if !failCall(t, job(), n, late) {
						break
					}
				}
			})
		}
	}
}

// failCall runs a job of which the n-th call fails; false if there was none.
func failCall(t *testing.T, job *driver.Job, n int32, late bool) (failed bool) {
	r := newRig(t)
	r.Put(bucket, "from", content(partSize+7), nil)
	var calls atomic.Int32
	var lost atomic.Bool // an upload that we can't know of
	hook := func(_ context.Context, op s3api.Operation) error {
		if calls.Add(1) != n {
			return nil
		}
		lost.Store(late && op == s3api.CreateMultipartUpload)
		return errBroken
	}
	h := hooked{api: r.client, before: hook}
	if late {
		h.before, h.after = nil, hook
	}
	_, err := classic.New(h, classic.Config{Memory: r.pool}).Transfer(t.Context(), job, &events{})
	if calls.Load() < n {
		if err != nil {
			t.Errorf("got error %v, want none when no call fails", err)
		}
		return false
	}
	if !errors.Is(err, errBroken) {
		t.Errorf("call %d: got error %v, want %v", n, err, errBroken)
	}
	if lost.Load() {
		r.abortAll()
	}
	if got := r.openUploads(); got != 0 {
		t.Errorf("call %d: got %d uploads left open, want 0", n, got)
	}
	return true
}

// abortAll aborts what a test left on purpose.
func (r *rig) abortAll() {
	out, err := r.client.ListMultipartUploads(context.Background(), &s3.ListMultipartUploadsInput{Bucket: aws.String(bucket)})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, u := range out.Uploads {
		if _, err := r.client.AbortMultipartUpload(context.Background(), &s3.AbortMultipartUploadInput{Bucket: aws.String(bucket), Key: u.Key, UploadId: u.UploadId}); err != nil {
			r.t.Fatal(err)
		}
	}
}

// TestCancelAtEveryCall ends the context at the n-th call for every n.
func TestCancelAtEveryCall(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second")
	}
	cause := errors.New("enough")
	for name, job := range jobs() {
		t.Run(name, func(t *testing.T) {
			for n := int32(1); ; n++ {
				r := newRig(t)
				r.Put(bucket, "from", content(partSize+7), nil)
				ctx, cancel := context.WithCancelCause(t.Context())
				var calls atomic.Int32
				h := hooked{api: r.client, before: func(context.Context, s3api.Operation) error {
					if calls.Add(1) == n {
						cancel(cause)
					}
					return nil
				}}
				_, err := classic.New(h, classic.Config{Memory: r.pool}).Transfer(ctx, job(), &events{})
				cancel(nil)
				if calls.Load() < n {
					return
				}
				if !errors.Is(err, cause) {
					t.Errorf("call %d: got error %v, want %v", n, err, cause)
				}
				if got := r.openUploads(); got != 0 {
					t.Errorf("call %d: got %d uploads left open, want 0", n, got)
				}
			}
		})
	}
}

func TestFirstErrorCancelsSiblings(t *testing.T) {
	r := newRig(t)
	var parts atomic.Int32
	h := hooked{api: r.client, before: func(ctx context.Context, op s3api.Operation) error {
		if op != s3api.UploadPart {
			return nil
		}
		if parts.Add(1) == 2 {
			return errBroken
		}
		<-ctx.Done() // a part that would never end by itself
		return ctx.Err()
	}}
	_, err := classic.New(h, classic.Config{Memory: r.pool}).Transfer(t.Context(), quick("k", body.FromBytes(content(2*partSize))), &events{})
	var f *driver.Failure
	if !errors.Is(err, errBroken) || errors.Is(err, context.Canceled) || !errors.As(err, &f) || f.Part == 0 || f.UploadID != "" {
		t.Errorf("got error %#v, want the first one, with its part and no upload", err)
	}
}

func TestLeaveParts(t *testing.T) {
	r := newRig(t)
	h := hooked{api: r.client, before: func(_ context.Context, op s3api.Operation) error {
		if op == s3api.CompleteMultipartUpload {
			return errBroken
		}
		return nil
	}}
	j, ev := quick("k", body.FromBytes(content(2*partSize))), &events{}
	j.LeaveParts = true
	_, err := classic.New(h, classic.Config{Memory: r.pool}).Transfer(t.Context(), j, ev)
	var f *driver.Failure
	if !errors.As(err, &f) || f.UploadID != ev.upload || ev.upload == "" || r.openUploads() != 1 {
		t.Errorf("got error %v, %d uploads, want the id %q of one that is open", err, r.openUploads(), ev.upload)
	}
	r.abortAll()
}

// apiError is an answer of S3.
func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "text"} }

// stub is an API of which only the multipart calls answer.
type stub struct {
	classic.API
	abort, list func() error
	aborts      int
}

func (s *stub) CreateMultipartUpload(context.Context, *s3.CreateMultipartUploadInput, ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error) {
	return &s3.CreateMultipartUploadOutput{UploadId: aws.String("ID")}, nil
}

func (s *stub) UploadPart(context.Context, *s3.UploadPartInput, ...func(*s3.Options)) (*s3.UploadPartOutput, error) {
	return nil, errBroken
}

func (s *stub) AbortMultipartUpload(_ context.Context, in *s3.AbortMultipartUploadInput, _ ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error) {
	s.aborts++
	if *in.UploadId != "ID" {
		return nil, apiError("wrong id " + *in.UploadId)
	}
	return nil, s.abort()
}

func (s *stub) ListParts(context.Context, *s3.ListPartsInput, ...func(*s3.Options)) (*s3.ListPartsOutput, error) {
	return nil, s.list()
}

func TestAbort(t *testing.T) {
	fine := func() error { return nil }
	gone := func() error { return apiError("NoSuchUpload") }
	denied := func() error { return apiError("AccessDenied") }
	cases := []struct {
		name        string
		abort, list func() error
		left        bool
		aborts      int // 0: more than one
	}{
		{"gone", fine, gone, false, 1},
		{"gone-before", gone, fine, false, 1},
		{"listing-denied", fine, denied, false, 1},
		{"still-there", fine, fine, true, 0},
		{"abort-denied", denied, fine, true, 0},
		{"gone-at-last", fine, afterTwo(), false, 3},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &stub{abort: c.abort, list: c.list}
				_, err := classic.New(api, classic.Config{Memory: bufpool.New(mib)}).Transfer(t.Context(), quick("k", body.FromBytes(content(partSize))), &events{})
				var f *driver.Failure
				if !errors.Is(err, errBroken) || !errors.As(err, &f) || (f.UploadID == "ID") != c.left {
					t.Errorf("got error %v, want %v, upload left: %v", err, errBroken, c.left)
				}
				if c.aborts != 0 && api.aborts != c.aborts || api.aborts < 1 {
					t.Errorf("got %d aborts, want %d", api.aborts, c.aborts)
				}
			})
		})
	}
}

// afterTwo lists the upload twice before it is gone.
func afterTwo() func() error {
	n := 0
	return func() error {
		if n++; n <= 2 {
			return nil
		}
		return apiError("NoSuchUpload")
	}
}

// silentBody gives some bytes and then nothing until its request ends.
type silentBody struct {
	ctx  context.Context
	data io.Reader
}

func (s *silentBody) Read(p []byte) (int, error) {
	if n, _ := s.data.Read(p); n > 0 {
		return n, nil
	}
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func (s *silentBody) Close() error { return nil }

// stalling is an API whose downloads stall.
type stalling struct{ classic.API }

func (stalling) GetObject(ctx context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	out := &s3.GetObjectOutput{ETag: aws.String(`"e"`), ContentLength: aws.Int64(10), Body: &silentBody{ctx, bytes.NewReader(make([]byte, 4))}}
	if in.Range != nil {
		out.ContentLength, out.ContentRange = aws.Int64(6), aws.String("bytes 4-9/10")
		out.Body = io.NopCloser(bytes.NewReader(make([]byte, 6)))
	}
	return out, nil
}

func TestDownloadStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &bytes.Buffer{}
		j := downloadJob("k", body.ToWriter(w))
		j.Limits.Stall = 3 * time.Second
		began := time.Now()
		out, err := classic.New(stalling{}, classic.Config{Memory: bufpool.New(mib)}).Transfer(t.Context(), j, &events{})
		if err != nil || w.Len() != 10 || out.ExtraRequests != 1 {
			t.Errorf("got %d bytes, %+v, %v, want 10 with one extra request", w.Len(), out, err)
		}
		if took := time.Since(began); took < 3*time.Second || took > 4*time.Second {
			t.Errorf("got %s on the fake clock, want the stall limit of 3s", took)
		}
	})
}

// mock is an API as users write them: it reads nothing and returns little.
type mock struct{ classic.API }

func (mock) PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	return nil, nil
}

func (mock) GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(content(700_000)))}, nil
}

func TestMockThatSaysLittle(t *testing.T) {
	d := classic.New(mock{}, classic.Config{})
	ev := &events{}
	if _, err := d.Transfer(t.Context(), quick("k", body.FromBytes(content(1000))), ev); err != nil {
		t.Errorf("upload: got error %v, want none", err)
	}
	ev.check(t, 1000)
	w, ev := &bytes.Buffer{}, &events{}
	out, err := d.Transfer(t.Context(), downloadJob("k", body.ToWriter(w)), ev)
	if err != nil || out.Size != 700_000 {
		t.Errorf("download: got %+v, %v, want 700000 bytes", out, err)
	}
	same(t, w.Bytes(), content(700_000))
	ev.check(t, 700_000)
}

// reading is a mock that reads what it is sent.
type reading struct{ mock }

func (reading) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	_, err := io.Copy(io.Discard, in.Body)
	return &s3.PutObjectOutput{}, err
}

func TestBandwidth(t *testing.T) {
	const size, rate = 700_000, 100_000
	up := func() *driver.Job { return quick("k", body.FromBytes(content(size))) }
	down := func() *driver.Job { return downloadJob("k", body.ToWriter(io.Discard)) }
	for name, job := range map[string]func() *driver.Job{"upload": up, "download": down} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := job()
				j.Bandwidth = throttle.New(rate)
				began := time.Now()
				if _, err := classic.New(reading{}, classic.Config{Memory: bufpool.New(mib)}).Transfer(t.Context(), j, &events{}); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took < 6*time.Second || took > 8*time.Second {
					t.Errorf("got %s on the fake clock, want about %ds", took, size/rate)
				}
			})
		})
	}
}
