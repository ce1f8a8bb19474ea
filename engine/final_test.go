package engine_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
)

// What no second attempt mends is asked for once. A wrong region is mended where
// the answer tells the right one, and is final where it doesn't.
func TestFinalAnswersAreNotTriedAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		status   int
		body     string
		requests int64
	}{
		"not-found":         {404, `<Error><Code>NoSuchKey</Code></Error>`, 1},
		"forbidden":         {403, `<Error><Code>AccessDenied</Code></Error>`, 1},
		"not-implemented":   {501, `<Error><Code>NotImplemented</Code></Error>`, 1},
		"no-body":           {403, "", 1},
		"no-region":         {400, `<Error><Code>AuthorizationHeaderMalformed</Code></Error>`, 1},
		"the-same-region":   {400, `<Error><Code>AuthorizationHeaderMalformed</Code><Region>us-east-1</Region></Error>`, 1},
		"another-region":    {400, `<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>`, 2},
		"redirect-nowhere":  {301, "", 1},
		"same-credentials":  {400, `<Error><Code>ExpiredToken</Code></Error>`, 1},
		"as-often-as-asked": {500, `<Error><Code>InternalError</Code></Error>`, 6},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, engine.Options{})
			var requests atomic.Int64
			w.between(func(_ http.Handler, rw http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				rw.WriteHeader(tc.status)
				_, _ = rw.Write([]byte(tc.body))
			})
			if _, err := w.driver.Transfer(context.Background(), downloadJob("k", body.ToWriter(io.Discard)), &events{}); err == nil {
				t.Error("got no error, want one")
			}
			if got := requests.Load(); got != tc.requests {
				t.Errorf("got %d requests, want %d", got, tc.requests)
			}
		})
	}
}

// TestBadHeaderValue is told before anything is sent, and sent never.
func TestBadHeaderValue(t *testing.T) {
	w := newWorld(t, engine.Options{})
	job := uploadJob("k", body.FromBytes([]byte("x")))
	job.Calls.(driver.InputMap)[s3api.PutObject].(*s3.PutObjectInput).Metadata = map[string]string{"a": "b\nc"}
	_, err := w.driver.Transfer(context.Background(), job, &events{})
	if err == nil || !strings.Contains(err.Error(), "X-Amz-Meta-A") {
		t.Errorf("got %v, want an error that names the header", err)
	}
	if n := len(w.server.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// TestDownloadFeedsUpload moves an object through a pipe between two transfers
// of one client with little memory: neither takes what the other needs.
func TestDownloadFeedsUpload(t *testing.T) {
	t.Parallel()
	size := int64(60 << 20)
	if testing.Short() {
		size = 30 << 20 // more than fits all the same
	}
	w := newWorld(t, engine.Options{MemoryLimit: 12 << 20})
	data := content(size)
	w.server.Put("b", "from", data, nil)
	r, pipe := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := w.driver.Transfer(context.Background(), downloadJob("from", body.ToWriter(pipe)), &events{})
		done <- errors.Join(err, pipe.Close())
	}()
	if _, err := w.driver.Transfer(context.Background(), uploadJob("to", body.FromReader(r)), &events{}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if o, _ := w.server.Object("b", "to"); !bytes.Equal(o.Data, data) {
		t.Error("the pipe changed the object")
	}
}
