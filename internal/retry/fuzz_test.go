package retry_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/haul-s3/haul/internal/retry"
)

// FuzzClassify holds that no answer makes haul wait for longer than an hour, or
// try again without a reason.
func FuzzClassify(f *testing.F) {
	f.Add(503, "SlowDown", "7")
	f.Add(429, "", "-1")
	f.Add(500, "InternalError", "99999999999999999999")
	f.Add(301, "PermanentRedirect", "Wed, 21 Oct 2015 07:28:00 GMT")
	f.Add(200, "", "")
	f.Add(-5, "AccessDenied", "3600.5")
	f.Fuzz(func(t *testing.T, status int, code, after string) {
		v := retry.Classify(status, code, http.Header{"Retry-After": {after}})
		if v.After < 0 || v.After > time.Hour {
			t.Errorf("Retry-After %q: got %v, want 0 to an hour", after, v.After)
		}
		if v.Reason == "" || !v.Retry && (v.Throttle || v.Now || v.Skew || v.Expired || v.Region || v.After != 0) {
			t.Errorf("%d %q: got %+v, want a reason, and nothing to mend where it is final", status, code, v)
		}
	})
}
