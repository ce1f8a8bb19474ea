package engine

import (
	"context"

	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
)

// delete removes one object, or one version of it.
func (t *transfer) delete(ctx context.Context) (*driver.Outcome, error) {
	template, err := t.form(ctx, s3api.DeleteObject)
	if err != nil {
		return nil, err
	}
	ln := t.lane()
	defer ln.drop()
	resp, err := t.do(ctx, ln, &call{template: template})
	if err != nil {
		return nil, err
	}
	return t.outcome(s3api.DeleteObject, resp), nil
}
