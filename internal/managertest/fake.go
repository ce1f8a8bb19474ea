package managertest

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/haul-s3/haul/internal/s3fake"
)

// StartFake starts the strict fake with an empty bucket. It ends with the test.
func StartFake(t *testing.T) *Server {
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
	return &Server{
		Name: "s3fake", Endpoint: web.URL, AccessKey: "test", SecretKey: "test", Region: "us-east-1", Bucket: "bucket",
		Fake: fake, Wrap: func(f func(http.Handler, http.ResponseWriter, *http.Request)) { wrap.Store(&f) },
	}
}
