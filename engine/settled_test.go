package engine_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
)

// s3error answers with an error of S3's.
func s3error(rw http.ResponseWriter, status int, code, message string) {
	rw.WriteHeader(status)
	_, _ = io.WriteString(rw, "<Error><Code>"+code+"</Code><Message>"+message+"</Message></Error>")
}

// loseAnswer carries a request out and answers it with a 500.
func loseAnswer(h http.Handler, rw http.ResponseWriter, r *http.Request) {
	h.ServeHTTP(httptest.NewRecorder(), r)
	s3error(rw, http.StatusInternalServerError, "InternalError", "lost")
}

// TestLostAnswerToComplete finds its own object where the upload is gone.
func TestLostAnswerToComplete(t *testing.T) {
	w := newWorld(t, engine.Options{})
	data := content(11 << 20)
	var completes atomic.Int64
	w.between(func(h http.Handler, rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || !r.URL.Query().Has("uploadId") {
			h.ServeHTTP(rw, r)
		} else if completes.Add(1) == 1 {
			loseAnswer(h, rw, r)
		} else {
			s3error(rw, http.StatusNotFound, "NoSuchUpload", "gone")
		}
	})
	out, err := w.driver.Transfer(context.Background(), uploadJob("k", body.FromBytes(data)), &events{})
	if err != nil {
		t.Fatal(err)
	}
	if !out.Checksum.Validated || out.Size != int64(len(data)) || out.ETag == "" {
		t.Errorf("outcome %+v", out)
	}
}

// TestUploadGoneForGood doesn't take somebody else's object for its own.
func TestUploadGoneForGood(t *testing.T) {
	w := newWorld(t, engine.Options{})
	w.server.Put("b", "k", content(11<<20-1), nil)
	var completes atomic.Int64
	w.between(func(h http.Handler, rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodPost || !r.URL.Query().Has("uploadId"):
			h.ServeHTTP(rw, r)
		case completes.Add(1) == 1:
			s3error(rw, http.StatusInternalServerError, "InternalError", "nothing done")
		default:
			s3error(rw, http.StatusNotFound, "NoSuchUpload", "gone")
		}
	})
	_, err := w.driver.Transfer(context.Background(), uploadJob("k", body.FromBytes(content(11<<20))), &events{})
	if err == nil || !strings.Contains(err.Error(), "NoSuchUpload") {
		t.Errorf("got %v, want NoSuchUpload", err)
	}
}

// TestLostAnswerToConditionalPut is told that something is there already: its
// own object.
func TestLostAnswerToConditionalPut(t *testing.T) {
	for name, c := range map[string]struct {
		first func(h http.Handler, rw http.ResponseWriter, r *http.Request)
		ok    bool
	}{
		"own": {loseAnswer, true},
		"somebody-else's": {func(_ http.Handler, rw http.ResponseWriter, _ *http.Request) {
			s3error(rw, http.StatusInternalServerError, "InternalError", "nothing done")
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, engine.Options{})
			if !c.ok {
				w.server.Put("b", "k", []byte("evil"), nil) // as long as ours
			}
			var puts atomic.Int64
			w.between(func(h http.Handler, rw http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPut && puts.Add(1) == 1 {
					c.first(h, rw, r)
				} else {
					h.ServeHTTP(rw, r)
				}
			})
			job := uploadJob("k", body.FromBytes([]byte("mine")))
			job.Calls.(driver.InputMap)[s3api.PutObject].(*s3.PutObjectInput).IfNoneMatch = aws.String("*")
			_, err := w.driver.Transfer(context.Background(), job, &events{})
			if (err == nil) != c.ok {
				t.Errorf("got %v, want success: %v", err, c.ok)
			}
		})
	}
}

// TestProgressOfAPutWithALostAnswer has the second attempt refused before a byte
// of it is read: the object, which is there, is told as done once.
func TestProgressOfAPutWithALostAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newBubble(t, engine.Options{})
		var puts int
		w.trip = func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if r.Method != http.MethodPut {
				return next.RoundTrip(r)
			}
			if puts++; puts == 1 {
				if _, err := next.RoundTrip(r); err != nil {
					return nil, err
				}
				return nil, io.ErrUnexpectedEOF
			}
			rec := httptest.NewRecorder()
			s3error(rec, http.StatusPreconditionFailed, "PreconditionFailed", "it is there")
			return rec.Result(), nil
		}
		const size = 1 << 20
		job, ev := uploadJob("k", body.FromBytes(content(size))), &events{}
		job.Calls.(driver.InputMap)[s3api.PutObject].(*s3.PutObjectInput).IfNoneMatch = aws.String("*")
		if _, err := w.driver.Transfer(t.Context(), job, ev); err != nil || puts != 2 {
			t.Fatalf("%d attempts, %v; want 2", puts, err)
		}
		if ev.sum.Load() != size {
			t.Errorf("progress of %d bytes, want %d", ev.sum.Load(), size)
		}
	})
}

// TestRefusedChecksum leaves the default out where a store doesn't know it, and
// never what was chosen.
func TestRefusedChecksum(t *testing.T) {
	refuse := func(h http.Handler, rw http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if strings.HasPrefix(name, "X-Amz-Checksum-") || name == "X-Amz-Sdk-Checksum-Algorithm" {
				_, _ = io.Copy(io.Discard, r.Body)
				s3error(rw, http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented")
				return
			}
		}
		h.ServeHTTP(rw, r)
	}
	for _, size := range []int64{10, 11 << 20} {
		w := newWorld(t, engine.Options{})
		w.between(refuse)
		for range 2 {
			ev := &events{}
			out, err := w.driver.Transfer(context.Background(), uploadJob("k", body.FromBytes(content(size))), ev)
			if err != nil {
				t.Fatal(err)
			}
			if ev.sum.Load() != size {
				t.Errorf("progress of %d bytes, want %d", ev.sum.Load(), size)
			}
			if !strings.Contains(out.Checksum.How, "refuses") || out.Checksum.Validated {
				t.Errorf("the outcome tells %+v", out.Checksum)
			}
		}
		if o, _ := w.server.Object("b", "k"); !bytes.Equal(o.Data, content(size)) {
			t.Error("the store has something else")
		}
		job := uploadJob("k", body.FromBytes(content(size)))
		job.Checksum.Chosen = true
		if _, err := w.driver.Transfer(context.Background(), job, &events{}); err == nil {
			t.Error("a checksum that was chosen was left out")
		}
	}
}
