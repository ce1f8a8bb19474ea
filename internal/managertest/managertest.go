// Package managertest is the conformance suite: many small tests of package
// haul, each run on the engine and on the classic driver, against whichever S3
// server is given. What both engines promise stands here and nowhere else, so
// that they can't drift apart.
//
// A test may be left out for a server only by the table in skips.go: it is then
// skipped, with its reason, and Run prints the table of what was left out once
// with the results. What only costs time, among the short tests or under the
// race detector, is left out where it stands.
package managertest

import (
	"context"
	"net/http"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/internal/testbody"
)

// Server is the S3 that the suite runs against.
type Server struct {
	Name      string // "s3fake", "versitygw"
	Endpoint  string
	AccessKey string
	SecretKey string
	Region    string
	Bucket    string         // exists
	Fake      *s3fake.Server // nil unless it is the fake
	// Wrap, where the server can, puts a handler in front of it for a test and
	// takes it away again with nil.
	Wrap func(func(h http.Handler, w http.ResponseWriter, r *http.Request))
}

// Client returns an SDK client for the server.
func (s *Server) Client(optFns ...func(*s3.Options)) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: &s.Endpoint, UsePathStyle: true, Region: s.Region,
		Credentials: s.keys(),
	}, optFns...)
}

func (s *Server) keys() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: s.AccessKey, SecretAccessKey: s.SecretKey}, nil
	})
}

// engine is one of the ways to make a Manager.
type engine struct {
	name string
	over string // "-over-" and what carries the requests, if it isn't the engine's own choice
	make func(c *s3.Client, optFns ...func(*haul.Options)) (*haul.Manager, error)
}

// The one line that differs.
var engines = []engine{
	{name: "engine", make: func(c *s3.Client, o ...func(*haul.Options)) (*haul.Manager, error) {
		return haul.NewFromClient(c, o...)
	}},
	{name: "classic", make: func(c *s3.Client, o ...func(*haul.Options)) (*haul.Manager, error) {
		return haul.NewClassic(c, o...)
	}},
	{name: "engine", over: "-over-nethttp", make: newOverNetHTTP},
}

// conformanceTest is one test of the suite.
type conformanceTest struct {
	name string
	run  func(t *testing.T, w *world) // nil if others show all of it
	// shown are the names of tests that show it too, or a part of it. They are
	// run again only if they haven't passed before.
	shown []string
}

// Run runs the whole suite against a server, on the engines of these names
// ("engine", "classic") or on all if none is given.
func Run(t *testing.T, s *Server, names ...string) {
	if len(names) == 0 {
		names = []string{"engine", "classic"}
	}
	defer printSkips(t, s.Name)
	for _, e := range engines {
		if !slices.Contains(names, e.name) {
			continue
		}
		t.Run(e.name+e.over, func(t *testing.T) {
			if e.over != "" && testing.Short() {
				t.Skip("the whole suite once more")
			}
			p := pass{s: s, e: e, passed: map[string]bool{}}
			for _, c := range suite() {
				t.Run(c.name, func(t *testing.T) { p.perform(t, c) })
			}
		})
	}
}

// pass is one run of the suite on one engine.
type pass struct {
	s      *Server
	e      engine
	passed map[string]bool // by name of the test
}

func (p *pass) perform(t *testing.T, c conformanceTest) {
	if reason, ok := skipped(c.name, p.s.Name); ok {
		t.Skip(reason)
	}
	for _, name := range c.shown {
		if !p.passed[name] {
			t.Run(name, func(t *testing.T) { p.perform(t, find(t, name)) })
		}
	}
	if c.run != nil {
		c.run(t, newWorld(t, p.s, p.e))
	}
	p.passed[c.name] = !t.Failed()
}

// find is the test of a name.
func find(t *testing.T, name string) conformanceTest {
	t.Helper()
	for _, c := range suite() {
		if c.name == name {
			return c
		}
	}
	t.Fatalf("no test %s", name)
	return conformanceTest{}
}

// suite is every test, by subject.
func suite() []conformanceTest {
	var all []conformanceTest
	for _, group := range [][]conformanceTest{transferTests, lifecycleTests, inputTests, badInputTests, checksumTests, etagTests, keyedTests, secureTests, nthTests, faultTests, parityTests} {
		all = append(all, group...)
	}
	return all
}

// world is what a test has: a server, an engine, and a context that bounds it.
type world struct {
	*Server
	t         *testing.T
	engine    engine
	ctx       context.Context
	transport *http.Transport // of the classic driver's client, so that it can be closed
}

func newWorld(t *testing.T, s *Server, e engine) *world {
	if s.Fake != nil {
		s.Fake.Clear() // or the bodies of all tests would be kept
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	w := &world{Server: s, t: t, engine: e, ctx: ctx, transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		cancel()
		w.transport.CloseIdleConnections()
		w.noGoroutines(before)
	})
	return w
}

// client returns an SDK client for the server.
func (w *world) client(optFns ...func(*s3.Options)) *s3.Client {
	if w.engine.name == "classic" {
		optFns = append([]func(*s3.Options){func(o *s3.Options) { o.HTTPClient = &http.Client{Transport: w.transport} }}, optFns...)
	}
	return w.Client(optFns...)
}

// manager returns a Manager with parts of 5 MiB, which is shut down when the
// test ends.
func (w *world) manager(optFns ...func(*haul.Options)) *haul.Manager {
	w.t.Helper()
	return w.managerOf(w.client(), optFns...)
}

// managerOf is manager for a client of the test's own.
func (w *world) managerOf(c *s3.Client, optFns ...func(*haul.Options)) *haul.Manager {
	w.t.Helper()
	m, err := w.engine.make(c, append([]func(*haul.Options){func(o *haul.Options) {
		o.PartSize, o.MultipartThreshold = part, part
		o.BackoffBase, o.BackoffThrottle = time.Millisecond, time.Millisecond
	}}, optFns...)...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := m.ShutdownNow(context.WithoutCancel(w.ctx), nil); err != nil {
			w.t.Errorf("shutdown: %v", err)
		}
	})
	return m
}

// part is the part size of the suite.
const part = s3api.MinPartSize

// seed of every body: what stands at an offset tells the offset.
const seed = 42

func data(size int64) []byte {
	b := make([]byte, size)
	testbody.Fill(b, seed, 0)
	return b
}

func (w *world) put(key string) *s3.PutObjectInput {
	return &s3.PutObjectInput{Bucket: &w.Bucket, Key: aws.String(key)}
}

func (w *world) get(key string) *s3.GetObjectInput {
	return &s3.GetObjectInput{Bucket: &w.Bucket, Key: aws.String(key)}
}

// must fails the test on an error.
func (w *world) must(r *haul.Result, err error) *haul.Result {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}
