package classic_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/classic"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/retry"
	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/internal/testbody"
)

const (
	mib      = 1 << 20
	partSize = 5 * mib // of uploads; S3 takes no less
	bucket   = "bucket"

	rangeSize = 512 << 10 // of downloads
)

// rig is the driver on a fake S3 of its own.
type rig struct {
	*s3fake.Server
	t      *testing.T
	client *s3.Client
	pool   *bufpool.Pool
	driver driver.Driver
}

func newRig(t *testing.T) *rig { return newRigOn(t, httptest.NewServer) }

// newRigOn is newRig on a server that start starts.
func newRigOn(t *testing.T, start func(http.Handler) *httptest.Server) *rig {
	r := &rig{Server: s3fake.New(s3fake.Options{NoMD5: true}, bucket), t: t, pool: bufpool.New(64 * mib)}
	web := start(r)
	t.Cleanup(web.Close)
	r.client = s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &web.URL, UsePathStyle: true, HTTPClient: web.Client(),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AK", SecretAccessKey: "SK"}, nil
		}),
	})
	r.driver = classic.New(r.client, classic.Config{Memory: r.pool})
	t.Cleanup(func() {
		if n := r.pool.Outstanding(); n != 0 {
			t.Errorf("got %d buffers still lent, want 0", n)
		}
		if got := r.openUploads(); got != 0 {
			t.Errorf("got %d uploads left open, want 0", got)
		}
	})
	return r
}

// openUploads counts the uploads that are left.
func (r *rig) openUploads() int {
	out, err := r.client.ListMultipartUploads(context.Background(), &s3.ListMultipartUploadsInput{Bucket: aws.String(bucket)})
	if err != nil {
		r.t.Fatal(err)
	}
	return len(out.Uploads)
}

// events keeps what a driver told.
type events struct {
	mu       sync.Mutex
	sum, max int64
	negative bool
	size     int64
	etag     string
	upload   string
	onSum    func(sum int64) // may be nil
}

func (e *events) Progress(n int64) {
	e.mu.Lock()
	e.sum += n
	e.max, e.negative = max(e.max, n), e.negative || n < 0
	sum := e.sum
	e.mu.Unlock()
	if e.onSum != nil {
		e.onSum(sum)
	}
}

func (e *events) Found(size int64, etag string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.size, e.etag = size, etag
}

func (e *events) Open(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.upload = id
}

// check compares the progress with what a transfer of size bytes must tell.
func (e *events) check(t *testing.T, size int64) {
	t.Helper()
	if e.sum != size || e.size != size || e.negative || e.max > bufpool.SliceSize {
		t.Errorf("got progress %d (negative %v, largest %d), size %d, want %d (false, at most %d), %d", e.sum, e.negative, e.max, e.size, size, bufpool.SliceSize, size)
	}
}

func newJob(kind driver.Kind, key string, calls map[s3api.Operation]any) *driver.Job {
	return &driver.Job{
		Kind: kind, Bucket: bucket, Key: key, Calls: driver.InputMap(calls), Size: -1, PartSize: partSize, Threshold: partSize,
		Retry:  retry.Policy{MaxAttempts: 3, Base: time.Millisecond, ThrottleBase: time.Millisecond, Cap: time.Millisecond},
		Limits: driver.Limits{Stall: 30 * time.Second, Abort: 5 * time.Second},
		OptFns: []func(*s3.Options){func(o *s3.Options) { o.Retryer = aws.NopRetryer{} }},
	}
}

func uploadJob(key string, src body.Source, a checksum.Algorithm, kind string) *driver.Job {
	b, k, id, n, sum := aws.String(bucket), aws.String(key), aws.String("UPLOADID"), aws.Int32(1), types.ChecksumAlgorithm(a)
	j := newJob(driver.Upload, key, map[s3api.Operation]any{
		s3api.PutObject:               &s3.PutObjectInput{Bucket: b, Key: k, ChecksumAlgorithm: sum, ContentType: aws.String("text/x"), Metadata: map[string]string{"a": "b"}},
		s3api.CreateMultipartUpload:   &s3.CreateMultipartUploadInput{Bucket: b, Key: k, ChecksumAlgorithm: sum, ChecksumType: types.ChecksumType(kind), ContentType: aws.String("text/x"), Metadata: map[string]string{"a": "b"}},
		s3api.UploadPart:              &s3.UploadPartInput{Bucket: b, Key: k, UploadId: id, PartNumber: n, ChecksumAlgorithm: sum},
		s3api.CompleteMultipartUpload: &s3.CompleteMultipartUploadInput{Bucket: b, Key: k, UploadId: id},
		s3api.AbortMultipartUpload:    &s3.AbortMultipartUploadInput{Bucket: b, Key: k, UploadId: id},
		s3api.ListParts:               &s3.ListPartsInput{Bucket: b, Key: k, UploadId: id},
		s3api.HeadObject:              &s3.HeadObjectInput{Bucket: b, Key: k},
	})
	j.Source, j.Checksum = src, driver.ChecksumPlan{Algorithm: a, Type: kind}
	return j
}

// quick is an upload with the default checksum.
func quick(key string, src body.Source) *driver.Job {
	return uploadJob(key, src, checksum.CRC64NVME, s3api.ChecksumFullObject)
}

func downloadJob(key string, sink body.Sink) *driver.Job {
	j := newJob(driver.Download, key, map[s3api.Operation]any{
		s3api.GetObject:  &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key, ChecksumMode: types.ChecksumModeEnabled},
		s3api.HeadObject: &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: &key},
	})
	j.Sink, j.Checksum.Validate = sink, true
	j.PartSize, j.Threshold = rangeSize, rangeSize
	return j
}

// content returns the first bytes of a test body.
func content(size int) []byte { return testbody.Bytes(7, size) }

// sizes are those around every boundary.
var sizes = []int{0, 1, bufpool.SliceSize - 1, bufpool.SliceSize, bufpool.SliceSize + 1, partSize - 1, partSize, 3*partSize + 7}

// plainReader hides every method but Read.
type plainReader struct{ io.Reader }

// sources are the kinds of source of the same bytes.
func sources(t *testing.T, data []byte) map[string]body.Source {
	path := filepath.Join(t.TempDir(), "source")
	writeFile(t, path, data)
	return map[string]body.Source{
		"file":     body.FromFile(path),
		"bytes":    body.FromBytes(data),
		"readerat": body.FromReaderAt(bytes.NewReader(data), int64(len(data))),
		"stream":   body.FromReader(plainReader{bytes.NewReader(data)}),
	}
}

// writerAt is memory that is written by position.
type writerAt struct {
	mu   sync.Mutex
	data []byte
}

func (w *writerAt) WriteAt(p []byte, off int64) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if need := int(off) + len(p); need > len(w.data) {
		w.data = append(w.data, make([]byte, need-len(w.data))...)
	}
	return copy(w.data[off:], p), nil
}

// sinks are the kinds of sink, each with what it has got.
func sinks(t *testing.T) map[string]func() (body.Sink, func() []byte) {
	return map[string]func() (body.Sink, func() []byte){
		"file": func() (body.Sink, func() []byte) {
			path := filepath.Join(t.TempDir(), "sink")
			return body.ToFile(path, body.FileOptions{}), func() []byte { return readFile(t, path) }
		},
		"writerat": func() (body.Sink, func() []byte) {
			w := &writerAt{}
			return body.ToWriterAt(w), func() []byte { return w.data }
		},
		"writer": func() (body.Sink, func() []byte) {
			w := &bytes.Buffer{}
			return body.ToWriter(struct{ io.Writer }{w}), w.Bytes
		},
	}
}

// same says where two bodies differ.
func same(t *testing.T, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	t.Errorf("got %d bytes, differing from byte %d on, want %d", len(got), at, len(want))
}

// requests are the operations that the fake has seen, with their numbers.
func (r *rig) requests() string {
	counts := map[string]int{}
	for _, q := range r.Requests() {
		counts[q.Op]++
	}
	return fmt.Sprint(counts)
}
