package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/retry"
	"github.com/haul-s3/haul/internal/s3api"
)

// abandon ends an upload that has failed with err: nothing of it is left on the
// server, or the error says that and why something is.
func (m *multipart) abandon(ctx context.Context, err error) error {
	failure := &driver.Failure{UploadID: m.id, Err: err}
	var inner *driver.Failure
	if errors.As(err, &inner) {
		failure.Part, failure.Attempt, failure.Err = inner.Part, inner.Attempt, inner.Err
	}
	if m.keeps(err) || m.job.LeaveParts {
		return failure
	}
	if aerr := m.abort(ctx); aerr != nil {
		failure.Err = errors.Join(failure.Err, fmt.Errorf("abort upload %s, whose parts may be left: %w", m.id, aerr))
	}
	return failure
}

// abort removes the upload and its parts, on a context of its own. A part that
// was on its way may arrive after the first abort, so that it is done again
// until S3 knows the upload no more (Amazon S3 API Reference,
// AbortMultipartUpload).
func (m *multipart) abort(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), m.limits.Abort, errAbortTimeout)
	defer cancel()
	ln := m.lane()
	defer ln.drop()
	for round := 1; ; round++ {
		if c, err := m.ask(ctx, ln, s3api.AbortMultipartUpload); err != nil {
			return m.unlessGone(ctx, c, err, isGone)
		}
		c, err := m.ask(ctx, ln, s3api.ListParts)
		if err != nil {
			return m.unlessGone(ctx, c, err, isUnlistable)
		}
		if err := sleep(ctx, m.policy.Delay(round, retry.Verdict{})); err != nil {
			return err // S3 lists the upload still
		}
	}
}

var errAbortTimeout = errors.New("abort took too long")

// ask sends one of the calls that only need the upload's id.
func (m *multipart) ask(ctx context.Context, ln *lane, op s3api.Operation) (*call, error) {
	c := &call{began: time.Now()}
	template, err := m.form(ctx, op)
	if err != nil {
		return c, err
	}
	c.template = template.Clone()
	c.template.URL.RawQuery = setQuery(template.URL.RawQuery, s3api.QueryUploadID, m.id)
	_, err = m.persist(ctx, ln, c)
	return c, err
}

// unlessGone is the error of a call of abort's to report: none where S3's answer
// means that there is nothing to clean up.
func (m *multipart) unlessGone(ctx context.Context, c *call, err error, gone func(*answerError) bool) error {
	var answer *answerError
	if errors.As(err, &answer) && gone(answer) {
		return nil
	}
	return m.last(ctx, c, err)
}

func isGone(a *answerError) bool {
	return a.code == "NoSuchUpload" || a.resp.Status == http.StatusNotFound
}

// isUnlistable is the same for ListParts, which a policy may forbid, and which
// not every store has: the abort itself has succeeded then.
func isUnlistable(a *answerError) bool { return a.resp.Status/100 == 4 }
