package faulttest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/s3fault"
)

// TestAbortTimeout has nobody answer the abort of an upload that has failed:
// AbortTimeout ends the wait, before any limit of an attempt does.
func TestAbortTimeout(t *testing.T) {
	for _, driver := range drivers {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			silent := func(_ http.ResponseWriter, r *http.Request, _ http.Handler) { <-over(r) }
			s := newStage(t, setup{driver: driver, impatient: true,
				options: []func(*haul.Options){func(o *haul.Options) { o.AbortTimeout = impatience / 2 }},
				rules:   append(partsDenied(), &s3fault.Rule{If: is("AbortMultipartUpload"), F: s3fault.Fault{Name: "silent", Answer: silent}})})
			_, err := await(t, s, putBig)
			if err == nil || !strings.Contains(err.Error(), "AccessDenied") || !errors.Is(err, context.DeadlineExceeded) && !strings.Contains(err.Error(), "abort took too long") {
				t.Errorf("got %v, want the refusal, and that the abort took too long", err)
			}
			if n := s.count(is("AbortMultipartUpload")); n != 1 {
				t.Errorf("got %d requests to abort, want one", n)
			}
		})
	}
}
