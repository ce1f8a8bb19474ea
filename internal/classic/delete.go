package classic

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
)

// delete deletes an object, or sets a delete marker in a versioned bucket.
func (t *transfer) delete(ctx context.Context) (*driver.Outcome, error) {
	in, err := input[s3.DeleteObjectInput](t, s3api.DeleteObject)
	if err != nil {
		return nil, err
	}
	out, attempt, err := call(ctx, t, t.d.api.DeleteObject, in, nil)
	if err != nil {
		return nil, failure(0, attempt, err)
	}
	return &driver.Outcome{VersionID: aws.ToString(out.VersionId), Output: output(out)}, nil
}
