package engine

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/retry"
	"github.com/haul-s3/haul/internal/s3api"
)

// transfer is one job under way: what its goroutines share. Everything but the
// counters is immutable once the transfer has begun.
type transfer struct {
	client     *Client
	job        *driver.Job
	events     driver.Events
	serializer s3api.Serializer
	limits     driver.Limits
	policy     retry.Policy
	began      time.Time
	plain      bool // the default checksum is left out, since the store refuses it
	flow       flow
	tail       tail
	spawn      *spawner    // of the lanes; nil before there are any, and where there is but one
	journal    *resumption // nil: none is kept
	leading    lane        // memory of leadLane

	requests      atomic.Int64
	extraRequests atomic.Int64
	extraBytes    atomic.Int64
	told          atomic.Int64 // bytes of an upload told as progress
	awaiting      atomic.Int64 // goroutines that have parts of an upload that isn't open yet
}

// progress tells bytes as done, or, if they are negative, takes them back.
func (t *transfer) progress(n int64) {
	t.told.Add(n)
	t.events.Progress(n)
}

// leadLane is the lane of who carries the transfer; there is one of them.
func (t *transfer) leadLane() *lane {
	t.leading.lanes, t.leading.flow = t.client.lanes, &t.flow
	return &t.leading
}

func (t *transfer) lane() *lane { return &lane{lanes: t.client.lanes, flow: &t.flow} }

// moved counts n more bytes as moved: for the tuner, and for the spawner, since
// the tuner may have made room.
func (t *transfer) moved(counter *atomic.Int64, n int64) {
	counter.Add(n)
	t.client.lanes.progressed()
	t.spawn.carried()
}

// template has the serializer form a request.
func (t *transfer) template(ctx context.Context, op s3api.Operation) (*s3api.Template, error) {
	in := t.job.Calls.Input(op)
	if in == nil {
		return nil, errors.New("no input for " + string(op))
	}
	return t.serializer.Serialize(ctx, op, in)
}

// counters is what the transfer has sent so far.
func (t *transfer) counters() driver.Counters {
	return driver.Counters{
		Requests: t.requests.Load(), ExtraRequests: t.extraRequests.Load(), ExtraBytes: t.extraBytes.Load(),
	}
}

// outcome begins an outcome from the last answer of a transfer.
func (t *transfer) outcome(op s3api.Operation, resp *s3api.Response) *driver.Outcome {
	h := resp.Header
	out := &driver.Outcome{
		ETag: h.Get(s3api.HeaderETag), VersionID: h.Get(s3api.HeaderVersionID),
		Counters: t.counters(), Output: decoder(t.serializer, op, resp),
	}
	if op == s3api.GetObject { // other answers tell the type of the answer
		out.ContentType, out.Metadata = h.Get(s3api.HeaderContentType), metadata(h)
	}
	if modified := h.Get(s3api.HeaderLastModified); modified != "" {
		out.LastModified, _ = parseTime(modified) // zero if it isn't one
	}
	return out
}

// decoder makes the SDK's output of an answer when it is asked for. It may be
// kept for as long as there are results, so that it holds the answer and
// nothing else, and its header as a list, which is less than half of a map.
func decoder(s s3api.Serializer, op s3api.Operation, resp *s3api.Response) func() (any, error) {
	answer := s3api.Response{Status: resp.Status, Body: resp.Body, ContentLength: resp.ContentLength}
	header := make([]string, 0, 2*len(resp.Header))
	for name, values := range resp.Header {
		for _, v := range values {
			header = append(header, name, v)
		}
	}
	return func() (any, error) {
		whole := answer
		whole.Header = make(http.Header, len(header)/2)
		for i := 0; i < len(header); i += 2 {
			whole.Header[header[i]] = append(whole.Header[header[i]], header[i+1])
		}
		// The transfer's context has ended by the time this is asked.
		return s.Decode(context.Background(), op, &whole)
	}
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// lingering returns a context that outlives ctx by d, or until stop is called.
func lingering(ctx context.Context, d time.Duration) (long context.Context, stop func()) {
	long, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	unwatch := context.AfterFunc(ctx, func() {
		_ = sleep(long, d) // its end is what is wanted, whatever ended it
		cancel(context.Cause(ctx))
	})
	return long, func() {
		unwatch()
		cancel(nil)
	}
}

// onThread runs fn, a checksum or a file call as at says, when a thread is free,
// for a lane.
func (c *Client) onThread(lane *work, at task, fn func() (int, error)) (int, error) {
	lane.set(atThread)
	c.threads <- struct{}{}
	defer func() { <-c.threads }()
	lane.set(at)
	return fn()
}
