package classic_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	awsretry "github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/haul-s3/haul/internal/classic"
	"github.com/haul-s3/haul/internal/retry"
)

func TestPauseBetweenAttempts(t *testing.T) {
	const own = 7 * time.Hour
	o := s3.Options{Retryer: awsretry.NewStandard(func(o *awsretry.StandardOptions) {
		o.Backoff = awsretry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return own, nil })
	})}
	answer := func(status int, after string) error {
		resp := &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {after}}}
		return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: resp}, Err: errors.New("no")}
	}
	quick := retry.Policy{Base: 1, ThrottleBase: 2, Cap: 3 * time.Second}
	for _, c := range []struct {
		name        string
		policy      retry.Policy
		err         error
		least, most time.Duration
	}{
		{"defaults-leave-the-clients-own", retry.Policy{MaxAttempts: 9}, answer(500, ""), own, own},
		{"broken-connection", quick, errors.New("reset"), 0, 1},
		{"answer", quick, answer(500, ""), 0, 1},
		{"throttle", quick, answer(503, ""), 0, 2},
		{"what-the-server-asks-for", quick, answer(503, "2"), 2 * time.Second, 2 * time.Second},
		{"at-most-the-cap", quick, answer(503, "60"), 3 * time.Second, 3 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := classic.PacedDelay(o, c.policy, 1, c.err)
			if err != nil || got < c.least || got > c.most {
				t.Errorf("pause: got %v, %v, want %v to %v", got, err, c.least, c.most)
			}
		})
	}
}
