package retry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Verdict is what to do about a failed attempt.
type Verdict struct {
	// Retry says that the request may be sent again.
	Retry bool
	// Throttle says that the server asks to slow down.
	Throttle bool
	// Now says that there is nothing to wait for: the cause is mended first.
	Now bool
	// Skew, Expired and Region name the cause that is to be mended: the clock
	// by the answer's Date, the credentials, the region. Where it can't be (no
	// region is told, the credentials are the same) the answer is final.
	Skew, Expired, Region bool
	// Damaged says that the bytes arrived otherwise than they were sent, so that
	// they may be sent once more.
	Damaged bool
	// After is how long the server asks to wait, 0 if it doesn't say.
	After time.Duration
	// Reason says in a few words why it was decided so.
	Reason string
}

// Classify judges an answer by its status, its S3 error code ("" if it has no
// body, as for HEAD) and its header. Source of the codes: Amazon S3 API
// Reference, "Error responses".
func Classify(status int, code string, h http.Header) Verdict {
	switch code {
	case "SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "BandwidthLimitExceeded", "TooManyRequests", "RequestThrottled", "ServiceUnavailable":
		return Verdict{Retry: true, Throttle: true, After: retryAfter(h), Reason: code}
	case "InternalError", "RequestTimeout", "RequestTimeoutException", "OperationAborted", "ConditionalRequestConflict", "IncompleteBody":
		return Verdict{Retry: true, After: retryAfter(h), Reason: code}
	case "RequestTimeTooSkewed", "RequestExpired":
		return Verdict{Retry: true, Now: true, Skew: true, Reason: code}
	case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired":
		return Verdict{Retry: true, Now: true, Expired: true, Reason: code}
	case "BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch":
		return Verdict{Retry: true, Damaged: true, Reason: code}
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "TemporaryRedirect":
		return Verdict{Retry: true, Now: true, Region: true, Reason: code}
	}
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return Verdict{Retry: true, Throttle: true, After: retryAfter(h), Reason: strconv.Itoa(status)}
	case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		return Verdict{Retry: true, After: retryAfter(h), Reason: strconv.Itoa(status)}
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect:
		return Verdict{Retry: true, Now: true, Region: true, Reason: strconv.Itoa(status)}
	case http.StatusBadRequest: // a HEAD to the wrong region has no body to tell
		if code == "" && h.Get("X-Amz-Bucket-Region") != "" {
			return Verdict{Retry: true, Now: true, Region: true, Reason: "400 with a region"}
		}
	case http.StatusForbidden: // nor has one with a wrong date
		if code == "" && tooSkewed(h.Get("Date")) {
			return Verdict{Retry: true, Now: true, Skew: true, Reason: "403 from another time"}
		}
	}
	return Verdict{Reason: "final: " + strconv.Itoa(status) + " " + code}
}

// skewMax is how far a request's date may be from S3's (Amazon S3 API Reference,
// RequestTimeTooSkewed).
const skewMax = 15 * time.Minute

// tooSkewed says whether the server's date is that far from ours.
func tooSkewed(date string) bool {
	server, err := http.ParseTime(date)
	return err == nil && time.Until(server).Abs() > skewMax
}

func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}

// Permanent wraps an error of ours that no second attempt mends.
type Permanent struct{ Err error }

// Error returns the wrapped error's text.
func (p *Permanent) Error() string { return p.Err.Error() }

// Unwrap returns the wrapped error.
func (p *Permanent) Unwrap() error { return p.Err }

// ClassifyError judges an attempt that ended without an answer, or in the
// middle of one. Whatever the network did may be tried again; what is wrong
// for good (a certificate, a name that doesn't exist, an error of the caller's
// own reader or writer, a cancelled context) may not.
func ClassifyError(err error) Verdict {
	var permanent *Permanent
	var dns *net.DNSError
	var unknownCA x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var verification *tls.CertificateVerificationError
	switch {
	case errors.As(err, &permanent):
		return Verdict{Reason: "not the network's"}
	case errors.Is(err, context.Canceled):
		return Verdict{Reason: "cancelled"}
	case errors.As(err, &dns) && dns.IsNotFound:
		return Verdict{Reason: "no such host"}
	case errors.As(err, &unknownCA), errors.As(err, &hostname), errors.As(err, &invalid), errors.As(err, &verification):
		return Verdict{Reason: "certificate"}
	case errors.As(err, &record):
		return Verdict{Reason: "not TLS"}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Verdict{Retry: true, Reason: "connection closed"}
	}
	return Verdict{Retry: true, Reason: "connection"}
}
