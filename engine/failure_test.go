package engine_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/driver"
)

// TestFailureNamesItsPart refuses part 4 while the first lane waits for the
// bytes of part 1, which ends with the others and is not to blame.
func TestFailureNamesItsPart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newBubble(t, engine.Options{})
		w.server.Put("b", "k", content(4<<20), nil)
		w.trip = func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			asked := r.Header.Get("Range")
			if strings.HasPrefix(asked, "bytes=3145728-") {
				return &http.Response{StatusCode: http.StatusForbidden, Body: http.NoBody, Header: http.Header{}}, pause(r.Context(), time.Second)
			}
			resp, err := next.RoundTrip(r)
			if err == nil && asked == "" {
				resp.Body = silentBody{resp.Body, r.Context()}
			}
			return resp, err
		}
		_, err := w.driver.Transfer(t.Context(), downloadJob("k", body.ToWriterAt(&writerAt{make([]byte, 4<<20)})), &events{})
		var failure *driver.Failure
		if !errors.As(err, &failure) || failure.Part != 4 {
			t.Errorf("got %v, want a failure of part 4", err)
		}
	})
}

// silentBody brings nothing until its request is given up.
type silentBody struct {
	io.ReadCloser
	ctx context.Context
}

func (s silentBody) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, context.Cause(s.ctx)
}
