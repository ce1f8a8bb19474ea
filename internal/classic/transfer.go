package classic

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/retry"
	"github.com/haul-s3/haul/internal/s3api"
)

// transfer is one job under way: what its goroutines share. All but the
// counters is immutable once it has begun.
type transfer struct {
	d         *classic
	job       *driver.Job
	events    driver.Events
	pool      *bufpool.Pool
	options   []func(*s3.Options) // of every call
	policy    retry.Policy        // of what the SDK doesn't retry itself
	lanes     int
	partSize  int64
	threshold int64
	header    bool // checksums of bodies go as headers, computed beforehand

	requests      atomic.Int64
	extraRequests atomic.Int64
	extraBytes    atomic.Int64
}

func newTransfer(d *classic, job *driver.Job, ev driver.Events) *transfer {
	t := &transfer{d: d, job: job, events: ev, pool: d.c.Memory, policy: job.Retry.WithDefaults(),
		lanes: job.Concurrency, partSize: job.PartSize, threshold: job.Threshold}
	if t.lanes <= 0 {
		t.lanes = d.c.Concurrency
	}
	if t.partSize <= 0 {
		t.partSize = s3api.DefaultPartSize
	}
	if t.threshold <= 0 {
		t.threshold = s3api.DefaultPartSize
	}
	if n := job.Retry.MaxAttempts; n > 0 {
		t.options = append(t.options, func(o *s3.Options) { o.RetryMaxAttempts = n })
	}
	t.options = append(t.options, pace(job.Retry))
	if job.Checksum.SignPayload {
		t.options = append(t.options, signPayload)
	}
	if job.Kind == driver.Upload && job.Checksum.Algorithm == checksum.None { // else the SDK would add one of its own
		t.options = append(t.options, func(o *s3.Options) { o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired })
	}
	t.header = checksumInHeader(d.api, job.Checksum)
	given, _ := job.OptFns.([]func(*s3.Options))
	t.options = append(t.options, given...)
	return t
}

// checksumInHeader decides where an upload's checksum goes. A signed payload
// and a trailer exclude each other in the SDK; and stores other than Amazon's
// often know no trailers.
func checksumInHeader(api API, plan driver.ChecksumPlan) bool {
	if plan.Place == driver.PlaceHeader || plan.SignPayload {
		return true
	}
	c, ok := api.(interface{ Options() s3.Options })
	return ok && plan.Place == driver.PlaceAuto && c.Options().BaseEndpoint != nil
}

// input returns a shallow copy of the job's input of one operation.
func input[I any](t *transfer, op s3api.Operation) (*I, error) {
	in, ok := t.job.Calls.Input(op).(*I)
	if !ok || in == nil {
		return nil, fmt.Errorf("no input for %s", op)
	}
	shallow := *in
	return &shallow, nil
}

func (t *transfer) counters() driver.Counters {
	return driver.Counters{Requests: t.requests.Load(), ExtraRequests: t.extraRequests.Load(), ExtraBytes: t.extraBytes.Load()}
}

// progress tells that n bytes more are done, at most a slice at a time.
func (t *transfer) progress(n int64) {
	for n > 0 {
		step := min(n, bufpool.SliceSize)
		t.events.Progress(step)
		n -= step
	}
}

// ended replaces an error that the end of ctx set off by ctx's cause.
func ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// failure puts part and attempt around err, unless something below knew them.
func failure(part, attempt int, err error) error {
	var known *driver.Failure
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &driver.Failure{Part: part, Attempt: attempt, Err: err}
}

// graceful returns a context that goes on for grace after ctx has ended, for
// what must be known before anything can be cleaned up.
func graceful(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	long, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = sleep(long, grace) // it is over sooner if what must be known is known
		cancel(context.Cause(ctx))
	})
	return long, func() { stop(); cancel(nil) }
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
