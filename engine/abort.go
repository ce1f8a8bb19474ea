package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/haul-s3/haul/internal/driver"
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
	for {
		if err := m.ask(ctx, ln, s3api.AbortMultipartUpload); err != nil {
			return ignoreGone(err)
		}
		if err := m.ask(ctx, ln, s3api.ListParts); err != nil {
			return ignoreUnlistable(err)
		}
	}
}

var errAbortTimeout = errors.New("abort took too long")

// ask sends one of the calls that only need the upload's id.
func (m *multipart) ask(ctx context.Context, ln *lane, op s3api.Operation) error {
	template, err := m.form(ctx, op)
	if err != nil {
		return err
	}
	template = template.Clone()
	template.URL.RawQuery = setQuery(template.URL.RawQuery, s3api.QueryUploadID, m.id)
	_, err = m.persist(ctx, ln, &call{template: template})
	return err
}

// ignoreGone takes an upload that isn't there for what was wanted.
func ignoreGone(err error) error {
	var answer *answerError
	if errors.As(err, &answer) && (answer.code == "NoSuchUpload" || answer.resp.Status == http.StatusNotFound) {
		return nil
	}
	return err
}

// ignoreUnlistable is the same for ListParts, which a policy may forbid, and
// which not every store has: the abort itself has succeeded then.
func ignoreUnlistable(err error) error {
	var answer *answerError
	if errors.As(err, &answer) && answer.resp.Status/100 == 4 {
		return nil
	}
	return err
}
