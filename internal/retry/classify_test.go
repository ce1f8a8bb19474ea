package retry_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/haul-s3/haul/internal/retry"
)

var (
	final    = retry.Verdict{}
	again    = retry.Verdict{Retry: true}
	throttle = retry.Verdict{Retry: true, Throttle: true}
	skew     = retry.Verdict{Retry: true, Now: true, Skew: true}
	expired  = retry.Verdict{Retry: true, Now: true, Expired: true}
	damaged  = retry.Verdict{Retry: true, Damaged: true}
	region   = retry.Verdict{Retry: true, Now: true, Region: true}
)

// wantVerdict compares all but the reason, which must be there.
func wantVerdict(t *testing.T, what string, got, want retry.Verdict) {
	t.Helper()
	if got.Reason == "" {
		t.Errorf("%s: got no reason", what)
	}
	if got.Reason = want.Reason; got != want {
		t.Errorf("%s: got %+v, want %+v", what, got, want)
	}
}

func TestClassify(t *testing.T) {
	for _, tc := range []struct {
		status int
		code   string
		want   retry.Verdict
	}{
		// By status alone: HEAD, proxies, and codes that nobody knows.
		{200, "", final}, {204, "", final}, {301, "", region}, {302, "", final}, {304, "", final}, {307, "", region},
		{400, "", final}, {401, "", final}, {403, "", final}, {404, "", final}, {405, "", final}, {408, "", again}, {409, "", final},
		{411, "", final}, {412, "", final}, {413, "", final}, {416, "", final}, {429, "", throttle},
		{500, "", again}, {501, "", final}, {502, "", again}, {503, "", throttle}, {504, "", again}, {505, "", final},
		{500, "NeverHeardOf", again}, {503, "NeverHeardOf", throttle}, {400, "NeverHeardOf", final},

		// The server is busy.
		{503, "SlowDown", throttle}, {503, "ServiceUnavailable", throttle}, {400, "RequestLimitExceeded", throttle},
		{429, "TooManyRequests", throttle}, {400, "ThrottlingException", throttle},
		// Something went wrong on the way.
		{500, "InternalError", again}, {400, "RequestTimeout", again}, {408, "RequestTimeout", again}, {400, "IncompleteBody", again},
		{409, "OperationAborted", again}, {409, "ConditionalRequestConflict", again}, {503, "InternalError", again},
		// A 200 that carries an error.
		{200, "InternalError", again}, {200, "SlowDown", throttle}, {200, "AccessDenied", final}, {200, "InvalidPart", final},
		// What can be mended.
		{403, "RequestTimeTooSkewed", skew}, {400, "ExpiredToken", expired}, {403, "ExpiredToken", expired}, {400, "TokenRefreshRequired", expired},
		{301, "PermanentRedirect", region}, {307, "TemporaryRedirect", region}, {400, "AuthorizationHeaderMalformed", region},
		{400, "IllegalLocationConstraintException", region},
		{400, "BadDigest", damaged}, {400, "XAmzContentChecksumMismatch", damaged}, {400, "XAmzContentSHA256Mismatch", damaged},
		// What no second attempt changes.
		{400, "InvalidRequest", final}, {400, "EntityTooSmall", final}, {400, "InvalidPart", final},
		{403, "AccessDenied", final}, {403, "InvalidAccessKeyId", final}, {403, "SignatureDoesNotMatch", final}, {403, "InvalidObjectState", final},
		{404, "NoSuchKey", final}, {404, "NoSuchBucket", final}, {404, "NoSuchUpload", final}, {409, "BucketAlreadyExists", final},
		{412, "PreconditionFailed", final}, {416, "InvalidRange", final}, {501, "NotImplemented", final},
	} {
		wantVerdict(t, fmt.Sprintf("%d %q", tc.status, tc.code), retry.Classify(tc.status, tc.code, http.Header{}), tc.want)
	}
}

// A HEAD to the wrong region has no body: the header tells.
func TestClassifyRegionHeader(t *testing.T) {
	h := http.Header{"X-Amz-Bucket-Region": {"eu-west-1"}}
	for status, want := range map[int]retry.Verdict{400: region, 301: region, 403: final, 404: final, 200: final} {
		wantVerdict(t, fmt.Sprint(status), retry.Classify(status, "", h), want)
	}
	wantVerdict(t, "400 with a code", retry.Classify(400, "InvalidRequest", h), final)
	wantVerdict(t, "no header at all", retry.Classify(400, "", nil), final)
}

func TestClassifyRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "3": 3 * time.Second, "-1": 0, "soon": 0, "1.5": 0, "99999999999999999999": 0, "1000000": time.Hour,
	} {
		h := http.Header{"Retry-After": {value}}
		for status, code := range map[int]string{503: "SlowDown", 500: "InternalError", 429: "", 502: ""} {
			if got := retry.Classify(status, code, h).After; got != want {
				t.Errorf("%d with Retry-After %q: got %v, want %v", status, value, got, want)
			}
		}
	}
}

// timeout is a time-out as net/http makes them for a TLS handshake.
type timeout struct{}

func (timeout) Error() string   { return "net/http: TLS handshake timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

func TestClassifyError(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for name, tc := range map[string]struct {
		err  error
		want retry.Verdict
	}{
		"eof":                   {io.EOF, again},
		"unexpected-eof":        {fmt.Errorf("read: %w", io.ErrUnexpectedEOF), again},
		"reset":                 {dial(os.NewSyscallError("read", syscall.ECONNRESET)), again},
		"refused":               {dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), again},
		"broken-pipe":           {dial(syscall.EPIPE), again},
		"unreachable":           {dial(syscall.ENETUNREACH), again},
		"handshake-time-out":    {timeout{}, again},
		"dial-time-out":         {dial(context.DeadlineExceeded), again},
		"deadline":              {fmt.Errorf("dial: %w", context.DeadlineExceeded), again},
		"io-time-out":           {dial(os.ErrDeadlineExceeded), again},
		"closed":                {net.ErrClosed, again},
		"alert":                 {tls.AlertError(80), again},
		"unknown":               {errors.New("http: server closed idle connection"), again},
		"resolver-time-out":     {dial(&net.DNSError{IsTimeout: true}), again},
		"resolver-failure":      {dial(&net.DNSError{IsTemporary: true}), again},
		"no-such-host":          {dial(&net.DNSError{IsNotFound: true}), final},
		"cancelled":             {&url.Error{Op: "Get", Err: context.Canceled}, final},
		"authority":             {&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, final},
		"bare-authority":        {x509.UnknownAuthorityError{}, final},
		"host-name":             {x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"}, final},
		"certificate":           {x509.CertificateInvalidError{Reason: x509.Expired}, final},
		"not-tls":               {tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, final},
		"permanent":             {&retry.Permanent{Err: io.ErrUnexpectedEOF}, final},
		"permanent-wrapped":     {fmt.Errorf("part 3: %w", &retry.Permanent{Err: io.EOF}), final},
		"cancelled-and-an-eof":  {errors.Join(context.Canceled, io.EOF), final},
		"no-host-of-two":        {errors.Join(dial(syscall.ECONNREFUSED), dial(syscall.ETIMEDOUT)), again},
		"certificate-in-a-dial": {dial(&tls.CertificateVerificationError{Err: errors.New("bad")}), final},
	} {
		wantVerdict(t, name, retry.ClassifyError(tc.err), tc.want)
	}
}

func TestPermanent(t *testing.T) {
	cause := errors.New("cause")
	err := &retry.Permanent{Err: cause}
	if !errors.Is(err, cause) || err.Error() != "cause" {
		t.Errorf("got %q, want the cause's own text and that it is one", err)
	}
}
