package haul

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/haul-s3/haul/internal/driver"
)

// The life of a transfer, in the order of this file: begin (on the caller's
// goroutine: admission, OnQueued, push to the queue), carry (on a runner: its
// context, its job), settle, the OnDone hooks, finish. dropped stands for carry
// where the transfer was cancelled before its turn or couldn't be begun.
//
// Thousands may wait in the queue: what only one that runs needs is made when
// its turn comes.

// transfer is what the Manager needs of a transfer while it lives; the Future,
// which may live longer, lets go of it at the end.
type transfer struct {
	request
	manager *Manager
	future  *Future
	parent  context.Context // the caller's

	wait    waiting     // guarded by queue.mu: where it waits
	job     *driver.Job // owned by the goroutine that carries it; made before only for a journal
	began   time.Time   // when its turn came
	settled bool        // owned by the goroutine that carries it

	cause error                   // guarded by future.mu: why it was told to end, nil if it wasn't
	ctx   context.Context         // guarded by future.mu: its own, nil before its turn
	stop  context.CancelCauseFunc // guarded by future.mu: ends ctx
}

// begin takes a checked request in: what is returned here as an error was never
// queued; all that goes wrong later is the Future's.
func (m *Manager) begin(ctx context.Context, t *transfer) (*Future, error) {
	if err := m.q.admit(ctx, m.open); err != nil {
		return nil, t.meta.fail(err)
	}
	f := t.future
	t.manager, t.parent, f.live = m, ctx, t
	if err := m.register(t); err != nil {
		m.q.slots.Release(1)
		return nil, t.meta.fail(err)
	}
	queued := false
	defer func() {
		if !queued { // a hook refused it, or ended this goroutine
			m.q.slots.Release(1)
		}
	}()
	if err := m.prepare(t); err != nil {
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
	t.meta.id = m.nextID
	m.nextID++
	m.active[t] = struct{}{}
	return nil
}

// prepare runs the OnQueued hooks and checks what they left.
func (m *Manager) prepare(t *transfer) error {
	prepared := false
	defer func() {
		if !prepared { // runtime.Goexit in a hook: begin won't go on
			go m.settle(t, nil, errors.New("the goroutine ended in OnQueued"))
		}
	}()
	err := t.queued()
	if t.meta.freeze() && err == nil {
		err = checkInput(t.meta.input)
	}
	if err == nil && t.o.resume != nil {
		if t.job, err = m.job(&t.request); err == nil {
			t.future.resumable(m.keeper(t.job))
		}
	}
	prepared = true
	return err
}

func (t *transfer) queued() error {
	for _, sub := range t.o.subscribers {
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
	if t.over() != nil {
		m.dropped(t)
		return
	}
	t.began = time.Now()
	t.meta.setStatus(StatusRunning)
	out, err := t.run()
	m.settle(t, out, err)
}

// run forms the job and has the driver carry it.
func (t *transfer) run() (out *driver.Outcome, err error) {
	job := t.job
	if job == nil {
		if job, err = t.manager.job(&t.request); err != nil {
			return nil, err
		}
	}
	ctx := t.context()
	if t.o.ended != nil {
		context.AfterFunc(ctx, t.o.ended)
	}
	return t.manager.driver.Transfer(ctx, job, t)
}

// context makes the transfer's context.
func (t *transfer) context() context.Context {
	ctx, stop := context.WithCancelCause(t.parent)
	t.future.mu.Lock()
	defer t.future.mu.Unlock()
	if t.ctx, t.stop = ctx, stop; t.cause != nil {
		stop(t.cause)
	}
	return ctx
}

// over says why the transfer is to end, nil while it isn't.
func (t *transfer) over() error {
	t.future.mu.Lock()
	defer t.future.mu.Unlock()
	_, cause := t.endLocked()
	return cause
}

// endableLocked says whether nothing has told the transfer to end yet.
func (t *transfer) endableLocked() bool {
	err, _ := t.endLocked()
	return err == nil && t.cause == nil
}

// endLocked is the end of the transfer's context, or of what it will be made
// of: its Err and its cause.
func (t *transfer) endLocked() (err, cause error) {
	switch {
	case t.ctx != nil:
		return t.ctx.Err(), context.Cause(t.ctx)
	case t.cause != nil:
		return context.Canceled, t.cause
	}
	return t.parent.Err(), context.Cause(t.parent)
}

// dropped ends a transfer that was cancelled before it began.
func (m *Manager) dropped(t *transfer) { m.settle(t, nil, t.over()) }

// Progress passes on what the driver has done.
func (t *transfer) Progress(n int64) {
	if n = t.meta.progressed(n); n == 0 {
		return
	}
	for _, sub := range t.o.subscribers {
		err := callHook("OnProgress", func() error { sub.OnProgress(t.future, n); return nil })
		if err != nil {
			t.future.end(err)
		}
	}
}

// Found notes what the driver has found out about the object.
func (t *transfer) Found(size int64, etag string) { t.meta.found(size, etag) }

// Open notes the upload that the driver opened.
func (t *transfer) Open(uploadID string) { t.meta.opened(uploadID) }

// settle gives the transfer its outcome, then runs the OnDone hooks, then ends
// it. Nothing of the driver runs any more.
func (m *Manager) settle(t *transfer, out *driver.Outcome, err error) {
	t.settled = true
	f := t.future
	var result *Result
	if err != nil {
		err = f.meta.fail(t.asCanceled(err))
	} else {
		result = newResult(out, time.Since(t.began))
		f.meta.found(out.Size, out.ETag)
	}
	f.settle(result, err)
	defer m.finish(t)
	m.hooksDone(t, t.o.subscribers)
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
	meta := t.meta
	m.o.Logger.Error("haul: panic in a subscriber's hook", slog.String("hook", p.Hook), slog.Any("panic", p.Value),
		slog.String("operation", meta.Operation()), slog.String("bucket", meta.bucket), slog.String("key", meta.key),
		slog.Uint64("transfer", meta.id), slog.String("stack", string(p.Stack)))
}

// finish ends a transfer: from here on the Manager doesn't know it.
func (m *Manager) finish(t *transfer) {
	t.future.finish()
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
