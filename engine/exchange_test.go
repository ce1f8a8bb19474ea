package engine_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/internal/wire"
)

// What a child of the test binary is to do otherwise than its parent.
const (
	overNetHTTP  = "HAUL_ENGINE_TEST_OVER_NETHTTP" // set: requests go over net/http
	throughProxy = "HAUL_ENGINE_TEST_PROXY"        // set: HTTP_PROXY is set too
)

// newClient is engine.New, on the exchange that the tests run over.
func newClient(o engine.Options) (*engine.Client, error) {
	if os.Getenv(overNetHTTP) != "" && o.HTTP == nil {
		config := wire.Config{TLS: o.TLS, CABundle: o.CABundle, InsecureSkipVerify: o.InsecureSkipVerify, MaxIdle: 100}
		if transport, err := wire.NewTransport(config); err == nil {
			o.HTTP = transport
		}
	}
	return engine.New(o)
}

// runAgain runs tests of this package in a process of their own.
func runAgain(t *testing.T, run string, env ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+run, "-test.short")
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

// TestOverNetHTTP runs the tests of this package on the other exchange.
func TestOverNetHTTP(t *testing.T) {
	if testing.Short() {
		t.Skip("runs all tests of the package")
	}
	runAgain(t, ".", overNetHTTP+"=1")
}

// TestProxy has the environment's proxy used, which is read once in a process
// and never used for this machine's own addresses.
func TestProxy(t *testing.T) {
	t.Parallel()
	const endpoint = "http://s3.invalid"
	if os.Getenv(throughProxy) != "" {
		if err := put(t, engine.Options{}, endpoint); err != nil {
			t.Error(err)
		}
		return
	}
	var seen atomic.Int32
	fake := s3fake.New(s3fake.Options{}, "b")
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Host == "s3.invalid" {
			seen.Add(1)
		}
		fake.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	runAgain(t, "^TestProxy$", throughProxy+"=1", "HTTP_PROXY="+proxy.URL, "http_proxy="+proxy.URL, "NO_PROXY=", "no_proxy=")
	if n := seen.Load(); n != 1 {
		t.Errorf("%d requests came through the proxy, want 1", n)
	}
}
