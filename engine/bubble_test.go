package engine_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/internal/testbody"
	"github.com/haul-s3/haul/serialize"
)

// bubble is a world without a network, so that its time can be synctest's.
type bubble struct {
	server *s3fake.Server
	client *engine.Client
	driver driver.Driver
	// trip stands between the client and the server; nil: nothing does.
	trip func(r *http.Request, next http.RoundTripper) (*http.Response, error)
}

func newBubble(t *testing.T, o engine.Options) *bubble {
	t.Helper()
	w := &bubble{server: s3fake.New(s3fake.Options{NoMD5: true}, "b")}
	o.HTTP = w
	var err error
	if w.client, err = engine.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s := w.client.Stats(); s.LanesBusy != 0 || s.MemoryInUse != 0 {
			t.Errorf("left behind: %+v", s)
		}
	})
	sdk := s3.New(s3.Options{BaseEndpoint: aws.String("http://s3.test"), UsePathStyle: true, Region: "us-east-1", Credentials: testKeys})
	w.driver = w.client.Driver(serialize.New(sdk))
	return w
}

// RoundTrip has trip answer, or the server.
func (w *bubble) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.trip != nil {
		return w.trip(r, served{w.server})
	}
	return served{w.server}.RoundTrip(r)
}

// served is a server as a RoundTripper.
type served struct{ h http.Handler }

func (s served) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if r.Body == nil {
		r.Body = http.NoBody
	}
	r.RequestURI = r.URL.RequestURI()
	resp := record(s.h, r).Result()
	resp.Body = &patientBody{ReadCloser: resp.Body, ctx: r.Context()}
	return resp, nil
}

// patientBody is an answer's body that ends with the request's context.
type patientBody struct {
	io.ReadCloser
	ctx context.Context
}

func (b *patientBody) Read(p []byte) (int, error) {
	if err := context.Cause(b.ctx); err != nil {
		return 0, err
	}
	return b.ReadCloser.Read(p)
}

// opOf is the operation of a request for an object.
func opOf(r *http.Request) string {
	switch {
	case r.Method == http.MethodGet:
		return "GetObject"
	case r.Method == http.MethodPut && r.URL.Query().Has("partNumber"):
		return "UploadPart"
	}
	return r.Method
}

// pause waits, unless the context ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// record has h answer r.
func record(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := &sized{ResponseRecorder: httptest.NewRecorder()}
	h.ServeHTTP(w, r)
	w.Body = bytes.NewBuffer(w.b[:w.n])
	return w.ResponseRecorder
}

// sized makes room for a body before it comes: with the race detector, memory
// that is left for more of it is what takes the time.
type sized struct {
	*httptest.ResponseRecorder
	b []byte
	n int // bytes of the body in b
}

func (w *sized) WriteHeader(status int) {
	w.ResponseRecorder.WriteHeader(status)
	n, _ := strconv.Atoi(w.Header().Get("Content-Length")) // 0: it grows
	w.b = make([]byte, n)
}

func (w *sized) Write(p []byte) (int, error) {
	if more := w.n + len(p) - len(w.b); more > 0 {
		w.b = append(w.b, make([]byte, more)...)
	}
	n := testbody.Copy(w.b[w.n:], p)
	w.n += n
	return n, nil
}
