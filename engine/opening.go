package engine

import (
	"context"

	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/wire"
)

// opening is an upload in parts that is being opened. Meanwhile the lanes make
// their first parts ready: they read and hash them, and open connections. Then
// they wait, without their lanes, for the upload's id.
type opening struct {
	*transfer
	part   *s3api.Template // of UploadPart, without the upload's id
	cancel context.CancelCauseFunc
	done   chan struct{} // closed by run
	// Set by run before done is closed; m is nil if there is no upload.
	m   *multipart
	err error
}

// opening begins to open an upload. Its end is to be waited for by end.
func (t *transfer) opening(ctx context.Context, open func(context.Context) (*multipart, error)) (*opening, error) {
	part, err := t.form(ctx, s3api.UploadPart)
	if err != nil {
		return nil, err
	}
	o := &opening{transfer: t, part: part, done: make(chan struct{})}
	ctx, o.cancel = context.WithCancelCause(ctx)
	go o.run(ctx, open)
	return o, nil
}

func (o *opening) run(ctx context.Context, open func(context.Context) (*multipart, error)) {
	defer close(o.done)
	o.err = errEnded // so it is if a hook of the caller's ends this goroutine
	o.m, o.err = open(ctx)
}

// end waits until the upload is open or isn't, and tells what came of the parts,
// err. If they have failed nobody needs the upload any more; it is returned all
// the same if it is there, to be abandoned.
func (o *opening) end(err error) (*multipart, error) {
	if err != nil {
		o.cancel(err)
	}
	<-o.done
	o.cancel(nil)
	if err == nil {
		err = o.err
	}
	return o.m, err
}

// await returns the upload, once it is open. Until then it makes src ready.
func (o *opening) await(ctx context.Context, ln *lane, src *content) (*multipart, error) {
	select {
	case <-o.done:
		return o.m, o.err
	default:
	}
	o.awaiting.Add(1)
	o.client.awaiting.Add(1)
	defer o.awaiting.Add(-1)
	defer o.client.awaiting.Add(-1)
	if o.journal == nil { // else the part may be there already
		o.client.preparing.Add(1)
		defer o.client.preparing.Add(-1)
		if err := o.makeReady(ctx, ln, src); err != nil {
			return nil, err
		}
	}
	ln.drop()
	select {
	case <-o.done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if o.err != nil {
		return nil, o.err
	}
	return o.m, ln.take(ctx)
}

// crowded says that the transfer's upload isn't open yet, and that as many wait
// for such uploads as there are lanes, which another goroutine would only join.
func (t *transfer) crowded() bool {
	if t.awaiting.Load() == 0 {
		return false
	}
	limit, _ := t.client.lanes.counts()
	return t.client.awaiting.Load() >= int64(limit)
}

// makeReady hashes src, and opens a connection for it unless one is idle.
func (o *opening) makeReady(ctx context.Context, ln *lane, src *content) (err error) {
	src.proof, err = o.prove(ctx, &ln.work, *src, o.job.Checksum.Algorithm, o.trailer(o.part, *src))
	if err != nil {
		return o.failure(&call{}, err)
	}
	// Those that prepare hold a connection each, or will, and so do all who have
	// lanes; the caller of this is both.
	preparing := int(o.client.preparing.Load())
	if limit, busy := o.client.lanes.counts(); busy+preparing-1 <= limit {
		ln.work.set(atAnswer)
		o.prepare(ctx, o.part, preparing)
	}
	return nil
}

// prepare sees to it that there are n connections, idle or in the making, to
// where a request goes. Whether it succeeds is for that request to find out.
func (t *transfer) prepare(ctx context.Context, template *s3api.Template, n int) {
	p, ok := t.client.exchange.(wire.Preparer)
	if !ok {
		return
	}
	p.Prepare(ctx, t.scheme(template), template.URL.Host, n)
}
