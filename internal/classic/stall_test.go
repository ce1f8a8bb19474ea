package classic_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/classic"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3fake"
)

// httpFunc is an HTTP client without a network.
type httpFunc func(r *http.Request) (*http.Response, error)

func (f httpFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

// slowLine has a fake S3 answer after take has taken the body.
func slowLine(take func(r *http.Request) ([]byte, error)) (*s3fake.Server, driver.Driver) {
	fake := s3fake.New(s3fake.Options{NoMD5: true}, bucket)
	client := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://s3.test"), UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AK", SecretAccessKey: "SK"}, nil
		}),
		HTTPClient: httpFunc(func(r *http.Request) (*http.Response, error) {
			r = r.Clone(r.Context())
			if r.Body != nil {
				defer r.Body.Close()
				b, err := take(r)
				if err != nil {
					return nil, err
				}
				r.Body = io.NopCloser(bytes.NewReader(b))
			} else {
				r.Body = http.NoBody
			}
			r.RequestURI = r.URL.RequestURI()
			rec := httptest.NewRecorder()
			fake.ServeHTTP(rec, r)
			return rec.Result(), nil
		}),
	})
	return fake, classic.New(client, classic.Config{Memory: bufpool.New(64 * mib)})
}

// inPieces reads a body in pieces of 64 KiB, with a pause before each of them.
func inPieces(r *http.Request, pause func() time.Duration) ([]byte, error) {
	var b []byte
	piece := make([]byte, 64<<10)
	for {
		select {
		case <-time.After(pause()):
		case <-r.Context().Done():
			return nil, context.Cause(r.Context())
		}
		n, err := r.Body.Read(piece)
		b = append(b, piece[:n]...)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return b, err
		}
	}
}

// stallJob is an upload with one request, which may be still for half a minute,
// and is tried again as the SDK does by itself.
func stallJob(key string, data []byte) *driver.Job {
	j := quick(key, body.FromBytes(data))
	j.OptFns = nil
	return j
}

// TestUploadsOnASlowLine: each of some bodies stands still for longer than the
// limit, again and again, while others move.
func TestUploadsOnASlowLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bodies atomic.Int64 // that share the line
		fake, d := slowLine(func(r *http.Request) ([]byte, error) {
			bodies.Add(1)
			defer bodies.Add(-1)
			return inPieces(r, func() time.Duration { return 14 * time.Second * time.Duration(bodies.Load()) })
		})
		data := content(mib)
		var wg sync.WaitGroup
		for _, key := range []string{"a", "b", "c"} {
			time.Sleep(15 * time.Second) // so that they move in turn
			wg.Go(func() {
				out, err := d.Transfer(t.Context(), stallJob(key, data), &events{})
				if err != nil || out.ExtraRequests != 0 {
					t.Errorf("%s: got %+v, %v, want an upload with its first request", key, out, err)
				}
			})
		}
		wg.Wait()
		if o, ok := fake.Object(bucket, "a"); !ok || !bytes.Equal(o.Data, data) {
			t.Error("there is another object, or none")
		}
	})
}

// TestUploadStalls: a server takes nothing of the first body, on a line on which
// nothing else moves.
func TestUploadStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bodies := 0
		fake, d := slowLine(func(r *http.Request) ([]byte, error) {
			if bodies++; bodies == 1 {
				_, _ = r.Body.Read(make([]byte, 1000))
				<-r.Context().Done()
				return nil, context.Cause(r.Context())
			}
			return inPieces(r, func() time.Duration { return 0 })
		})
		data, began := content(mib), time.Now()
		out, err := d.Transfer(t.Context(), stallJob("k", data), &events{})
		if err != nil || out.ExtraRequests != 1 {
			t.Fatalf("got %+v, %v, want an upload with one extra request", out, err)
		}
		if o, ok := fake.Object(bucket, "k"); !ok || !bytes.Equal(o.Data, data) {
			t.Error("there is another object, or none")
		}
		if took := time.Since(began); took < 30*time.Second || took > 60*time.Second {
			t.Errorf("got %s on the fake clock, want the stall limit of 30s and a back-off", took)
		}
	})
}

// TestStallIsATimeout: a user may ask a stall for what it is, as any error of the
// network.
func TestStallIsATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, d := slowLine(func(r *http.Request) ([]byte, error) {
			_, _ = r.Body.Read(make([]byte, 1000))
			<-r.Context().Done()
			return nil, context.Cause(r.Context())
		})
		_, err := d.Transfer(t.Context(), stallJob("k", content(mib)), &events{})
		var timeout interface{ Timeout() bool }
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("got %v, want a time-out", err)
		}
	})
}
