package engine_test

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
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
		"same-credentials":  {400, `<Error><Code>ExpiredToken</Code></Error>`, 2},
		"as-often-as-asked": {500, `<Error><Code>InternalError</Code></Error>`, 6},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, engine.Options{})
			var requests atomic.Int64
			w.wrap = func(_ http.Handler, rw http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				rw.WriteHeader(tc.status)
				_, _ = rw.Write([]byte(tc.body))
			}
			if _, err := w.driver.Transfer(context.Background(), downloadJob("k", body.ToWriter(io.Discard)), &events{}); err == nil {
				t.Error("got no error, want one")
			}
			if got := requests.Load(); got != tc.requests {
				t.Errorf("got %d requests, want %d", got, tc.requests)
			}
		})
	}
}
