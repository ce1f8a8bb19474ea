package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/retry"
	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/wire"
)

// A call goes through these stages, again for each attempt, all on one
// goroutine:
//
//	do        wait for a lane; attempt; judge; mend or wait without the lane
//	attempt   form and sign the request, send it, watch for stalls
//	answer    hand a good answer to the call's reader, turn others into errors

// call is one request with all its attempts.
type call struct {
	template *s3api.Template
	part     int // for errors, 0 if it belongs to no part
	// prepare sets what differs between attempts or parts on a header and query
	// that it may change; nil: nothing.
	prepare func(h http.Header, query *string)
	// payload opens the request's object body for one attempt; nil: the body is
	// the template's, or empty.
	payload func(ctx context.Context, w *watch) *payload
	// read takes the body of a good answer; nil: it is buffered whole.
	read func(w *watch, resp *wire.Response) error
	// slow says that the answer may take as long as S3 takes to copy.
	slow bool
	// linger is how long an attempt goes on after its transfer was cancelled:
	// an upload whose id isn't known can't be aborted.
	linger time.Duration
	// second says that it is the second copy of a part that another call carries:
	// it has one attempt, and tells no progress.
	second bool
	// undo takes back what a failed attempt has told as progress; nil: nothing.
	undo func()

	// What has happened so far.
	began      time.Time
	attempts   int
	body       *payload // of the last attempt; nil: none was made
	refreshed  bool     // credentials were asked for anew
	redirected bool     // the region was changed
	retimed    bool     // the server's clock was taken over
	resent     bool     // bytes that arrived damaged were sent anew
	exhausted  bool     // the last error could have been tried again
	last       error    // of the last attempt that was not cancelled
	unmended   error    // why its cause could not be removed
	// What the last attempt was signed with.
	signedAs s3api.Credentials
	signedBy time.Duration // the clock's offset
}

// answerError is an answer that is no success.
type answerError struct {
	op     s3api.Operation
	resp   *s3api.Response
	code   string // S3's error code, "" if the answer has none
	region string // where the bucket is, if the answer tells
}

func (e *answerError) Error() string {
	if e.code != "" {
		return string(e.op) + ": " + e.code
	}
	return string(e.op) + ": " + http.StatusText(e.resp.Status)
}

// do carries a call to a good answer or to its last error, which is a
// *driver.Failure around the SDK's own form of it. The lane is held on return
// if there was no error.
func (t *transfer) do(ctx context.Context, ln *lane, c *call) (*s3api.Response, error) {
	c.began = time.Now()
	resp, err := t.persist(ctx, ln, c)
	if err != nil {
		return nil, t.failure(c, t.last(ctx, c, err))
	}
	return resp, nil
}

// persist sends the call until it succeeds, fails for good or has been tried
// often enough. The lane is held while an attempt runs, not while it waits.
func (t *transfer) persist(ctx context.Context, ln *lane, c *call) (*s3api.Response, error) {
	attempts := t.policy.MaxAttempts
	if c.second {
		attempts = 1
	}
	for {
		if err := ln.take(ctx); err != nil {
			return nil, err
		}
		t.settleRegion(ctx, c)
		c.attempts++
		resp, err := t.attempt(ctx, ln, c)
		if err == nil {
			return resp, nil
		}
		ln.drop()
		if ctx.Err() == nil {
			c.last = err
		}
		verdict := judge(ctx, err)
		if verdict.Throttle {
			t.client.lanes.throttled()
		}
		c.exhausted = verdict.Retry && c.attempts >= attempts
		if !verdict.Retry || c.exhausted || !t.mend(ctx, c, err, verdict) {
			return nil, err
		}
		if c.undo != nil {
			c.undo()
		}
		wait := max(t.policy.Delay(c.attempts, verdict), t.client.budget.Take())
		rest := func() error { return sleep(ctx, wait) }
		if verdict.Throttle {
			err = t.client.lanes.outside(atAnswer, rest)
		} else {
			err = rest()
		}
		if err != nil {
			return nil, err
		}
	}
}

// judge says what to do about the error of an attempt.
func judge(ctx context.Context, err error) retry.Verdict {
	if ctx.Err() != nil {
		return retry.Verdict{Reason: "cancelled"}
	}
	var stall *stallError
	if errors.As(err, &stall) {
		return retry.Verdict{Retry: true, Reason: "stall"}
	}
	var answer *answerError
	if errors.As(err, &answer) {
		return retry.Classify(answer.resp.Status, answer.code, answer.resp.Header)
	}
	return retry.ClassifyError(err)
}

// last is the error to report for good: the cause where the transfer was
// cancelled, with what had gone wrong until then; else S3's error in the SDK's
// form, and how often it was tried if that is why it ended.
func (t *transfer) last(ctx context.Context, c *call, err error) error {
	if ctx.Err() != nil {
		if c.last == nil {
			return context.Cause(ctx)
		}
		return &interruptedError{cause: context.Cause(ctx), attempts: c.attempts, last: t.decoded(ctx, c.last)}
	}
	err = t.decoded(ctx, err)
	if c.unmended != nil {
		err = errors.Join(err, c.unmended)
	}
	if c.exhausted {
		return &driver.RetriesExceededError{Attempts: c.attempts, Elapsed: time.Since(c.began), Last: err}
	}
	return err
}

// decoded is an error with S3's answer in the SDK's form.
func (t *transfer) decoded(ctx context.Context, err error) error {
	var answer *answerError
	if errors.As(err, &answer) {
		if _, derr := t.serializer.Decode(context.WithoutCancel(ctx), answer.op, answer.resp); derr != nil {
			return derr
		}
	}
	return err
}

// interruptedError is the end of a call that was cancelled after an attempt had
// failed: an outage must not hide behind the caller's patience.
type interruptedError struct {
	cause    error
	attempts int
	last     error
}

func (e *interruptedError) Error() string {
	return fmt.Sprintf("%v (attempt %d; the last error: %v)", e.cause, e.attempts, e.last)
}

func (e *interruptedError) Unwrap() []error { return []error{e.cause, e.last} }

func (t *transfer) failure(c *call, err error) error {
	return &driver.Failure{Part: c.part, Attempt: c.attempts, Err: err}
}

// attempt sends the call once.
func (t *transfer) attempt(ctx context.Context, ln *lane, c *call) (*s3api.Response, error) {
	if c.linger > 0 {
		var stop func()
		ctx, stop = lingering(ctx, c.linger)
		defer stop()
	}
	ctx, w := newWatch(ctx, &ln.work)
	defer w.stop()
	resp, err := t.exchange(ctx, w, c)
	if err != nil {
		var stall *stallError
		if errors.As(context.Cause(ctx), &stall) {
			return nil, stall
		}
	}
	return resp, err
}

func (t *transfer) exchange(ctx context.Context, w *watch, c *call) (*s3api.Response, error) {
	c.signedBy = t.client.clockOffset()
	request, body, err := t.request(ctx, w, c)
	if err != nil {
		return nil, &retry.Permanent{Err: err} // nothing that the network did
	}
	t.count(c)
	limit := t.answerLimit(c)
	if body != nil {
		body.answer, limit = limit, t.limits.FirstByte // the connection may have to be made first
	}
	w.begin(awaiting, limit)
	w.work.set(atAnswer)
	resp, err := t.client.exchange.Do(ctx, request)
	t.noteAnswer(ctx, w, c, err)
	if body != nil {
		if berr := body.failed(); berr != nil && (err != nil || resp.Status/100 == 2) {
			// The source's own error says more than the broken request it caused.
			if resp != nil {
				_ = resp.Body.Close()
			}
			return nil, &retry.Permanent{Err: berr}
		}
	}
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	out, err := t.answer(w, c, resp)
	if err == nil && body != nil && !body.complete() {
		return nil, errEarlySuccess
	}
	return out, err
}

var errEarlySuccess = errors.New("the server told success before it had the whole body")

// answerLimit is how long this attempt may wait for its answer.
func (t *transfer) answerLimit(c *call) time.Duration {
	switch {
	case c.slow:
		return t.limits.SlowAnswer
	case c.patient():
		return t.client.patience.limit(c.answers(), c.attempts, t.policy.MaxAttempts, t.limits.FirstByte)
	}
	return t.limits.FirstByte
}

// noteAnswer tells how long the answer took that has come or, as err says, has
// not.
func (t *transfer) noteAnswer(ctx context.Context, w *watch, c *call, err error) {
	inVain := err != nil && isStall(context.Cause(ctx))
	if !c.patient() || err != nil && !inVain {
		return
	}
	if took, ok := w.waited(); ok {
		t.client.patience.note(c.answers(), took, inVain)
	}
}

func (t *transfer) count(c *call) {
	t.requests.Add(1)
	t.client.requests.Add(1)
	switch {
	case c.second:
		t.extraRequests.Add(1)
		t.client.races.Add(1)
	case c.attempts > 1:
		t.extraRequests.Add(1)
		t.client.retries.Add(1)
	}
}

// answer hands a good answer to the call's reader, and reads any other whole.
func (t *transfer) answer(w *watch, c *call, resp *wire.Response) (*s3api.Response, error) {
	out := &s3api.Response{Status: resp.Status, Header: resp.Header, ContentLength: resp.ContentLength}
	if resp.Status/100 == 2 && c.read != nil && isObject(resp.Header) {
		return out, c.read(w, resp)
	}
	limit := t.limits.Stall
	if c.slow && resp.Status/100 == 2 {
		limit = t.limits.SlowAnswer // S3 sends white space while it works
	}
	w.begin("reading the answer", limit)
	w.work.set(atNetwork)
	var err error
	// Whatever is wrong with the body of a refusal, its status has been told.
	if out.Body, err = readBounded(w, resp); err != nil && resp.Status/100 == 2 {
		return nil, err
	}
	op := c.template.Op
	if resp.Status/100 == 2 && c.read == nil && !failedWith200(op, out.Body) {
		return out, nil
	}
	return nil, newAnswerError(op, out)
}

// isObject tells the head of an object from that of a document, such as an
// error that came with status 200: every object has an ETag and a date.
func isObject(h http.Header) bool {
	return h.Get(s3api.HeaderETag) != "" || h.Get(s3api.HeaderLastModified) != ""
}

// failedWith200 tells a success from S3's 200 that carries an error (Amazon S3
// API Reference, CompleteMultipartUpload and CopyObject).
func failedWith200(op s3api.Operation, body []byte) bool {
	switch op {
	case s3api.CompleteMultipartUpload, s3api.CopyObject, s3api.UploadPartCopy:
		_, ok := s3api.ParseComplete(body)
		return !ok
	case s3api.CreateMultipartUpload:
		_, err := s3api.ParseUploadID(body)
		return err != nil
	}
	if len(body) == 0 {
		return false
	}
	_, ok := s3api.ParseError(body)
	return ok
}

func newAnswerError(op s3api.Operation, resp *s3api.Response) *answerError {
	e := &answerError{op: op, resp: resp, region: resp.Header.Get(s3api.HeaderBucketRegion)}
	if body, ok := s3api.ParseError(resp.Body); ok {
		e.code = body.Code
		if e.region == "" {
			e.region = body.Region
		}
	} else if resp.Status/100 == 2 {
		e.code = "InternalError" // an answer that is neither a result nor an error
	}
	return e
}

// readBounded reads an answer that is no object. What it has read it returns
// with an error too.
func readBounded(w *watch, resp *wire.Response) ([]byte, error) {
	if resp.ContentLength == 0 {
		return nil, nil
	}
	limit := s3api.MaxErrorBody
	if resp.Status/100 == 2 {
		limit = s3api.MaxBufferedBody
	}
	var buf []byte
	chunk := make([]byte, 4<<10)
	for {
		n, err := resp.Body.Read(chunk)
		w.progress()
		buf = append(buf, chunk[:n]...)
		switch {
		case len(buf) > limit:
			return buf[:limit], &retry.Permanent{Err: errors.New("answer is longer than an answer of S3 can be")}
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		}
	}
}
