package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/haul-s3/haul/internal/driver"
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
		return t.client.adoptClock(c, answer.resp.Header)
	case v.Expired:
		return t.refresh(ctx, c)
	case v.Damaged:
		return t.resend(c)
	case v.Region:
		return t.reregion(ctx, c, answer.region)
	}
	return true
}

// adoptClock takes the server's time for ours (Amazon S3 API Reference,
// RequestTimeTooSkewed). The offset that counts is the one that the attempt was
// signed with: another lane may have adopted the server's time meanwhile. A
// request that was long on its way is too late by any clock, so that one more
// attempt is made in any case.
func (c *Client) adoptClock(refused *call, h http.Header) bool {
	server, err := http.ParseTime(h.Get(s3api.HeaderDate))
	if err != nil {
		return false
	}
	offset := time.Until(server)
	c.skew.Store(int64(offset))
	again := !refused.retimed || (offset-refused.signedBy).Abs() > time.Minute
	refused.retimed = true
	return again
}

func (c *Client) clockOffset() time.Duration { return time.Duration(c.skew.Load()) }

func (c *Client) now() time.Time { return time.Now().Add(c.clockOffset()) }

// refresh asks for other credentials than those that were refused, once per
// call. Another lane may have got some meanwhile.
func (t *transfer) refresh(ctx context.Context, c *call) bool {
	if c.template.Credentials == nil || c.refreshed {
		return false
	}
	c.refreshed = true
	select { // one lane at a time: the others take what it gets
	case t.client.refreshing <- struct{}{}:
		defer func() { <-t.client.refreshing }()
	case <-ctx.Done():
		return false
	}
	for _, renew := range []bool{false, true} {
		fresh, err := c.template.Credentials(ctx, renew)
		if err != nil {
			c.unmended = fmt.Errorf("refresh the credentials: %w", err)
			return false
		}
		if fresh.AccessKeyID != c.signedAs.AccessKeyID || fresh.SessionToken != c.signedAs.SessionToken {
			return true
		}
	}
	return false
}

// resend sends bytes anew that arrived damaged, once per call. Where the caller
// gave the checksum it is likelier that this is wrong.
func (t *transfer) resend(c *call) bool {
	if c.resent || t.job.Checksum.Given != "" || c.payload == nil {
		return false
	}
	c.resent = true
	return true
}

// reregion has the endpoint rules form the request for another region, once per
// call.
func (t *transfer) reregion(ctx context.Context, c *call, region string) bool {
	if region == "" || region == c.template.SigningRegion || c.template.Reregion == nil || c.redirected {
		return false
	}
	c.redirected = true
	if err := c.move(ctx, region); err != nil {
		c.unmended = fmt.Errorf("go to the region that the answer names: %w", err)
		return false
	}
	if bucket := t.bucketOf(c.template.Op); bucket != "" {
		t.client.regions.set(bucket, region)
	}
	return true
}

// settleRegion forms the request for the region where the bucket has turned out
// to be since its template was made.
func (t *transfer) settleRegion(ctx context.Context, c *call) {
	region := t.client.regions.get(t.bucketOf(c.template.Op))
	if region == "" || region == c.template.SigningRegion || c.template.Reregion == nil || c.redirected {
		return
	}
	_ = c.move(ctx, region) // if it can't be, S3 says so
}

// bucketOf is the bucket that a request of the transfer goes to, "" where that
// is the source of a copy, whose name is not known here.
func (t *transfer) bucketOf(op s3api.Operation) string {
	if t.job.Kind == driver.Copy && (op == s3api.HeadObject || op == s3api.GetObjectTagging) {
		return ""
	}
	return t.job.Bucket
}

// move forms the request for another region.
func (c *call) move(ctx context.Context, region string) error {
	template, err := c.template.Reregion(ctx, region)
	if err != nil {
		return err
	}
	// What the engine derived from the old template goes over to the new one.
	template = template.Clone()
	template.URL.RawQuery = c.template.URL.RawQuery
	template.Header = c.template.Header.Clone()
	template.Body = c.template.Body
	c.template = template
	return nil
}

// form has the serializer form a request, for the region where the bucket is
// known to be.
func (t *transfer) form(ctx context.Context, op s3api.Operation) (*s3api.Template, error) {
	template, err := t.template(ctx, op)
	if err != nil {
		return nil, err
	}
	region := t.client.regions.get(t.bucketOf(op))
	if region == "" || template.Reregion == nil || region == template.SigningRegion {
		return template, nil
	}
	return template.Reregion(ctx, region)
}
