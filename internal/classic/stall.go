package classic

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// stallError says that a limit in time was reached, as net.Error does.
type stallError string

const (
	errStalled   = stallError("no byte arrived within the stall limit")
	errNoneTaken = stallError("no byte of any body was taken within the stall limit")
)

func (e stallError) Error() string   { return string(e) }
func (e stallError) Timeout() bool   { return true }
func (e stallError) Temporary() bool { return true }

// uplink is what all bodies that a driver sends have in common: the line. Where
// it is slow and they are many, each of them may stand still for minutes, since
// the system takes a lot at once, and then nothing for long; but one of them
// moves.
type uplink struct {
	epoch time.Time
	moved atomic.Int64 // when a body was last read, since epoch
}

func newUplink() *uplink { return &uplink{epoch: time.Now()} }

func (u *uplink) move() { u.moved.Store(int64(time.Since(u.epoch))) }

// still is how long no body has moved.
func (u *uplink) still() time.Duration { return time.Since(u.epoch) - time.Duration(u.moved.Load()) }

// stallLimit has the attempts of a call end while no body has moved for so long.
// To the SDK they are broken connections, so that it tries again.
func (u *uplink) stallLimit(limit time.Duration) func(o *s3.Options) {
	return func(o *s3.Options) {
		if o.HTTPClient != nil && limit > 0 {
			o.HTTPClient = impatient{o.HTTPClient, u, limit}
		}
	}
}

// impatient is an HTTP client that doesn't wait for ever for a server to take a
// body.
type impatient struct {
	s3.HTTPClient
	uplink *uplink
	limit  time.Duration
}

func (c impatient) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return c.HTTPClient.Do(r)
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	body := &sentBody{ReadCloser: r.Body, client: c, cancel: cancel}
	r = r.WithContext(ctx)
	r.Body = body
	resp, err := c.HTTPClient.Do(r)
	if body.measure(answered); context.Cause(ctx) == errNoneTaken {
		if err == nil {
			_ = resp.Body.Close() // it came too late
		}
		err = errNoneTaken
	}
	if err != nil {
		cancel(nil)
		return nil, err
	}
	resp.Body = &answerBody{resp.Body, cancel}
	return resp, nil
}

// What a sent body waits for.
type waiting int

const (
	source   waiting = iota // or for a connection
	server                  // between two reads the transport sends what it has read, or waits to
	answered                // the transport may read on, which doesn't matter any more
)

// sentBody ends its attempt when it, and every other body, has waited for the
// server for too long.
type sentBody struct {
	io.ReadCloser
	client impatient
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	waits waiting     // guarded by mu
	timer *time.Timer // nil: it wasn't read yet; guarded by mu
}

func (b *sentBody) Read(p []byte) (int, error) {
	b.measure(source)
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.client.uplink.move()
	}
	if err == nil {
		b.measure(server)
	}
	return n, err
}

func (b *sentBody) measure(waits waiting) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waits == answered {
		return
	}
	b.waits = waits
	switch {
	case b.timer == nil && waits == server:
		b.timer = time.AfterFunc(b.client.limit, b.late)
	case waits == server:
		b.timer.Reset(b.client.limit)
	case b.timer != nil:
		b.timer.Stop()
	}
}

// late looks whether another body has moved meanwhile.
func (b *sentBody) late() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waits != server {
		return
	}
	if rest := b.client.limit - b.client.uplink.still(); rest > 0 {
		b.timer.Reset(rest)
	} else {
		b.cancel(errNoneTaken)
	}
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
