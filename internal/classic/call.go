package classic

import (
	"context"
	"errors"
	"time"

	awsretry "github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"github.com/haul-s3/haul/internal/driver"
)

// watcher sees what an SDK call does: how many attempts it makes, and when its
// body is read for sending. Before that, the SDK may read it to compute
// checksums. A mock ignores options, and then every read counts as sending.
type watcher struct {
	attempts int
	body     *outBody // nil if the call has none
}

// option adds the watcher to a call.
func (w *watcher) option(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
		if err := s.Initialize.Add(middleware.InitializeMiddlewareFunc("haulPrepare", w.prepare), middleware.Before); err != nil {
			return err
		}
		return s.Deserialize.Add(middleware.DeserializeMiddlewareFunc("haulSend", w.send), middleware.Before)
	})
}

func (w *watcher) prepare(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	w.body.sending(false)
	return next.HandleInitialize(ctx, in)
}

func (w *watcher) send(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
	w.attempts++
	w.body.sending(true)
	defer w.body.sending(false)
	return next.HandleDeserialize(ctx, in)
}

// call makes one SDK call of the transfer and counts its requests. The body,
// nil for most, is closed when it returns: nothing reads the source any more.
// attempt is the number of the attempt that succeeded or failed last.
func call[I, O any](ctx context.Context, t *transfer, method func(context.Context, *I, ...func(*s3.Options)) (*O, error), in *I, body *outBody) (out *O, attempt int, err error) {
	if body != nil {
		var cancel context.CancelCauseFunc
		ctx, cancel = context.WithCancelCause(ctx)
		defer cancel(nil)
		body.begin(ctx, cancel)
	}
	w := &watcher{body: body}
	began := time.Now()
	options := []func(*s3.Options){w.option}
	if body != nil {
		options = append(options, t.d.uplink.stallLimit(t.job.Limits.Stall))
	}
	out, err = located(t, bucketOf(in), body.rewind, func(o ...func(*s3.Options)) (*O, error) { return method(ctx, in, o...) }, options...)
	attempt = max(1, w.attempts)
	t.requests.Add(int64(attempt))
	t.extraRequests.Add(int64(attempt - 1))
	if broken := body.close(); broken != nil { // what broke the body is the cause of what broke the call
		return nil, attempt, broken
	}
	if err != nil {
		return nil, attempt, exceeded(ended(ctx, err), began)
	}
	if out == nil {
		out = new(O) // a mock's
	}
	return out, attempt, nil
}

// exceeded turns the SDK's error for too many attempts into ours around it.
func exceeded(err error, began time.Time) error {
	var e *awsretry.MaxAttemptsError
	if errors.As(err, &e) {
		return &driver.RetriesExceededError{Attempts: e.Attempt, Elapsed: time.Since(began), Last: err}
	}
	return err
}

// signPayload makes the SDK sign the SHA-256 of the payload over TLS as well.
func signPayload(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
		hash := &v4.ComputePayloadSHA256{}
		_, err := s.Finalize.Swap(hash.ID(), hash)
		return err
	})
}
