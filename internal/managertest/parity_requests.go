package managertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/plan"
	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/internal/testbody"
)

func testTwoServers(t *testing.T, w *world) {
	other := s3fake.New(s3fake.Options{NoMD5: true, Region: "eu-west-3"}, "elsewhere")
	web := httptest.NewServer(other)
	t.Cleanup(web.Close)
	here := w.manager()
	c := s3.New(s3.Options{BaseEndpoint: &web.URL, UsePathStyle: true, Region: "eu-west-3", HTTPClient: &http.Client{Transport: w.transport},
		Credentials: credentials.NewStaticCredentialsProvider("OTHER", "secret", "token")})
	there := w.managerOf(c)
	for range 2 { // in turns
		w.must(haul.Wait(here.Upload(w.ctx, haul.FromBytes(data(small)), w.put("two"))))
		w.must(haul.Wait(there.Upload(w.ctx, haul.FromBytes(data(small+1)), &s3.PutObjectInput{Bucket: ptr("elsewhere"), Key: ptr("two")})))
	}
	if o, ok := w.Fake.Object(w.Bucket, "two"); !ok || o.Size != small {
		t.Errorf("here: got %v, %v, want %d bytes", o, ok, small)
	}
	if o, ok := other.Object("elsewhere", "two"); !ok || o.Size != small+1 {
		t.Errorf("there: got %v, %v, want %d bytes", o, ok, small+1)
	}
	for _, r := range other.Requests() {
		if a := r.Header.Get("Authorization"); !strings.Contains(a, "OTHER/") || !strings.Contains(a, "/eu-west-3/") || r.Header.Get("X-Amz-Security-Token") != "token" {
			t.Errorf("there: got Authorization %q, want the other client's region and credentials", a)
		}
	}
}

func testOtherRegion(t *testing.T, w *world) {
	m := w.managerOf(w.client(func(o *s3.Options) { o.Region = "ap-south-2" })) // the bucket is elsewhere
	w.Fake.Reset()
	var b bytes.Buffer
	w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(small)), w.put("region"))))
	first := len(w.Fake.Requests())
	w.must(haul.Wait(m.Download(w.ctx, w.get("region"), haul.ToWriter(&b))))
	same(t, "download from another region", b.Bytes(), small)
	if n := len(w.Fake.Requests()) - first; first != 2 || n != 1 {
		t.Errorf("got %d requests up and %d down, want 2, as the first is sent to the wrong region, and 1", first, n)
	}
	for _, o := range w.operations(t.TempDir()) {
		f, err := o.begin(w.ctx, w.managerOf(w.client(func(o *s3.Options) { o.Region = "ap-south-2" })))
		w.must(haul.Wait(f, err))
		o.right(t)
	}
	// A server's word becomes part of a host name: only a region is taken.
	var asked atomic.Int32
	w.intercept(func(_ string, _ http.Handler, rw http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		rw.Header().Set("X-Amz-Bucket-Region", "evil.example/")
		refuse(rw, r, http.StatusMovedPermanently, "PermanentRedirect")
	})
	_, err := haul.Wait(w.manager().Upload(w.ctx, haul.FromBytes(data(small)), w.put("region")))
	if apiCode(err) != "PermanentRedirect" || asked.Load() != 1 {
		t.Errorf("redirect to no region: got %v after %d requests, want PermanentRedirect after 1", err, asked.Load())
	}
}

func testSinkContracts(t *testing.T, w *world) {
	m := w.manager()
	key := w.engine.name + "/sinks"
	w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(bigData()), w.put(key))))
	path := filepath.Join(t.TempDir(), "f")
	const before = 100
	if err := os.WriteFile(path, make([]byte, before), 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(0, io.SeekEnd); err != nil {
		t.Fatal(err)
	}
	w.must(haul.Wait(m.Download(w.ctx, w.get(key), haul.ToWriter(f)))) // from where it stands
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sameAs(t, "writer that stands at 100", b[before:], big)
	w.must(haul.Wait(m.Download(w.ctx, w.get(key), haul.ToWriterAt(f)))) // from offset 0, wherever it stands
	if b, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	sameAs(t, "writer by position", b[:big], big)
	short := writerFunc(func(p []byte) (int, error) { return len(p) - 1, nil })
	if _, err := haul.Wait(m.Download(w.ctx, w.get(key), haul.ToWriter(short))); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("writer that takes less: got %v, want io.ErrShortWrite", err)
	}
	full := errors.New("disk full")
	failing := writerFunc(func([]byte) (int, error) { return 0, full })
	if _, err := haul.Wait(m.Download(w.ctx, w.get(key), haul.ToWriter(failing))); !errors.Is(err, full) {
		t.Errorf("writer that fails: got %v, want its error", err)
	}
}

func testSourceOffset(t *testing.T, w *world) {
	m := w.manager()
	key := w.engine.name + "/offset"
	for _, size := range []int64{small, big} {
		r := bytes.NewReader(data(size))
		if _, err := r.Seek(100, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		up := w.must(haul.Wait(m.Upload(w.ctx, haul.FromReader(r), w.put(key))))
		if up.Size != size-100 {
			t.Errorf("seeker that stands at 100 of %d: got %d bytes", size, up.Size)
		}
		var b bytes.Buffer
		w.must(haul.Wait(m.Download(w.ctx, w.get(key), haul.ToWriter(&b))))
		if bad, ok := testbody.Check(b.Bytes(), seed, 100); !ok {
			t.Errorf("seeker that stands at 100 of %d: byte %d is wrong", size, bad)
		}
		if at, _ := r.Seek(0, io.SeekCurrent); at != 100 {
			t.Errorf("the caller's offset: got %d, want it left at 100", at)
		}
	}
}

func testObjectChanges(t *testing.T, w *world) {
	m := w.manager()
	for _, c := range [][2]string{{"download-parts", "GetObject"}, {"download-ordered", "GetObject"}, {"copy-parts", "UploadPartCopy"}} {
		o := w.operation(c[0])
		var n atomic.Int32
		var change sync.Once
		w.intercept(func(op string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
			if op == c[1] && (n.Add(1) > 1 || op == "UploadPartCopy") {
				change.Do(func() { w.Fake.Put(w.Bucket, "source-big", make([]byte, big), nil) })
			}
			next.ServeHTTP(rw, r)
		})
		f, err := o.begin(w.ctx, m)
		_, err = haul.Wait(f, err)
		var modified *haul.ObjectModifiedError
		var answer interface{ HTTPStatusCode() int }
		if !errors.As(err, &modified) || !errors.As(err, &answer) || answer.HTTPStatusCode() != http.StatusPreconditionFailed {
			t.Errorf("%s: got %v, want an *ObjectModifiedError around a 412", o.name, err)
		} else if modified.ETag == "" || modified.Key == "" {
			t.Errorf("%s: got %+v, want key and ETag in it", o.name, modified)
		}
		o.untouched(t)
		w.nothingOpen(t)
	}
}

func testContentRange(t *testing.T, w *world) {
	m := w.manager()
	for name, wrong := range map[string]string{
		"shifted": "bytes 1-5242880/" + fmt.Sprint(big), "longer": "bytes 5242880-10485767/" + fmt.Sprint(big),
		"other-size": "bytes 5242880-10485759/99999999", "garbage": "octets 1", "missing": "",
	} {
		o := w.operation("download-parts")
		asked := make(chan struct{})
		var once sync.Once
		w.intercept(func(_ string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.Header.Get("Range"), "bytes=5242880-") {
				next.ServeHTTP(&waitWriter{ResponseWriter: rw, left: part, until: asked, ctx: r.Context()}, r)
				return
			}
			once.Do(func() { close(asked) })
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			for k, v := range answer.Header() {
				rw.Header()[k] = v
			}
			rw.Header().Set("Content-Range", wrong)
			if wrong == "" {
				rw.Header().Del("Content-Range")
			}
			rw.WriteHeader(answer.Code)
			_, _ = rw.Write(answer.Body.Bytes()) // the client may have gone
		})
		f, err := o.begin(w.ctx, m)
		if _, err = haul.Wait(f, err); err == nil {
			t.Errorf("%s Content-Range: got success, want an error", name)
		}
		o.untouched(t)
	}
}

// waitWriter writes so many bytes of the body, and the rest only when until is
// closed.
type waitWriter struct {
	http.ResponseWriter
	left  int64
	until <-chan struct{}
	ctx   context.Context
}

func (w *waitWriter) Write(p []byte) (n int, err error) {
	if int64(len(p)) > w.left {
		if n, err = w.ResponseWriter.Write(p[:w.left]); err != nil {
			return n, err
		}
		w.left = math.MaxInt64
		_ = http.NewResponseController(w.ResponseWriter).Flush() // else what is written may not leave
		select {
		case <-w.until:
		case <-w.ctx.Done():
			return n, w.ctx.Err()
		}
	}
	w.left -= int64(len(p))
	m, err := w.ResponseWriter.Write(p[n:])
	return n + m, err
}

func testOnePolicy(t *testing.T, w *world) {
	// Attempts are counted, for every kind of transfer alike.
	m := w.manager(func(o *haul.Options) { o.MaxAttempts = 2 })
	for _, o := range w.operations(t.TempDir()) {
		last := o.requests[len(o.requests)-1]
		var n atomic.Int32
		w.intercept(func(op string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
			if op == last {
				n.Add(1)
				refuse(rw, r, http.StatusServiceUnavailable, "SlowDown")
				return
			}
			next.ServeHTTP(rw, r)
		})
		f, err := o.begin(w.ctx, m)
		_, err = haul.Wait(f, err)
		var e *haul.RetriesExceededError
		if !errors.As(err, &e) || e.Attempts != 2 || apiCode(err) != "SlowDown" || n.Load() != 2 {
			t.Errorf("%s: got %v after %d requests, want a *RetriesExceededError of 2 attempts around SlowDown", o.name, err, n.Load())
		}
		o.untouched(t)
	}
	// A download goes on inside a part, from the first byte that is missing.
	o := w.operation("download-parts")
	var cut atomic.Int32
	w.intercept(func(_ string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
		if cut.Add(1) <= 3 {
			next.ServeHTTP(&cutWriter{ResponseWriter: rw, left: slice + 100}, r)
			return
		}
		next.ServeHTTP(rw, r)
	})
	w.Fake.Reset()
	f, err := o.begin(w.ctx, w.manager())
	w.must(haul.Wait(f, err))
	o.right(t)
	inside := 0
	for _, r := range w.Fake.Requests() {
		if spec, err := plan.ParseRange(r.Header.Get("Range")); err == nil {
			if at, err := spec.Resolve(big); err == nil && at.Offset%part >= slice {
				inside++
			}
		}
	}
	if inside == 0 {
		t.Error("after a broken answer: every request began at a part, want one that goes on inside")
	}
}

func testAnonymous(t *testing.T, w *world) {
	m := w.managerOf(w.client(func(o *s3.Options) { o.Credentials = aws.AnonymousCredentials{} }))
	for _, o := range w.operations(t.TempDir()) {
		f, err := o.begin(w.ctx, m)
		w.must(haul.Wait(f, err))
		o.right(t)
	}
	for _, r := range w.Fake.Requests() {
		if r.Header.Get("Authorization") != "" {
			t.Errorf("%s: got an Authorization header, want none", r.Op)
		}
	}
}

func testExpress(t *testing.T, w *world) {
	const bucket = "quick--use1-az4--x-s3"
	w.Fake.CreateBucket(bucket)
	m := w.managerOf(w.client(w.ownTransport)) // the client asks for sessions by itself
	for _, size := range []int64{small, big} {
		w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(size)), &s3.PutObjectInput{Bucket: ptr(bucket), Key: ptr("express")})))
		var b bytes.Buffer
		w.must(haul.Wait(m.Download(w.ctx, &s3.GetObjectInput{Bucket: ptr(bucket), Key: ptr("express")}, haul.ToWriter(&b))))
		sameAs(t, "express", b.Bytes(), size)
	}
	if n := w.Fake.Count("CreateSession"); n != 1 {
		t.Errorf("got %d sessions, want 1 for all requests", n)
	}
	for _, r := range w.Fake.Requests() {
		if r.Op != "CreateSession" && r.Header.Get("X-Amz-S3session-Token") == "" {
			t.Errorf("%s: got no session token, want one", r.Op)
		}
	}
}

// toFake carries requests for any host to the fake, as its path style.
type toFake struct {
	fake   http.Handler
	bucket string
	mu     sync.Mutex
	seen   []*http.Request // guarded by mu
}

func (f *toFake) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	f.seen = append(f.seen, r.Clone(r.Context()))
	f.mu.Unlock()
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	in.URL.Path = "/" + f.bucket + in.URL.Path
	in.RequestURI = in.URL.RequestURI()
	answer := httptest.NewRecorder()
	f.fake.ServeHTTP(answer, in)
	resp := answer.Result()
	resp.Request = r
	if resp.ContentLength < 0 {
		resp.ContentLength = int64(answer.Body.Len())
	}
	return resp, nil
}

func testMultiRegion(t *testing.T, w *world) {
	const arn = "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap"
	fake := &toFake{fake: s3fake.New(s3fake.Options{NoMD5: true}, "behind"), bucket: "behind"}
	c := s3.New(s3.Options{Region: "us-east-1", HTTPClient: &http.Client{Transport: fake},
		Credentials: credentials.NewStaticCredentialsProvider(w.AccessKey, w.SecretKey, "")})
	m := w.managerOf(c)
	for _, size := range []int64{small, big} {
		w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(size)), &s3.PutObjectInput{Bucket: ptr(arn), Key: ptr("a b")})))
		var b bytes.Buffer
		w.must(haul.Wait(m.Download(w.ctx, &s3.GetObjectInput{Bucket: ptr(arn), Key: ptr("a b")}, haul.ToWriter(&b))))
		sameAs(t, "multi-region", b.Bytes(), size)
	}
	for _, r := range fake.seen {
		if r.URL.Host != "mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com" || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-ECDSA-P256-SHA256 ") {
			t.Errorf("got host %s, Authorization %q, want the access point and SigV4a", r.URL.Host, r.Header.Get("Authorization"))
		}
	}
}

func testObjectLambda(t *testing.T, w *world) {
	m := w.manager()
	const arn = "arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/mine"
	_, up := m.Upload(w.ctx, haul.FromBytes(nil), &s3.PutObjectInput{Bucket: ptr(arn), Key: ptr("k")})
	_, down := m.Download(w.ctx, &s3.GetObjectInput{Bucket: ptr(arn), Key: ptr("k")}, haul.ToWriter(io.Discard))
	_, del := m.Delete(w.ctx, &s3.DeleteObjectInput{Bucket: ptr(arn), Key: ptr("k")})
	_, cp := m.Copy(w.ctx, &s3.CopyObjectInput{Bucket: ptr(arn), Key: ptr("k"), CopySource: ptr(w.Bucket + "/k")})
	_, from := m.Copy(w.ctx, &s3.CopyObjectInput{Bucket: &w.Bucket, Key: ptr("k"), CopySource: ptr(arn + "/object/k")})
	for name, err := range map[string]error{"Upload": up, "Download": down, "Delete": del, "Copy": cp, "Copy from": from} {
		if err == nil || !strings.Contains(err.Error(), "Object Lambda") {
			t.Errorf("%s: got %v, want an error at once that names Object Lambda", name, err)
		}
	}
}

func testPartNumber(t *testing.T, w *world) {
	m := w.manager()
	w.seedParts("parts", [][]byte{data(part), make([]byte, part+3), []byte("c")})
	for number, want := range map[int32]int64{1: part, 2: part + 3, 3: 1} {
		in := w.get("parts")
		in.PartNumber = &number
		var b bytes.Buffer
		r := w.must(haul.Wait(m.Download(w.ctx, in, haul.ToWriter(&b))))
		if r.Size != want || int64(b.Len()) != want {
			t.Errorf("part %d: got %d bytes, Result.Size %d, want %d", number, b.Len(), r.Size, want)
		}
	}
	in := w.get("parts")
	in.PartNumber, in.Range = ptr(int32(1)), ptr("bytes=0-1")
	if _, err := m.Download(w.ctx, in, haul.ToWriter(io.Discard)); err == nil {
		t.Error("Range and PartNumber together: got success, want an error at once")
	}
	o, _ := w.object("parts")
	in = w.get("parts")
	in.IfNoneMatch = &o.ETag
	_, err := haul.Wait(m.Download(context.WithoutCancel(w.ctx), in, haul.ToWriter(io.Discard)))
	var answer interface{ HTTPStatusCode() int }
	if !errors.As(err, &answer) || answer.HTTPStatusCode() != http.StatusNotModified {
		t.Errorf("If-None-Match with its ETag: got %v, want an error with status 304", err)
	}
	in = w.get("parts")
	in.Range = ptr("bytes=99999999-")
	if _, err := haul.Wait(m.Download(w.ctx, in, haul.ToWriter(io.Discard))); apiCode(err) != "InvalidRange" {
		t.Errorf("Range beyond the end: got %v, want InvalidRange", err)
	}
}
