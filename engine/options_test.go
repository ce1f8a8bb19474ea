package engine_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/serialize"
)

func TestBadOptions(t *testing.T) {
	for name, c := range map[string]struct {
		o    engine.Options
		want string
	}{
		"threads":         {engine.Options{NumThreads: -1}, "NumThreads is -1"},
		"target":          {engine.Options{TargetThroughput: -5}, "TargetThroughput is -5"},
		"target-nan":      {engine.Options{TargetThroughput: math.NaN()}, "TargetThroughput is NaN"},
		"part-size":       {engine.Options{PartSize: 1 << 20}, "PartSize is 1048576"},
		"part-too-big":    {engine.Options{PartSize: 6 << 30}, "PartSize is 6442450944"},
		"connections":     {engine.Options{MaxConnections: -2}, "MaxConnections is -2"},
		"memory":          {engine.Options{MemoryLimit: -1}, "MemoryLimit is -1"},
		"bundle":          {engine.Options{CABundle: "no-such-file.pem"}, "no-such-file.pem"},
		"several-at-once": {engine.Options{NumThreads: -1, MemoryLimit: -1}, "MemoryLimit is -1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := engine.New(c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestEmptyBundle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(path, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.New(engine.Options{CABundle: path}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want an error that names %s", err, path)
	}
}

func TestLanesFollowTheTarget(t *testing.T) {
	for target, want := range map[float64]int{0: 25, engine.Gbps(1): 10, engine.Gbps(12.8): 32, engine.Gbps(100): 250} {
		c, err := engine.New(engine.Options{TargetThroughput: target})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Stats().Lanes; got != want {
			t.Errorf("target of %v bytes/s: %d lanes, want %d", target, got, want)
		}
	}
	c, err := engine.New(engine.Options{TargetThroughput: engine.Gbps(100), MaxConnections: 7})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Stats().Lanes; got != 7 {
		t.Errorf("MaxConnections of 7: %d lanes", got)
	}
}

func TestGbps(t *testing.T) {
	if got := engine.Gbps(10); got != 1.25e9 {
		t.Errorf("Gbps(10) is %v bytes/s, want 1.25e9", got)
	}
}

// TestTLS says what each of the options does about a server whose certificate
// the system doesn't know.
func TestTLS(t *testing.T) {
	web := httptest.NewTLSServer(s3fake.New(s3fake.Options{}, "b"))
	defer web.Close()
	web.Config.ErrorLog = nil
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	if err := os.WriteFile(bundle, block, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		o  engine.Options
		ok bool
	}{
		"verified-by-default": {engine.Options{}, false},
		"bundle":              {engine.Options{CABundle: bundle}, true},
		"not-verified":        {engine.Options{InsecureSkipVerify: true}, true},
		"own-config":          {engine.Options{TLS: &tls.Config{InsecureSkipVerify: true}}, true},
		"own-config-wins":     {engine.Options{TLS: &tls.Config{}, InsecureSkipVerify: true, CABundle: bundle}, false},
		"own-round-tripper":   {engine.Options{HTTP: web.Client().Transport}, true},
	} {
		t.Run(name, func(t *testing.T) {
			err := put(t, c.o, web.URL)
			if (err == nil) != c.ok {
				t.Errorf("got %v, want success: %v", err, c.ok)
			}
		})
	}
}

// TestDisableSSL sends to an https endpoint over plain HTTP.
func TestDisableSSL(t *testing.T) {
	web := httptest.NewServer(s3fake.New(s3fake.Options{}, "b"))
	defer web.Close()
	https := strings.Replace(web.URL, "http://", "https://", 1)
	if err := put(t, engine.Options{DisableSSL: true}, https); err != nil {
		t.Error(err)
	}
	if err := put(t, engine.Options{}, https); err == nil {
		t.Error("an https endpoint was spoken to without TLS")
	}
}

func put(t *testing.T, o engine.Options, endpoint string) error {
	t.Helper()
	c, err := newClient(o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	sdk := s3.New(s3.Options{
		BaseEndpoint: &endpoint, UsePathStyle: true, Region: "us-east-1",
		Credentials: testKeys,
	})
	job := uploadJob("k", body.FromBytes([]byte("hello")))
	job.Retry.MaxAttempts = 2
	_, err = c.Driver(serialize.New(sdk)).Transfer(context.Background(), job, &events{})
	return err
}

// countingTripper answers everything with success.
type countingTripper struct{ n int }

func (c *countingTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n++
	_, _ = io.Copy(io.Discard, r.Body)
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(nil)), Request: r}, r.Body.Close()
}

// TestHTTP has the caller's round-tripper carry the requests.
func TestHTTP(t *testing.T) {
	rt := &countingTripper{}
	if err := put(t, engine.Options{HTTP: rt}, "https://s3.invalid"); err != nil || rt.n != 1 {
		t.Errorf("got %v after %d requests", err, rt.n)
	}
}

// watchedFS notes how many goroutines read files at once.
type watchedFS struct {
	body.OS
	inside, most atomic.Int64
}

func (f *watchedFS) Open(name string) (body.File, error) {
	file, err := f.OS.Open(name)
	return &watchedFile{file, f}, err
}

type watchedFile struct {
	body.File
	fs *watchedFS
}

func (f *watchedFile) ReadAt(p []byte, off int64) (int, error) {
	n := f.fs.inside.Add(1)
	defer f.fs.inside.Add(-1)
	for most := f.fs.most.Load(); n > most && !f.fs.most.CompareAndSwap(most, n); most = f.fs.most.Load() {
	}
	runtime.Gosched() // lets the others in, if they may
	return f.File.ReadAt(p, off)
}

func TestNumThreads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, content(16<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, engine.Options{NumThreads: 1})
	fs := &watchedFS{}
	job := uploadJob("k", body.FromFile(path))
	job.FS = fs
	if _, err := w.driver.Transfer(context.Background(), job, &events{}); err != nil {
		t.Fatal(err)
	}
	if most := fs.most.Load(); most != 1 {
		t.Errorf("%d goroutines were in a file call at once, want 1", most)
	}
}
