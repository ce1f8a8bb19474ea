package engine_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/internal/throttle"
	"github.com/haul-s3/haul/serialize"
)

// slowness is how long the steps of a transfer take.
type slowness struct {
	up, down time.Duration // of each read of a request's, of an answer's body
	answer   time.Duration // until an answer comes
	throttle bool          // each request is refused at first
	disk     time.Duration // of each file call
	caller   time.Duration // of each call of the caller's reader or writer
	limit    int64         // bytes per second that the caller allows
	upload   bool
	stream   bool // a reader or an ordered writer
	position bool // an io.ReaderAt or io.WriterAt
	cpu      bool // all processors are in use
}

// pass lets fake time pass.
func pass(d time.Duration) { <-time.After(d) }

// slowServer is a server and the network to it.
type slowServer struct {
	slowness
	handler http.Handler
	refused map[string]bool // owned by the one lane there is
}

func (s *slowServer) RoundTrip(r *http.Request) (*http.Response, error) {
	if key := r.Header.Get("Range") + r.URL.RawQuery; s.throttle && !s.refused[key] {
		s.refused[key] = true
		return &http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	body := bytes.NewBuffer(make([]byte, 0, max(0, r.ContentLength)+bytes.MinRead))
	if r.Body != nil {
		if _, err := body.ReadFrom(slowReader{r.Body, s.up}); err != nil {
			return nil, err
		}
	}
	pass(s.answer)
	served := r.Clone(r.Context())
	served.Body = io.NopCloser(body)
	rec := record(s.handler, served)
	resp := rec.Result()
	resp.ContentLength = int64(rec.Body.Len())
	resp.Body = io.NopCloser(slowReader{resp.Body, s.down})
	return resp, nil
}

// slowReader takes its time for each Read that brings something.
type slowReader struct {
	r io.Reader
	d time.Duration
}

func (s slowReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p[:min(len(p), 256<<10)])
	if n > 0 {
		pass(s.d)
	}
	return n, err
}

// slowAt is memory of a caller's, or a slow disk's.
type slowAt struct {
	b []byte
	d time.Duration
}

func (s slowAt) ReadAt(p []byte, off int64) (int, error) {
	pass(s.d)
	return bytes.NewReader(s.b).ReadAt(p, off)
}

func (s slowAt) WriteAt(p []byte, off int64) (int, error) {
	pass(s.d)
	return copy(s.b[off:], p), nil
}

func (s slowAt) Write(p []byte) (int, error) {
	pass(s.d)
	return len(p), nil
}

// slowFS is the system's files on a slow disk.
type slowFS struct {
	body.OS
	d time.Duration
}

type slowFile struct {
	body.File
	d time.Duration
}

func (f slowFS) Open(name string) (body.File, error) {
	file, err := f.OS.Open(name)
	return slowFile{file, f.d}, err
}

func (f slowFS) CreateTemp(dir, prefix string) (body.File, error) {
	file, err := f.OS.CreateTemp(dir, prefix)
	return slowFile{file, f.d}, err
}

func (f slowFile) ReadAt(p []byte, off int64) (int, error) {
	pass(f.d)
	return f.File.ReadAt(p, off)
}

func (f slowFile) WriteAt(p []byte, off int64) (int, error) {
	pass(f.d)
	return f.File.WriteAt(p, off)
}

// job moves data as s says.
func (s slowness) job(t *testing.T, data []byte) *driver.Job {
	t.Helper()
	var job *driver.Job
	name := filepath.Join(t.TempDir(), "file")
	at := slowAt{data, s.caller}
	if !s.upload {
		at.b = make([]byte, len(data))
	}
	switch {
	case s.upload && s.stream:
		job = uploadJob("new", body.FromReader(slowReader{io.LimitReader(bytes.NewReader(data), int64(len(data))), s.caller}))
	case s.upload && s.position:
		job = uploadJob("new", body.FromReaderAt(at, int64(len(data))))
	case s.upload:
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		job = uploadJob("new", body.FromFile(name))
	case s.stream:
		job = downloadJob("old", body.ToWriter(at))
	case s.position:
		job = downloadJob("old", body.ToWriterAt(at))
	default:
		job = downloadJob("old", body.ToFile(name, body.FileOptions{}))
	}
	job.FS = slowFS{d: s.disk}
	if s.limit > 0 {
		job.Bandwidth = throttle.New(s.limit)
	}
	return job
}

// TestLimitedBy slows one thing down at a time, and asks a second later what
// limits.
func TestLimitedBy(t *testing.T) {
	t.Parallel()
	data := content(12 << 20)
	fake := s3fake.New(s3fake.Options{NoMD5: true}, "b")
	fake.Put("b", "old", data, nil)
	const some, little = 100 * time.Millisecond, 2 * time.Millisecond
	for name, c := range map[string]struct {
		slowness
		want engine.Limit
	}{
		"network-down":        {slowness{down: some, answer: some, disk: little}, engine.LimitNetwork},
		"network-up":          {slowness{up: some, answer: some, disk: little, upload: true}, engine.LimitNetwork},
		"server-down":         {slowness{down: little, answer: 2 * time.Second, disk: little}, engine.LimitServer},
		"server-up":           {slowness{up: little, answer: 2 * time.Second, disk: little, upload: true}, engine.LimitServer},
		"server-throttles":    {slowness{down: little, throttle: true}, engine.LimitServer},
		"disk-down":           {slowness{down: little, answer: some, disk: some}, engine.LimitDisk},
		"disk-up":             {slowness{up: little, answer: some, disk: some, upload: true}, engine.LimitDisk},
		"caller-writes":       {slowness{down: little, answer: some, caller: some, stream: true}, engine.LimitCaller},
		"caller-writes-at":    {slowness{down: little, answer: some, caller: some, position: true}, engine.LimitCaller},
		"caller-reads":        {slowness{up: little, answer: some, caller: some, stream: true, upload: true}, engine.LimitCaller},
		"caller-reads-at":     {slowness{up: little, answer: some, caller: some, position: true, upload: true}, engine.LimitCaller},
		"callers-bandwidth":   {slowness{down: little, limit: 1 << 20}, engine.LimitCaller},
		"network-of-a-writer": {slowness{down: some, answer: some, caller: little, stream: true}, engine.LimitNetwork},
		"network-of-a-reader": {slowness{up: some, answer: some, caller: little, stream: true, upload: true}, engine.LimitNetwork},
		"processors":          {slowness{down: some, answer: some, cpu: true}, engine.LimitCPU},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.check(t, fake, data, c.want) })
		})
	}
}

func (s slowness) check(t *testing.T, fake http.Handler, data []byte, want engine.Limit) {
	t.Helper()
	memory := int64(4 << 20) // which reading ahead has soon filled
	if s.upload {
		memory = 24 << 20
	}
	client, err := engine.New(engine.Options{MaxConnections: 2, MemoryLimit: memory, HTTP: &slowServer{slowness: s, handler: fake, refused: map[string]bool{}}})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if s.cpu {
		client.SetCPUTime(func() time.Duration { return 1000 * time.Since(began) })
	}
	sdk := s3.New(s3.Options{BaseEndpoint: aws.String("http://server"), UsePathStyle: true, Region: "us-east-1", Credentials: testKeys})
	job := s.job(t, data)
	job.Retry.ThrottleBase, job.Retry.Base = time.Hour, time.Hour
	job.Retry.Cap = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := client.Driver(serialize.New(sdk)).Transfer(ctx, job, &events{})
		done <- err
	}()
	pass(time.Second)
	if got := client.Stats().LimitedBy; got != want {
		t.Errorf("limited by %v, want %v", got, want)
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("the transfer was over before it was looked at")
	}
	client.SetCPUTime(func() time.Duration { return 0 })
	pass(time.Second)
	if got := client.Stats().LimitedBy; got != engine.LimitNone {
		t.Errorf("limited by %v when all is done, want %v", got, engine.LimitNone)
	}
}

// TestLimitNames reads the names.
func TestLimitNames(t *testing.T) {
	for l, want := range map[engine.Limit]string{
		engine.LimitNone: "nothing", engine.LimitNetwork: "network", engine.LimitServer: "server", engine.LimitDisk: "disk",
		engine.LimitCPU: "CPU", engine.LimitCaller: "caller", engine.LimitCaller + 1: "unknown", -1: "unknown",
	} {
		if got := l.String(); got != want {
			t.Errorf("%d is %q, want %q", int(l), got, want)
		}
	}
}

// stuck is a writer that takes one slice and then waits.
type stuck struct{ released chan struct{} }

func (s stuck) Write(p []byte) (int, error) {
	<-s.released
	return len(p), nil
}

// TestReadAheadIsBounded has a writer that takes nothing: of what is read ahead
// for it no more lies in memory than four pieces of 2 MiB for each lane.
func TestReadAheadIsBounded(t *testing.T) {
	t.Parallel()
	data := content(40 << 20)
	fake := s3fake.New(s3fake.Options{NoMD5: true}, "b")
	fake.Put("b", "old", data, nil)
	synctest.Test(t, func(t *testing.T) {
		client, err := engine.New(engine.Options{MaxConnections: 2, MemoryLimit: 1 << 30, HTTP: &slowServer{handler: fake}})
		if err != nil {
			t.Fatal(err)
		}
		sdk := s3.New(s3.Options{BaseEndpoint: aws.String("http://server"), UsePathStyle: true, Region: "us-east-1", Credentials: testKeys})
		released := make(chan struct{})
		job := downloadJob("old", body.ToWriter(stuck{released}))
		job.PartSize = 8 << 20
		done := make(chan error, 1)
		go func() {
			_, err := client.Driver(serialize.New(sdk)).Transfer(t.Context(), job, &events{})
			done <- err
		}()
		pass(time.Minute)
		if got, most := client.Stats().MemoryInUse, int64(2*4*(2<<20)); got == 0 || got > most {
			t.Errorf("%d bytes lie in memory, want some and at most %d", got, most)
		}
		close(released)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
