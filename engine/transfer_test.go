package engine_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/retry"
	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/internal/testbody"
	"github.com/haul-s3/haul/serialize"
)

// world is a server, a client and a driver for one test.
type world struct {
	server *s3fake.Server
	client *engine.Client
	driver driver.Driver
	// wrap, if one is stored, stands between the network and the server. Requests
	// may be on their way while a test stores another.
	wrap atomic.Pointer[wrapper]
}

type wrapper = func(h http.Handler, rw http.ResponseWriter, r *http.Request)

// between puts a wrapper between the network and the server; nil takes it away.
func (w *world) between(f wrapper) {
	if f == nil {
		w.wrap.Store(nil)
		return
	}
	w.wrap.Store(&f)
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if wrap := w.wrap.Load(); wrap != nil {
		(*wrap)(w.server, rw, r)
		return
	}
	w.server.ServeHTTP(rw, r)
}

func newWorld(t *testing.T, o engine.Options) *world {
	t.Helper()
	return newWorldOn(t, o, nil)
}

// newWorldOn is newWorld with a server that tells state of its connections.
func newWorldOn(t *testing.T, o engine.Options, state func(net.Conn, http.ConnState)) *world {
	t.Helper()
	w := &world{server: s3fake.New(s3fake.Options{NoMD5: true}, "b")}
	web := httptest.NewUnstartedServer(w)
	web.Config.ConnState = state
	web.Start()
	t.Cleanup(web.Close)
	var err error
	if w.client, err = newClient(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.client.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if s := w.client.Stats(); s.LanesBusy != 0 || s.MemoryInUse != 0 {
			t.Errorf("left behind: %+v", s)
		}
	})
	sdk := s3.New(s3.Options{
		BaseEndpoint: aws.String(web.URL), UsePathStyle: true, Region: "us-east-1",
		Credentials: testKeys,
	})
	w.driver = w.client.Driver(serialize.New(sdk))
	return w
}

// events adds up what a driver tells.
type events struct {
	sum      atomic.Int64
	negative atomic.Bool
	uploadID atomic.Value
}

func (e *events) Progress(n int64) {
	if e.sum.Add(n); n < 0 {
		e.negative.Store(true)
	}
}
func (e *events) Found(int64, string) {}
func (e *events) Open(id string)      { e.uploadID.Store(id) }

func uploadJob(key string, src body.Source) *driver.Job {
	b := aws.String("b")
	k := aws.String(key)
	return &driver.Job{
		Kind: driver.Upload, Bucket: "b", Key: key, Source: src, FS: body.OS{}, Size: -1,
		PartSize: s3api.MinPartSize, Threshold: s3api.MinPartSize,
		Retry:    retry.Policy{Base: 1, ThrottleBase: 1},
		Checksum: driver.ChecksumPlan{Algorithm: checksum.CRC64NVME, Type: s3api.ChecksumFullObject, Validate: true},
		Calls: driver.InputMap{
			s3api.PutObject: &s3.PutObjectInput{Bucket: b, Key: k},
			s3api.CreateMultipartUpload: &s3.CreateMultipartUploadInput{Bucket: b, Key: k,
				ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, ChecksumType: types.ChecksumTypeFullObject},
			s3api.UploadPart:              &s3.UploadPartInput{Bucket: b, Key: k, UploadId: aws.String("UPLOADID"), PartNumber: aws.Int32(1)},
			s3api.CompleteMultipartUpload: &s3.CompleteMultipartUploadInput{Bucket: b, Key: k, UploadId: aws.String("UPLOADID")},
			s3api.AbortMultipartUpload:    &s3.AbortMultipartUploadInput{Bucket: b, Key: k, UploadId: aws.String("UPLOADID")},
			s3api.ListParts:               &s3.ListPartsInput{Bucket: b, Key: k, UploadId: aws.String("UPLOADID")},
		},
	}
}

func downloadJob(key string, sink body.Sink) *driver.Job {
	return &driver.Job{
		Kind: driver.Download, Bucket: "b", Key: key, Sink: sink, FS: body.OS{}, Size: -1,
		PartSize: 1 << 20, Threshold: 1 << 20, Retry: retry.Policy{Base: 1, ThrottleBase: 1},
		Checksum: driver.ChecksumPlan{Validate: true},
		Calls: driver.InputMap{
			s3api.GetObject: &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String(key), ChecksumMode: types.ChecksumModeEnabled},
		},
	}
}

// content is the first size bytes of what all tests move, which nobody changes.
func content(size int64) []byte {
	contents.Lock()
	defer contents.Unlock()
	if have := int64(len(contents.b)); size > have {
		contents.b = make([]byte, max(size, 32<<20))
		testbody.Fill(contents.b, 7, 0)
	}
	return contents.b[:size:size]
}

var contents struct {
	sync.Mutex
	b []byte // guarded by Mutex
}

type writerAt struct{ b []byte }

func (w *writerAt) WriteAt(p []byte, off int64) (int, error) { return testbody.Copy(w.b[off:], p), nil }

// stream is a writer that keeps what it gets: size bytes, for which it has room
// before they come.
type stream struct {
	b []byte
	n int
}

func newStream(size int) *stream { return &stream{b: make([]byte, size)} }

func (s *stream) Write(p []byte) (int, error) {
	n := testbody.Copy(s.b[s.n:], p)
	s.n += n
	return n, nil
}

// Bytes returns what came.
func (s *stream) Bytes() []byte { return s.b[:s.n] }

// TestThereAndBack moves objects of every size class through every kind of
// source and sink.
func TestThereAndBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Options{})
	const part = s3api.MinPartSize
	sizes := []int64{0, 1, part - 1, part, part + 1, 3*part + 7}
	if testing.Short() {
		sizes = []int64{0, 1, 2*part + 7}
	}
	for _, size := range sizes {
		data := content(size)
		for name, src := range map[string]body.Source{
			"bytes": body.FromBytes(data), "reader-at": body.FromReaderAt(bytes.NewReader(data), size),
			"stream": body.FromReader(io.MultiReader(bytes.NewReader(data))),
		} {
			ev := &events{}
			out, err := w.driver.Transfer(context.Background(), uploadJob(name, src), ev)
			if err != nil {
				t.Fatalf("upload %s of %d bytes: %v", name, size, err)
			}
			if !out.Checksum.Validated || out.Size != size || ev.sum.Load() != size {
				t.Errorf("upload %s of %d bytes: outcome %+v, progress %d", name, size, out, ev.sum.Load())
			}
			if o, ok := w.server.Object("b", name); !ok || !bytes.Equal(o.Data, data) {
				t.Fatalf("upload %s of %d bytes: the store has something else", name, size)
			}
		}
		file := filepath.Join(t.TempDir(), "f")
		at, stream := &writerAt{make([]byte, size)}, newStream(int(size))
		for name, sink := range map[string]body.Sink{
			"file": body.ToFile(file, body.FileOptions{}), "writer-at": body.ToWriterAt(at), "writer": body.ToWriter(stream),
		} {
			ev := &events{}
			out, err := w.driver.Transfer(context.Background(), downloadJob("stream", sink), ev)
			if err != nil {
				t.Fatalf("download of %d bytes to %s: %v", size, name, err)
			}
			if !out.Checksum.Validated || out.Size != size || ev.sum.Load() != size {
				t.Errorf("download of %d bytes to %s: outcome %+v, progress %d", size, name, out, ev.sum.Load())
			}
		}
		if !bytes.Equal(at.b, data) || !bytes.Equal(stream.Bytes(), data) {
			t.Errorf("a download of %d bytes delivered something else", size)
		}
	}
}

// TestNoContentTypeOfAnswers tells the object's content type, never that of an
// XML answer.
func TestNoContentTypeOfAnswers(t *testing.T) {
	w := newWorld(t, engine.Options{})
	out, err := w.driver.Transfer(context.Background(), uploadJob("k", body.FromBytes(content(11<<20))), &events{})
	if err != nil || out.ContentType != "" {
		t.Errorf("got %q, %v; want no content type", out.ContentType, err)
	}
}

// TestRequestsOfSmallObjects counts: one each way.
func TestRequestsOfSmallObjects(t *testing.T) {
	w := newWorld(t, engine.Options{})
	if _, err := w.driver.Transfer(context.Background(), uploadJob("k", body.FromBytes(content(1000))), &events{}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.driver.Transfer(context.Background(), downloadJob("k", body.ToWriter(io.Discard)), &events{}); err != nil {
		t.Fatal(err)
	}
	if got := len(w.server.Requests()); got != 2 {
		t.Errorf("%d requests, want 2", got)
	}
}

// TestTrailer sends the checksum behind the bytes: in signed chunks, since the
// connection is plain.
func TestTrailer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Options{})
	for _, size := range []int64{0, 1, 64 << 10, 64<<10 + 1, 12 << 20} {
		job := uploadJob("k", body.FromBytes(content(size)))
		job.Checksum.Place = driver.PlaceTrailer
		out, err := w.driver.Transfer(context.Background(), job, &events{})
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if o, _ := w.server.Object("b", "k"); !bytes.Equal(o.Data, content(size)) || !out.Checksum.Validated {
			t.Errorf("%d bytes: the store has something else, or %+v", size, out.Checksum)
		}
	}
}

// TestResume breaks every answer after some bytes; the download goes on from
// the first missing one.
func TestResume(t *testing.T) {
	w := newWorld(t, engine.Options{})
	data := content(3<<20 + 7)
	w.server.Put("b", "k", data, nil)
	var cut atomic.Int64
	w.between(func(h http.Handler, rw http.ResponseWriter, r *http.Request) {
		if cut.Add(1) <= 4 {
			rw = &cutWriter{ResponseWriter: rw, left: 300_000}
		}
		h.ServeHTTP(rw, r)
	})
	out := &writerAt{make([]byte, len(data))}
	if _, err := w.driver.Transfer(context.Background(), downloadJob("k", body.ToWriterAt(out)), &events{}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.b, data) {
		t.Error("the download delivered something else")
	}
	if got, limit := w.client.Stats().BytesReceived, int64(len(data)); got != limit {
		t.Errorf("%d bytes were received, want %d: what had arrived was asked for again", got, limit)
	}
}

// cutWriter breaks the connection after so many bytes.
type cutWriter struct {
	http.ResponseWriter
	left int
}

func (c *cutWriter) Write(p []byte) (int, error) {
	if len(p) < c.left {
		c.left -= len(p)
		return c.ResponseWriter.Write(p)
	}
	_, _ = c.ResponseWriter.Write(p[:c.left])
	_ = http.NewResponseController(c.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

// TestAbort leaves no upload behind when a part fails for good.
func TestAbort(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Options{})
	w.server.Before = func(rec *s3fake.Record, rw http.ResponseWriter, r *http.Request) bool {
		if rec.Op != "UploadPart" || r.URL.Query().Get("partNumber") != "2" {
			return false
		}
		rw.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(rw, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
		return true
	}
	_, err := w.driver.Transfer(context.Background(), uploadJob("k", body.FromBytes(content(16<<20))), &events{})
	var failure *driver.Failure
	if !errors.As(err, &failure) || failure.Part != 2 || failure.UploadID == "" {
		t.Fatalf("got %v, want a failure of part 2", err)
	}
	if n := len(w.server.Uploads()); n != 0 {
		t.Errorf("%d uploads are left", n)
	}
}

// testKeys are the credentials of the test's server.
var testKeys = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "k", SecretAccessKey: "s"}, nil
})
