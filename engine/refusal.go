package engine

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
)

// Stores that speak an older S3 refuse checksum headers or trailers that they
// don't know. What the caller didn't ask for is then left out, once for each
// bucket, and the outcome says so; what the caller chose is never left out.

// noteRefused is the Checksum.How of uploads to such a bucket.
const noteRefused = "the store refuses checksums, so none was sent"

// uploadFrom uploads, and once more without a checksum where the store refuses
// it and the source can be read again.
func (t *transfer) uploadFrom(ctx context.Context, src *body.Reader) (*driver.Outcome, error) {
	if t.client.refusing.has(t.job.Bucket) {
		t.withoutChecksum()
	}
	out, err := t.uploadOnce(ctx, src)
	if !t.refused(err) {
		return out, err
	}
	t.client.refusing.set(t.job.Bucket, "yes")
	if src.At == nil {
		return nil, err // the stream is used up; the next transfer knows
	}
	t.withoutChecksum()
	if told := t.told.Load(); told > 0 { // all of it is sent again
		t.extraBytes.Add(told)
		t.progress(-told)
	}
	return t.uploadOnce(ctx, src)
}

// withoutChecksum leaves the default checksum out.
func (t *transfer) withoutChecksum() {
	if plan := t.job.Checksum; plan.Chosen || plan.Given != "" {
		return
	}
	job := *t.job
	job.Checksum.Algorithm = checksum.None
	t.job, t.plain = &job, true
}

// refused says whether a store has clearly refused a checksum that nobody asked
// for.
func (t *transfer) refused(err error) bool {
	plan := t.job.Checksum
	if err == nil || plan.Algorithm == checksum.None || plan.Chosen || plan.Given != "" {
		return false
	}
	var answer interface{ HTTPStatusCode() int }
	var api interface {
		ErrorCode() string
		ErrorMessage() string
	}
	if !errors.As(err, &answer) || !errors.As(err, &api) {
		return false
	}
	switch answer.HTTPStatusCode() {
	case http.StatusNotImplemented:
		return true
	case http.StatusBadRequest:
		return namesChecksum(api.ErrorCode(), api.ErrorMessage())
	}
	return false
}

// namesChecksum tells a refusal of the checksum's form from one of its value,
// which must never be hidden.
func namesChecksum(code, message string) bool {
	switch code {
	case "BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch":
		return false
	case "NotImplemented", "UnsupportedArgument", "MalformedTrailerError", "InvalidTrailer":
		return true
	case "InvalidArgument", "InvalidRequest", "UnsupportedOperation", "UnknownHeader":
		message = strings.ToLower(message)
		return strings.Contains(message, "checksum") || strings.Contains(message, "trailer") || strings.Contains(message, "x-amz-content-sha256")
	}
	return false
}
