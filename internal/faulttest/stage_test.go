package faulttest

import (
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/internal/s3fault"
	"github.com/haul-s3/haul/internal/testbody"
	"github.com/haul-s3/haul/internal/wire"
	"github.com/haul-s3/haul/serialize"
)

// TestMain runs more tests at once than there are processors: most of them wait.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "24"); err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "faulttest")
	if err != nil {
		panic(err)
	}
	sourceFile = filepath.Join(dir, "source")
	if err := os.WriteFile(sourceFile, bigData, 0o666); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir) // what is left is in the folder of temporary files
	os.Exit(code)
}

// sourceFile is a file with bigData, which nobody changes.
var sourceFile string

const (
	bucket   = "bucket"
	bigPart  = s3api.MinPartSize
	small    = 300_000 // bytes of a small object: more than a slice
	big      = s3api.MinPartSize + small
	piece    = 100_000 // bytes of a small object's ranges
	attempts = 3
)

// The bodies of all tests, which nobody changes.
var (
	smallData = testbody.Bytes(1, small)
	bigData   = testbody.Bytes(2, int(big))
)

// setup is what a stage is made of.
type setup struct {
	driver      string // "engine" or "classic"
	rules       []*s3fault.Rule
	refuse      func(r *http.Request) bool // requests whose connection is refused; nil: none
	impatient   bool                       // limits in time are short
	overNetHTTP bool                       // the engine's requests go through an http.RoundTripper
	options     []func(*haul.Options)
	engine      engine.Options
	client      []func(*s3.Options)
}

// impatience is a limit that an idle test reaches, and a busy machine doesn't.
const impatience = time.Second

// stage is a store with faults before it, and a Manager.
type stage struct {
	fake    *s3fake.Server
	proxy   *s3fault.Proxy
	manager *haul.Manager
	client  *engine.Client // nil on the classic driver
	url     string         // of the proxy
	dir     string         // of target files
	secrets atomic.Int32   // credentials that were given out anew
	over    chan struct{}  // closed at the end of the test: what waits for ever may go
}

func newStage(t *testing.T, c setup) *stage {
	t.Helper()
	s := &stage{fake: s3fake.New(s3fake.Options{NoMD5: true}, bucket), dir: t.TempDir(), over: make(chan struct{})}
	s.fake.Put(bucket, "small", smallData, nil)
	s.fake.Put(bucket, "big", bigData, nil)
	s.fake.Put(bucket, "doomed", smallData, nil)
	back := httptest.NewServer(s.fake)
	s.proxy = s3fault.New(back.URL, 1, c.rules...)
	s.proxy.Transport().MaxIdleConnsPerHost = 8
	front := httptest.NewUnstartedServer(s.proxy)
	front.Listener = listener{front.Listener}
	front.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return withOver(withConn(ctx, c), s.over)
	}
	front.Config.ErrorLog = log.New(io.Discard, "", 0) // broken connections are what is wanted
	front.Start()
	s.url = front.URL
	t.Cleanup(func() {
		close(s.over)
		front.CloseClientConnections()
		front.Close()
		s.proxy.Close()
		back.Close()
	})
	s.manage(t, c)
	return s
}

// manage makes the Manager, and looks at its end that it holds nothing.
func (s *stage) manage(t *testing.T, c setup) {
	t.Helper()
	transport, err := wire.NewTransport(wire.Config{})
	if err != nil {
		t.Fatal(err)
	}
	sdk := s3.New(s3.Options{
		BaseEndpoint: &s.url, UsePathStyle: true, Region: "us-east-1",
		Credentials: aws.NewCredentialsCache(aws.CredentialsProviderFunc(s.credentials)),
		HTTPClient: &http.Client{Transport: s.transport(t, c, transport),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, c.client...)
	opts := append([]func(*haul.Options){s.options(c, transport)}, c.options...)
	if c.driver == "classic" {
		s.manager, err = haul.NewClassic(sdk, opts...)
	} else {
		o := c.engine
		if c.refuse != nil || c.overNetHTTP {
			o.HTTP = s.transport(t, c, transport)
		}
		if s.client, err = engine.New(o); err == nil {
			s.manager, err = haul.NewManager(s.client, serialize.New(sdk), opts...)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.end(t)
		transport.CloseIdleConnections()
	})
}

func (s *stage) end(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.manager.ShutdownNow(ctx, nil); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	if s.client == nil {
		return
	}
	if err := s.client.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
	if stats := s.client.Stats(); stats.MemoryInUse != 0 || stats.LanesBusy != 0 {
		t.Errorf("at the end: got %d bytes and %d lanes in use, want none", stats.MemoryInUse, stats.LanesBusy)
	}
}

func (s *stage) options(c setup, transport *http.Transport) func(*haul.Options) {
	return func(o *haul.Options) {
		o.PartSize, o.MultipartThreshold, o.MaxAttempts = s3api.MinPartSize, s3api.MinPartSize, attempts
		o.AbortTimeout = 20 * time.Second
		o.BackoffBase, o.BackoffThrottle, o.BackoffMax = time.Millisecond, time.Millisecond, 10*time.Millisecond
		if c.impatient {
			o.StallTimeout, o.AnswerTimeout, o.SlowAnswerTimeout = impatience, impatience, impatience
			transport.ResponseHeaderTimeout = impatience // the SDK leaves this to its HTTP client
		}
	}
}

// transport is where requests go: to the server, or to nobody.
func (s *stage) transport(t *testing.T, c setup, below *http.Transport) http.RoundTripper {
	t.Helper()
	if c.refuse == nil {
		return below
	}
	dead, err := deadPort()
	if err != nil {
		t.Fatal(err)
	}
	return &refuser{below, dead, c.refuse}
}

// credentials gives out new ones each time.
func (s *stage) credentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: fmt.Sprintf("KEY%d", s.secrets.Add(1)), SecretAccessKey: "secret", SessionToken: "token"}, nil
}

// files are the names in the target folder.
func (s *stage) files() (names []string) {
	_ = filepath.WalkDir(s.dir, func(p string, d fs.DirEntry, _ error) error {
		if d != nil && !d.IsDir() {
			names = append(names, filepath.Base(p))
		}
		return nil
	})
	return names
}

// count is how many of the calls so far a fault may have met.
func (s *stage) count(is func(c *s3fault.Call) bool) (n int) {
	for _, c := range s.proxy.Log() {
		if is(&c) {
			n++
		}
	}
	return n
}

// noGoroutines fails the test if goroutines are left that weren't there before.
func noGoroutines(t *testing.T, before int) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for runtime.NumGoroutine() > before {
		select {
		case <-tick.C:
		case <-deadline:
			stacks := make([]byte, 1<<20)
			t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
			return
		}
	}
}
