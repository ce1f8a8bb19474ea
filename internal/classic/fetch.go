package classic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/plan"
	"github.com/haul-s3/haul/internal/retry"
	"github.com/haul-s3/haul/internal/s3api"
)

// The SDK retries a GET until its answer begins; what breaks while the body is
// read is retried here, from the first byte that is missing.

// answer is an answer to a GET whose body is being read, by one goroutine.
type answer struct {
	t      *transfer
	out    *s3.GetObjectOutput
	ctx    context.Context // of the request; ends it when the body stalls
	cancel context.CancelCauseFunc
	once   sync.Once
}

// ask sends a GET.
func (t *transfer) ask(ctx context.Context, in *s3.GetObjectInput) (*answer, int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	out, attempt, err := call(ctx, t, t.d.api.GetObject, in, nil)
	if err != nil {
		cancel(nil)
		return nil, attempt, err
	}
	if out.Body == nil {
		cancel(nil)
		return nil, attempt, errors.New("the answer to GetObject has no body")
	}
	return &answer{t: t, out: out, ctx: ctx, cancel: cancel}, attempt, nil
}

// close ends the request, whatever is left of its body. It may be called again.
func (a *answer) close() {
	a.once.Do(func() {
		a.cancel(nil)
		_ = a.out.Body.Close() // what matters of the body was read
	})
}

// fill reads until p is full or the body ends, which is then io.EOF.
func (a *answer) fill(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = a.read(p[n:min(len(p), n+readMax)])
		n += m
		if werr := a.t.job.Bandwidth.Wait(a.ctx, m); werr != nil {
			return n, ended(a.ctx, werr)
		}
	}
	if n == len(p) {
		return n, nil
	}
	if !errors.Is(err, io.EOF) {
		err = ended(a.ctx, err)
	}
	return n, err
}

// read reads once, under the stall limit.
func (a *answer) read(p []byte) (int, error) {
	if limit := a.t.job.Limits.Stall; limit > 0 {
		defer time.AfterFunc(limit, func() { a.cancel(errStalled) }).Stop()
	}
	return a.out.Body.Read(p)
}

// fetch fetches one part: the bytes r, counted from the first byte asked for,
// of length -1 if the object's end is unknown. a is an answer that begins with
// them, or nil. write gets them in order.
func (o *object) fetch(ctx context.Context, i int, r plan.Range, a *answer, write func(p []byte, off int64) (int, error)) (*checksum.Hash, error) {
	t, began := o.t, time.Now()
	hash := checksum.New(o.algorithm)
	for attempt := 1; ; attempt++ {
		if a == nil {
			var err error
			if a, err = o.askRange(ctx, plan.Range{Offset: r.Offset + hash.Bytes(), Length: r.Length - hash.Bytes()}); err != nil {
				return nil, failure(i+1, attempt, err)
			}
		}
		err := o.receive(a, r, hash, write)
		a.close()
		a = nil
		if err == nil {
			return hash, nil
		}
		verdict := retry.ClassifyError(err)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case !verdict.Retry || r.Length < 0: // without a length nobody knows what is missing
			return nil, failure(i+1, attempt, unwrapped(err))
		case attempt >= t.policy.MaxAttempts:
			return nil, failure(i+1, attempt, &driver.RetriesExceededError{Attempts: attempt, Elapsed: time.Since(began), Last: err})
		}
		if err := sleep(ctx, t.policy.Delay(attempt, verdict)); err != nil {
			return nil, err
		}
		t.extraRequests.Add(1)
	}
}

// unwrapped takes the mark of a permanent error off.
func unwrapped(err error) error {
	var p *retry.Permanent
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// receive reads what is missing of r from the answer, slice by slice.
func (o *object) receive(a *answer, r plan.Range, hash *checksum.Hash, write func(p []byte, off int64) (int, error)) error {
	t, room := o.t, bufpool.SliceSize
	if r.Length >= 0 {
		room = int(min(r.Length, bufpool.SliceSize))
	}
	slice := t.pool.Get(room)
	defer t.pool.PutSlice(slice)
	for hash.Bytes() != r.Length {
		p := slice
		if r.Length >= 0 {
			p = slice[:min(int64(len(slice)), r.Length-hash.Bytes())]
		}
		n, err := a.fill(p)
		if n > 0 {
			if _, werr := write(p[:n], r.Offset+hash.Bytes()); werr != nil {
				return &retry.Permanent{Err: werr}
			}
			hash.Write(p[:n])
			t.progress(int64(n))
		}
		switch {
		case errors.Is(err, io.EOF) && r.Length < 0:
			return nil
		case err != nil && hash.Bytes() != r.Length:
			return &driver.ShortBodyError{Want: r.Length, Got: hash.Bytes(), Err: unlessEOF(err)}
		}
	}
	return nil
}

// askRange asks for a range of the bytes that the user asked for, of the same
// object.
func (o *object) askRange(ctx context.Context, r plan.Range) (*answer, error) {
	t := o.t
	in, err := input[s3.GetObjectInput](t, s3api.GetObject)
	if err != nil {
		return nil, err
	}
	absolute := plan.Range{Offset: o.base + r.Offset, Length: r.Length}
	in.Range, in.PartNumber = aws.String(absolute.Header()), nil
	if strong(o.etag) {
		in.IfMatch = &o.etag
	}
	if o.first.VersionId != nil {
		in.VersionId = o.first.VersionId
	}
	a, _, err := t.ask(ctx, in)
	if err != nil {
		if preconditionFailed(err) {
			err = t.modified(o.etag, err)
		}
		return nil, err
	}
	if err := o.check(a.out, absolute); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// check makes sure that an answer brings the bytes asked for, of the object
// that the transfer began with.
func (o *object) check(out *s3.GetObjectOutput, want plan.Range) error {
	if etag := aws.ToString(out.ETag); etag != "" && o.etag != "" && etag != o.etag {
		return o.t.modified(o.etag, nil)
	}
	if out.ContentLength != nil && *out.ContentLength != want.Length {
		return fmt.Errorf("asked for %d bytes, the answer has %d", want.Length, *out.ContentLength)
	}
	if out.ContentRange == nil {
		if want.Offset == 0 && want.Length == o.total {
			return nil
		}
		return fmt.Errorf("asked for %s, the answer has no Content-Range", want.Header())
	}
	first, last, total, err := plan.ParseContentRange(*out.ContentRange)
	switch {
	case err != nil:
		return err
	case first != want.Offset || last != want.End()-1:
		return fmt.Errorf("asked for %s, got %s", want.Header(), *out.ContentRange)
	case total >= 0 && o.total >= 0 && total != o.total:
		return o.t.modified(o.etag, nil)
	}
	return nil
}
