package engine

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/haul-s3/haul/internal/retry"
	"github.com/haul-s3/haul/internal/s3api"
)

// buckets remembers one word about each of some buckets.
type buckets struct {
	mu    sync.Mutex
	known map[string]string // by bucket; guarded by mu
}

// bucketsMax bounds what is remembered; past it everything is forgotten, which
// costs a request each.
const bucketsMax = 10_000

func (b *buckets) get(bucket string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known[bucket]
}

func (b *buckets) has(bucket string) bool { return b.get(bucket) != "" }

func (b *buckets) set(bucket, word string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known == nil || len(b.known) >= bucketsMax {
		b.known = map[string]string{}
	}
	b.known[bucket] = word
}

// mend removes the cause of a failed attempt where it can be removed, and says
// whether another attempt makes sense.
func (t *transfer) mend(ctx context.Context, c *call, err error, v retry.Verdict) bool {
	var answer *answerError
	if !errors.As(err, &answer) {
		return true
	}
	switch {
	case v.Skew:
		return t.client.adoptClock(answer.resp.Header)
	case v.Expired:
		return t.refresh(ctx, c)
	case v.Region:
		return t.reregion(ctx, c, answer.region)
	}
	return true
}

// adoptClock takes the server's time for ours (Amazon S3 API Reference,
// RequestTimeTooSkewed). It makes no sense a second time for the same offset.
func (c *Client) adoptClock(h http.Header) bool {
	server, err := http.ParseTime(h.Get(s3api.HeaderDate))
	if err != nil {
		return false
	}
	offset := time.Until(server)
	was := time.Duration(c.skew.Swap(int64(offset)))
	return (offset - was).Abs() > time.Minute
}

func (c *Client) now() time.Time { return time.Now().Add(time.Duration(c.skew.Load())) }

// refresh asks for new credentials, once per call.
func (t *transfer) refresh(ctx context.Context, c *call) bool {
	if c.template.Credentials == nil || c.refreshed {
		return false
	}
	c.refreshed = true
	_, err := c.template.Credentials(ctx, true)
	return err == nil
}

// reregion has the endpoint rules form the request for another region, once per
// call.
func (t *transfer) reregion(ctx context.Context, c *call, region string) bool {
	if region == "" || region == c.template.SigningRegion || c.template.Reregion == nil || c.redirected {
		return false
	}
	c.redirected = true
	template, err := c.template.Reregion(ctx, region)
	if err != nil {
		return false
	}
	// What the engine derived from the old template goes over to the new one.
	template = template.Clone()
	template.URL.RawQuery = c.template.URL.RawQuery
	template.Header = c.template.Header.Clone()
	template.Body = c.template.Body
	c.template = template
	t.client.regions.set(t.job.Bucket, region)
	return true
}

// form has the serializer form a request, for the region where the bucket is
// known to be.
func (t *transfer) form(ctx context.Context, op s3api.Operation) (*s3api.Template, error) {
	template, err := t.template(ctx, op)
	if err != nil {
		return nil, err
	}
	region := t.client.regions.get(t.job.Bucket)
	if region == "" || template.Reregion == nil || region == template.SigningRegion {
		return template, nil
	}
	return template.Reregion(ctx, region)
}
