package managertest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/s3fake"
)

// What the tests of faults, cancellation and hooks have in common: every
// operation of a Manager ready to be begun, and a hand between it and the
// server.

// in is the same world for a subtest, at whose end its managers are shut down.
func (w *world) in(t *testing.T) *world {
	c := *w
	c.t = t
	return &c
}

// ownTransport gives a client the test's transport, whatever the engine: one
// that the test calls by itself must not leave connections behind.
func (w *world) ownTransport(o *s3.Options) { o.HTTPClient = &http.Client{Transport: w.transport} }

// opOf names the operation of a request.
func opOf(r *http.Request) string {
	bucket, key, err := s3fake.SplitAddress(r, "")
	if err != nil {
		return ""
	}
	return s3fake.OpName(r.Method, bucket != "", key != "", r.URL.Query(), r.Header)
}

// intercept has fn see each request of the test before the server does: it
// answers, or has next answer.
func (w *world) intercept(fn func(op string, next http.Handler, rw http.ResponseWriter, r *http.Request)) {
	w.Wrap(func(next http.Handler, rw http.ResponseWriter, r *http.Request) { fn(opOf(r), next, rw, r) })
	w.t.Cleanup(func() { w.Wrap(nil) })
}

// refuse answers with an error document, once the request's body is read.
func refuse(rw http.ResponseWriter, r *http.Request, status int, code string) {
	_, _ = io.Copy(io.Discard, r.Body) // a body that breaks off is the client's affair
	rw.Header().Set("Content-Type", "application/xml")
	rw.WriteHeader(status)
	fmt.Fprintf(rw, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>as the test wants it</Message></Error>`, code)
}

// hangingWriter writes so many bytes of an answer and then none until its
// request is given up.
type hangingWriter struct {
	http.ResponseWriter
	request context.Context
	left    int64
}

func (h *hangingWriter) Write(p []byte) (int, error) {
	n, err := h.ResponseWriter.Write(p[:min(int64(len(p)), h.left)])
	if h.left -= int64(n); n == len(p) || err != nil {
		return n, err
	}
	_ = http.NewResponseController(h.ResponseWriter).Flush() // the client may be gone
	<-h.request.Done()
	return n, h.request.Err()
}

// held is a request that the server has and doesn't answer.
type held struct {
	reached chan struct{} // closed by the server once it has the request
	release chan struct{} // closed by the test to let it go on
}

// hold stops the n-th request (from 1) of an operation until it is released or
// the client has gone away. With done it is carried out first, and only the
// answer is held.
func (w *world) hold(op string, n int32, done bool) *held {
	h := &held{make(chan struct{}), make(chan struct{})}
	var count atomic.Int32
	w.intercept(func(o string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
		if o != op || count.Add(1) != n {
			next.ServeHTTP(rw, r)
			return
		}
		b, err := io.ReadAll(r.Body) // net/http notices that the client left only then
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(b))
		answer := httptest.NewRecorder()
		if done {
			next.ServeHTTP(answer, r)
		}
		close(h.reached)
		select {
		case <-h.release:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
		if !done {
			next.ServeHTTP(rw, r)
			return
		}
		for name, values := range answer.Header() {
			rw.Header()[name] = values
		}
		rw.WriteHeader(answer.Code)
		_, _ = rw.Write(answer.Body.Bytes()) // the client may have gone
	})
	return h
}

// operation is something that a Manager does, ready to be begun.
type operation struct {
	name     string
	size     int64    // bytes that it moves
	requests []string // kinds of requests that it makes, in order
	begin    func(ctx context.Context, m *haul.Manager, opts ...haul.TransferOption) (*haul.Future, error)
	// right fails the test unless the operation has done what it should;
	// untouched, unless everything is as it was before.
	right, untouched func(t *testing.T)
}

// small and big are below and above the suite's threshold.
const (
	small = 1000
	big   = 2*part + 7
)

// bigData is data(big), which nobody changes.
var bigData = sync.OnceValue(func() []byte { return data(big) })

// old is what an operation's target is before.
var old = []byte("what was there before")

// operations are all kinds of transfers, each with a target of its own.
func (w *world) operations(dir string) []operation {
	w.seed("source-small", data(small), http.Header{"Content-Type": {"text/x-source"}})
	w.seed("source-big", bigData(), http.Header{"Content-Type": {"text/x-source"}})
	path := filepath.Join(dir, "source")
	write := sync.OnceValue(func() error { return os.WriteFile(path, bigData(), 0o666) })
	file := func() haul.Source {
		if err := write(); err != nil {
			w.t.Fatal(err)
		}
		return haul.FromFile(path)
	}
	parts := []string{"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"}
	return []operation{
		w.uploading("upload", small, []string{"PutObject"}, func() haul.Source { return haul.FromBytes(data(small)) }),
		w.uploading("upload-parts", big, parts, file),
		w.uploading("upload-stream", big, parts, func() haul.Source { return haul.FromReader(io.MultiReader(bytes.NewReader(bigData()))) }),
		w.downloading("download", small, "source-small", dir),
		w.downloading("download-parts", big, "source-big", dir),
		w.downloadingInOrder("download-ordered", big, "source-big"),
		w.copying("copy", small, "source-small", []string{"HeadObject", "CopyObject"}),
		w.copying("copy-parts", big, "source-big", []string{"HeadObject", "CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload"}),
		w.deleting("delete"),
	}
}

// sameAs is same, and quick where the bytes are those of bigData.
func sameAs(t *testing.T, what string, got []byte, size int64) {
	t.Helper()
	if size != big || !bytes.Equal(got, bigData()) {
		same(t, what, got, size)
	}
}

// operation finds one of the operations by name.
func (w *world) operation(name string) operation {
	for _, o := range w.operations(w.t.TempDir()) {
		if o.name == name {
			return o
		}
	}
	w.t.Fatalf("no operation %s", name)
	return operation{}
}

// onObject completes an operation whose target is an object.
func (w *world) onObject(o operation) operation {
	key := "target-" + o.name
	w.seed(key, old, nil)
	o.right = func(t *testing.T) {
		t.Helper()
		got, ok := w.object(key)
		if !ok {
			t.Fatalf("%s: there is no object", o.name)
		}
		sameAs(t, o.name, got.Data, o.size)
	}
	o.untouched = func(t *testing.T) {
		t.Helper()
		got, ok := w.object(key)
		if !ok || !bytes.Equal(got.Data, old) {
			t.Errorf("%s: the object that was there before was touched", o.name)
		}
	}
	return o
}

func (w *world) uploading(name string, size int64, requests []string, source func() haul.Source) operation {
	return w.onObject(operation{name: name, size: size, requests: requests,
		begin: func(ctx context.Context, m *haul.Manager, opts ...haul.TransferOption) (*haul.Future, error) {
			return m.Upload(ctx, source(), w.put("target-"+name), opts...)
		}})
}

func (w *world) copying(name string, size int64, source string, requests []string) operation {
	return w.onObject(operation{name: name, size: size, requests: requests,
		begin: func(ctx context.Context, m *haul.Manager, opts ...haul.TransferOption) (*haul.Future, error) {
			return m.Copy(ctx, &s3.CopyObjectInput{Bucket: &w.Bucket, Key: ptr("target-" + name), CopySource: ptr(copySource(w.Bucket, source))}, opts...)
		}})
}

func (w *world) downloading(name string, size int64, key, dir string) operation {
	own := filepath.Join(dir, name)
	path := filepath.Join(own, "target")
	if err := os.Mkdir(own, 0o777); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, old, 0o666); err != nil {
		w.t.Fatal(err)
	}
	return operation{name: name, size: size, requests: []string{"GetObject"},
		begin: func(ctx context.Context, m *haul.Manager, opts ...haul.TransferOption) (*haul.Future, error) {
			return m.Download(ctx, w.get(key), haul.ToFile(path), opts...)
		},
		right: func(t *testing.T) {
			t.Helper()
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			sameAs(t, name, got, size)
			onlyFile(t, own, "target")
		},
		untouched: func(t *testing.T) {
			t.Helper()
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, old) {
				t.Errorf("%s: the file that was there before was touched (%v)", name, err)
			}
			onlyFile(t, own, "target")
		}}
}

// onlyFile fails the test if a folder has other files than one.
func onlyFile(t *testing.T, dir string, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != name {
			t.Errorf("%s is left in the folder of %s", e.Name(), name)
		}
	}
}

func (w *world) downloadingInOrder(name string, size int64, key string) operation {
	var mu sync.Mutex
	b := &bytes.Buffer{} // guarded by mu: of the transfer that began last
	return operation{name: name, size: size, requests: []string{"GetObject"},
		begin: func(ctx context.Context, m *haul.Manager, opts ...haul.TransferOption) (*haul.Future, error) {
			mu.Lock()
			defer mu.Unlock()
			b = &bytes.Buffer{}
			return m.Download(ctx, w.get(key), haul.ToWriter(b), opts...)
		},
		right: func(t *testing.T) {
			t.Helper()
			mu.Lock()
			defer mu.Unlock()
			sameAs(t, name, b.Bytes(), size)
		},
		untouched: func(*testing.T) {}, // a writer keeps what it got
	}
}

func (w *world) deleting(name string) operation {
	key := "target-" + name
	w.seed(key, old, nil)
	exists := func() bool { _, ok := w.object(key); return ok }
	return operation{name: name, requests: []string{"DeleteObject"},
		begin: func(ctx context.Context, m *haul.Manager, opts ...haul.TransferOption) (*haul.Future, error) {
			return m.Delete(ctx, &s3.DeleteObjectInput{Bucket: &w.Bucket, Key: &key}, opts...)
		},
		right: func(t *testing.T) {
			t.Helper()
			if exists() {
				t.Errorf("%s: the object is there still", name)
			}
		},
		untouched: func(t *testing.T) {
			t.Helper()
			if !exists() {
				t.Errorf("%s: the object is gone", name)
			}
		}}
}

// nothingOpen fails the test if there is an upload on the server, and removes
// it, so that the next test isn't blamed for it. Only the fake can be held to
// it: versitygw makes the folder of an aborted upload again for a part that
// it was still writing then, whose client has long gone.
func (w *world) nothingOpen(t *testing.T) {
	t.Helper()
	for _, u := range w.openUploads() {
		if w.Fake != nil {
			t.Errorf("upload %s of key %s is left open", u.ID, u.Key)
		}
	}
	w.discardUploads()
}

// discardUploads removes what is open.
func (w *world) discardUploads() {
	for _, u := range w.openUploads() {
		if w.Fake == nil {
			_, _ = w.plainClient().AbortMultipartUpload(w.ctx, &s3.AbortMultipartUploadInput{Bucket: &u.Bucket, Key: &u.Key, UploadId: &u.ID})
			continue
		}
		r := httptest.NewRequest(http.MethodDelete, "/"+u.Bucket+"/"+url.PathEscape(u.Key)+"?uploadId="+url.QueryEscape(u.ID), nil)
		w.Fake.ServeHTTP(httptest.NewRecorder(), r)
	}
}
