package classic

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// errNoneTaken is why an attempt to send a body was ended. To the SDK it is a
// broken connection, so that it tries again.
var errNoneTaken = errors.New("no byte of the body was taken within the stall limit")

// stallLimit has the attempts of a call end that send nothing of their body for
// so long.
func stallLimit(limit time.Duration) func(o *s3.Options) {
	return func(o *s3.Options) {
		if o.HTTPClient != nil && limit > 0 {
			o.HTTPClient = impatient{o.HTTPClient, limit}
		}
	}
}

// impatient is an HTTP client that doesn't wait for ever for a server to take a
// body.
type impatient struct {
	s3.HTTPClient
	limit time.Duration
}

func (c impatient) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return c.HTTPClient.Do(r)
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	body := &sentBody{ReadCloser: r.Body, limit: c.limit, timer: time.AfterFunc(c.limit, func() { cancel(errNoneTaken) })}
	body.timer.Stop() // until there is a connection
	r = r.WithContext(ctx)
	r.Body = body
	resp, err := c.HTTPClient.Do(r)
	body.answered()
	if err != nil {
		if context.Cause(ctx) == errNoneTaken {
			err = errNoneTaken
		}
		cancel(nil)
		return resp, err
	}
	resp.Body = &answerBody{resp.Body, cancel}
	return resp, nil
}

// sentBody measures the time between the reads of a body, in which the
// transport sends what it has read, or waits to.
type sentBody struct {
	io.ReadCloser
	limit time.Duration

	mu    sync.Mutex
	timer *time.Timer // guarded by mu
	over  bool        // there is an answer; guarded by mu
}

func (b *sentBody) Read(p []byte) (int, error) {
	b.measure(false) // what reading takes is not the server's
	n, err := b.ReadCloser.Read(p)
	b.measure(err == nil)
	return n, err
}

func (b *sentBody) measure(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if on && !b.over {
		b.timer.Reset(b.limit)
	} else {
		b.timer.Stop()
	}
}

// answered ends the measuring, though the transport may read on.
func (b *sentBody) answered() {
	b.mu.Lock()
	b.over = true
	b.mu.Unlock()
	b.measure(false)
}

// answerBody ends an attempt's context with its answer.
type answerBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (b *answerBody) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}
