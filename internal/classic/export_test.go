package classic

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/internal/retry"
)

// PacedDelay is the pause after an attempt, of a client's options on which a
// job's policy has been at work.
func PacedDelay(o s3.Options, p retry.Policy, attempt int, err error) (time.Duration, error) {
	pace(p)(&o)
	return o.Retryer.RetryDelay(attempt, err)
}
