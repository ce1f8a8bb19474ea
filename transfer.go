package haul

import (
	"container/list"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/haul-s3/haul/internal/driver"
)

// The life of a transfer, in the order of this file: begin (on the caller's
// goroutine: admission, OnQueued, forming the job, push to the queue), carry
// (on a runner), settle, the OnDone hooks, finish. dropped stands for carry
// where the transfer was cancelled before its turn or couldn't be begun.

// transfer is what the Manager needs of a transfer while it lives; the Future,
// which may live longer, doesn't refer to it.
type transfer struct {
	future *Future
	subs   []Subscriber
	job    *driver.Job // set before the transfer is pushed

	place   *list.Element // guarded by queue.mu: where it waits, nil if it doesn't
	unwatch func() bool   // set with place; ends the watch over a waiting transfer
	began   time.Time     // when its turn came
	settled bool          // owned by the goroutine that carries it
}

// begin takes a checked request in: what is returned here as an error was never
// queued; all that goes wrong later is the Future's.
func (m *Manager) begin(ctx context.Context, r *request) (*Future, error) {
	if err := m.q.admit(ctx, m.open); err != nil {
		return nil, r.meta.fail(err)
	}
	f := &Future{meta: r.meta, done: make(chan struct{})}
	f.ctx, f.cancel = context.WithCancelCause(ctx)
	t := &transfer{future: f, subs: r.o.subscribers}
	if err := m.register(t); err != nil {
		m.q.slots.Release(1)
		f.cancel(nil)
		return nil, r.meta.fail(err)
	}
	queued := false
	defer func() {
		if !queued { // a hook refused it, or ended this goroutine
			m.q.slots.Release(1)
		}
	}()
	if err := m.prepare(t, r); err != nil {
		go m.settle(t, nil, err)
		return f, nil
	}
	queued = true
	m.q.push(t)
	return f, nil
}

// register numbers a transfer and keeps account of it, unless the Manager is
// shut down.
func (m *Manager) register(t *transfer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrShutdown
	}
	t.future.meta.id = m.nextID
	m.nextID++
	m.active[t] = struct{}{}
	return nil
}

// prepare runs the OnQueued hooks and forms the job from what they left.
func (m *Manager) prepare(t *transfer, r *request) error {
	prepared := false
	defer func() {
		if !prepared { // runtime.Goexit in a hook: begin won't go on
			go m.settle(t, nil, errors.New("the goroutine ended in OnQueued"))
		}
	}()
	err := t.queued()
	if err == nil {
		t.job, err = m.job(t.future.meta, r)
	}
	if err == nil && t.job.Resume != nil {
		t.future.resumable(m.keeper(t.job))
	}
	if err != nil {
		t.future.meta.freeze()
	}
	prepared = true
	return err
}

func (t *transfer) queued() error {
	for _, sub := range t.subs {
		if err := callHook("OnQueued", func() error { return sub.OnQueued(t.future) }); err != nil {
			return err
		}
	}
	return nil
}

// carry has the driver carry a transfer whose turn has come.
func (m *Manager) carry(t *transfer) {
	defer func() {
		if !t.settled {
			m.settle(t, nil, errors.New("the goroutine that carried the transfer ended"))
		}
	}()
	if t.future.ctx.Err() != nil {
		m.dropped(t)
		return
	}
	t.began = time.Now()
	t.future.meta.setStatus(StatusRunning)
	out, err := m.driver.Transfer(t.future.ctx, t.job, t)
	m.settle(t, out, err)
}

// dropped ends a transfer that was cancelled before it began.
func (m *Manager) dropped(t *transfer) { m.settle(t, nil, context.Cause(t.future.ctx)) }

// Progress passes on what the driver has done.
func (t *transfer) Progress(n int64) {
	if n = t.future.meta.progressed(n); n == 0 {
		return
	}
	for _, sub := range t.subs {
		err := callHook("OnProgress", func() error { sub.OnProgress(t.future, n); return nil })
		if err != nil {
			t.future.cancel(err)
		}
	}
}

// Found notes what the driver has found out about the object.
func (t *transfer) Found(size int64, etag string) { t.future.meta.found(size, etag) }

// Open notes the upload that the driver opened.
func (t *transfer) Open(uploadID string) { t.future.meta.opened(uploadID) }

// settle gives the transfer its outcome, then runs the OnDone hooks, then ends
// it. Nothing of the driver runs any more.
func (m *Manager) settle(t *transfer, out *driver.Outcome, err error) {
	t.settled = true
	f := t.future
	var result *Result
	if err != nil {
		err = f.meta.fail(asCanceled(f.ctx, err))
	} else {
		result = newResult(out, time.Since(t.began))
		f.meta.found(out.Size, out.ETag)
	}
	f.settle(result, err)
	defer m.finish(t)
	m.hooksDone(t, t.subs)
}

// hooksDone calls OnDone of each subscriber, the later ones also when an
// earlier one ends the goroutine.
func (m *Manager) hooksDone(t *transfer, subs []Subscriber) {
	if len(subs) == 0 {
		return
	}
	defer m.hooksDone(t, subs[1:])
	if err := callHook("OnDone", func() error { subs[0].OnDone(t.future); return nil }); err != nil {
		m.logPanic(t, err)
	}
}

func (m *Manager) logPanic(t *transfer, err error) {
	var p *PanicError
	if !errors.As(err, &p) {
		return
	}
	meta := t.future.meta
	m.o.Logger.Error("haul: panic in a subscriber's hook", slog.String("hook", p.Hook), slog.Any("panic", p.Value),
		slog.String("operation", meta.Operation()), slog.String("bucket", meta.bucket), slog.String("key", meta.key),
		slog.Uint64("transfer", meta.id), slog.String("stack", string(p.Stack)))
}

// finish ends a transfer: from here on the Manager doesn't know it.
func (m *Manager) finish(t *transfer) {
	t.future.cancel(nil) // frees what the caller's context holds of it
	close(t.future.done)
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.active, t)
	m.idleLocked()
}

// fail makes the TransferError of an error, with what the driver knew about it.
func (m *Meta) fail(err error) *TransferError {
	var known *TransferError
	if errors.As(err, &known) {
		return known
	}
	e := &TransferError{Op: m.Operation(), Bucket: m.bucket, Key: m.key, UploadID: m.UploadID(), Err: err}
	var f *driver.Failure
	if errors.As(err, &f) {
		e.Part, e.Attempt, e.Journal = f.Part, f.Attempt, f.Journal
		if f.UploadID != "" {
			e.UploadID = f.UploadID
		}
		if err == error(f) {
			e.Err = f.Err
		}
	}
	return e
}
