package classic

import (
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/haul-s3/haul/internal/retry"
)

// paced is the SDK's retryer with the pauses that the job asks for: what is
// tried again stays the SDK's decision.
type paced struct {
	aws.RetryerV2
	policy retry.Policy
}

// pace adds the job's pauses to a call, if they aren't the default ones: those
// of the client, which may be its owner's choice, count otherwise.
func pace(p retry.Policy) func(*s3.Options) {
	p, usual := p.WithDefaults(), retry.Policy{}.WithDefaults()
	if p.Base == usual.Base && p.ThrottleBase == usual.ThrottleBase && p.Cap == usual.Cap {
		return func(*s3.Options) {}
	}
	return func(o *s3.Options) {
		if r, ok := o.Retryer.(aws.RetryerV2); ok {
			o.Retryer = paced{r, p}
		}
	}
}

// RetryDelay is how long to wait before the attempt that follows attempt.
func (p paced) RetryDelay(attempt int, err error) (time.Duration, error) {
	return p.policy.Delay(attempt, verdict(err)), nil
}

// verdict judges an SDK error as the engine judges an answer.
func verdict(err error) retry.Verdict {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) {
		return retry.ClassifyError(err)
	}
	var header http.Header
	if answer.Response != nil {
		header = answer.Response.Header
	}
	var code string
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() != "BadRequest" { // the SDK's word for no body
		code = api.ErrorCode()
	}
	return retry.Classify(answer.HTTPStatusCode(), code, header)
}
