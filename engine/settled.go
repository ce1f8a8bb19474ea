package engine

import (
	"context"
	"errors"
	"net/http"

	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/s3api"
)

// A request that changes something may have done so although its answer was
// lost. What the second attempt is told then looks like a failure: the upload
// is gone, or the condition that nothing is there doesn't hold any more. Asking
// what is stored tells it from a real one.

// ourOwn says whether a failed call has succeeded at an earlier attempt: the
// store has an object of the same size and checksum. It returns the store's
// answer about it. part is a template that has what a HEAD needs.
func (t *transfer) ourOwn(ctx context.Context, c *call, cause error, part *s3api.Template, size int64, value string) (*s3api.Response, bool) {
	if c.attempts < 2 || !maybeOurOwn(c, cause) || value == "" {
		return nil, false
	}
	template := part.Clone()
	template.Op, template.Method, template.URL.RawQuery = s3api.HeadObject, http.MethodHead, ""
	template.Header.Del(s3api.HeaderContentType)
	template.Header[s3api.HeaderChecksumMode] = []string{"ENABLED"}
	ln := t.lane()
	defer ln.drop()
	resp, err := t.persist(ctx, ln, &call{template: template})
	if err != nil {
		return nil, false
	}
	a, _, stored := stored(resp.Header)
	same := a != checksum.None && a == t.job.Checksum.Algorithm && stored == value && resp.ContentLength == size
	return resp, same
}

// maybeOurOwn says whether the answer can be one to a request that has been
// carried out already.
func maybeOurOwn(c *call, err error) bool {
	var api interface{ ErrorCode() string }
	var answer interface{ HTTPStatusCode() int }
	if !errors.As(err, &api) || !errors.As(err, &answer) {
		return false
	}
	switch {
	case c.template.Op == s3api.CompleteMultipartUpload && api.ErrorCode() == "NoSuchUpload":
		return true
	case answer.HTTPStatusCode() == http.StatusPreconditionFailed:
		return c.template.Header.Get(s3api.HeaderIfNoneMatch) != "" || c.template.Header.Get(s3api.HeaderIfMatch) != ""
	}
	return false
}
