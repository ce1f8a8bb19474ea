package managertest_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/haul-s3/haul/internal/managertest"
	"github.com/haul-s3/haul/internal/s3fake"
)

// TestConformance runs the suite against the strict fake. Package
// sandbox/conformance runs it against versitygw.
func TestConformance(t *testing.T) {
	fake := s3fake.New(s3fake.Options{NoMD5: true, Region: "us-east-1"}, "bucket")
	type wrapper = func(h http.Handler, w http.ResponseWriter, r *http.Request)
	var wrap atomic.Pointer[wrapper]
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := wrap.Load(); f != nil && *f != nil {
			(*f)(fake, w, r)
			return
		}
		fake.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	managertest.Run(t, &managertest.Server{
		Name: "s3fake", Endpoint: web.URL, AccessKey: "test", SecretKey: "test", Region: "us-east-1", Bucket: "bucket",
		Fake: fake, Wrap: func(f func(http.Handler, http.ResponseWriter, *http.Request)) { wrap.Store(&f) },
	})
}
