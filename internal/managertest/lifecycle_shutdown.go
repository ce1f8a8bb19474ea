package managertest

import (
	"context"
	"errors"
	"testing"

	"github.com/haul-s3/haul"
)

func testShutdownWaits(t *testing.T, w *world) {
	m := w.manager()
	var all []*haul.Future
	operations := w.operations(t.TempDir())
	for _, o := range operations {
		f, err := o.begin(w.ctx, m)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	if err := m.Shutdown(w.ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	for i, f := range all {
		if !f.IsDone() {
			t.Errorf("%s: not done after Shutdown", operations[i].name)
			continue
		}
		if _, err := f.Outcome(); err != nil {
			t.Errorf("%s: %v", operations[i].name, err)
		}
		operations[i].right(t)
	}
	if err := m.Shutdown(w.ctx); err != nil {
		t.Errorf("second Shutdown: %v", err)
	}
}

func testShutdownEnded(t *testing.T, w *world) {
	m := w.manager()
	o := w.operation("upload-parts")
	h := w.hold("UploadPart", 1, false)
	f, err := o.begin(w.ctx, m)
	if err != nil {
		t.Fatal(err)
	}
	<-h.reached
	cause := errors.New("no time to wait")
	ctx, cancel := context.WithCancelCause(w.ctx)
	cancel(cause)
	if err := m.Shutdown(ctx); !errors.Is(err, cause) {
		t.Errorf("Shutdown with an ended context: got %v, want its cause", err)
	}
	if f.IsDone() {
		t.Error("Shutdown with an ended context has ended the transfer")
	}
	close(h.release)
	if err := m.Shutdown(w.ctx); err != nil {
		t.Errorf("Shutdown again: %v", err)
	}
	if _, err := f.Outcome(); err != nil {
		t.Errorf("transfer: %v", err)
	}
	o.right(t)
}

func testShutdownNow(t *testing.T, w *world) {
	for name, cause := range map[string]error{"cause": errors.New("the power is going"), "no-cause": nil} {
		m := w.manager()
		operations := w.operations(t.TempDir())
		release := w.crowd(m) // so that some are waiting still
		var all []*haul.Future
		for _, o := range operations {
			f, err := o.begin(w.ctx, m)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, f)
		}
		busy := w.manager()
		o := w.operation("upload-parts")
		h := w.hold("UploadPart", 2, false)
		f, err := o.begin(w.ctx, busy)
		if err != nil {
			t.Fatal(err)
		}
		<-h.reached
		want := cause
		if want == nil {
			want = haul.ErrShutdown
		}
		for _, m := range []*haul.Manager{m, busy} {
			if err := m.ShutdownNow(w.ctx, cause); err != nil {
				t.Errorf("%s: ShutdownNow: %v", name, err)
			}
		}
		release()
		wantCanceled(t, "running", f, want)
		o.untouched(t)
		for i, f := range all {
			wantCanceled(t, operations[i].name, f, want)
			operations[i].untouched(t)
		}
		w.nothingOpen(t)
	}
}

func testAfterShutdown(t *testing.T, w *world) {
	m := w.manager()
	if err := m.Shutdown(w.ctx); err != nil {
		t.Fatal(err)
	}
	_, up := m.Upload(w.ctx, haul.FromBytes(nil), w.put("late"))
	_, down := m.Download(w.ctx, w.get("late"), haul.ToWriterAt(&memoryAt{}))
	_, open := m.Open(w.ctx, w.get("late"))
	_, file := m.DownloadFile(w.ctx, w.Bucket, "late", "late")
	for name, err := range map[string]error{"Upload": up, "Download": down, "Open": open, "DownloadFile": file} {
		var te *haul.TransferError
		if !errors.Is(err, haul.ErrShutdown) || !errors.As(err, &te) {
			t.Errorf("%s after Shutdown: got %v, want a *TransferError with ErrShutdown", name, err)
		}
	}
	if err := m.ShutdownNow(w.ctx, nil); err != nil {
		t.Errorf("ShutdownNow after Shutdown: %v", err)
	}
}

func testRun(t *testing.T, w *world) {
	cause := errors.New("the caller's own")
	t.Run("nil", func(t *testing.T) {
		w := w.in(t)
		o := w.operation("upload-parts")
		var f *haul.Future
		err := w.manager().Run(w.ctx, func(ctx context.Context) (err error) { return nil })
		if err != nil {
			t.Errorf("Run of nothing: %v", err)
		}
		m := w.manager()
		err = m.Run(w.ctx, func(ctx context.Context) (err error) { f, err = o.begin(ctx, m); return err })
		if err != nil || !f.IsDone() {
			t.Errorf("Run: got %v, transfer done: %t, want nil, true", err, f.IsDone())
		}
		o.right(t)
	})
	// The rest leave with a transfer in flight, which is cancelled.
	during := func(t *testing.T, leave func(ctx context.Context, run func(func()) error) error, want error) {
		w := w.in(t)
		m := w.manager()
		o := w.operation("upload-parts")
		h := w.hold("UploadPart", 1, false)
		var f *haul.Future
		err := leave(w.ctx, func(last func()) error {
			return m.Run(w.ctx, func(ctx context.Context) (err error) {
				if f, err = o.begin(ctx, m); err != nil {
					return err
				}
				<-h.reached
				last()
				return cause
			})
		})
		if !errors.Is(err, want) {
			t.Errorf("Run: got %v, want %v", err, want)
		}
		wantCanceled(t, "upload", f, want)
		o.untouched(t)
		w.nothingOpen(t)
	}
	t.Run("error", func(t *testing.T) {
		during(t, func(_ context.Context, run func(func()) error) error { return run(func() {}) }, cause)
	})
	t.Run("panic", func(t *testing.T) {
		bang := errors.New("bang")
		during(t, func(_ context.Context, run func(func()) error) (err error) {
			defer func() { err, _ = recover().(error) }()
			return run(func() { panic(bang) })
		}, bang)
	})
	t.Run("context", func(t *testing.T) {
		w := w.in(t)
		m := w.manager()
		o := w.operation("upload-parts")
		h := w.hold("UploadPart", 1, false)
		ctx, cancel := context.WithCancelCause(w.ctx)
		var f *haul.Future
		err := m.Run(ctx, func(context.Context) (err error) {
			f, err = o.begin(w.ctx, m) // a context of its own
			<-h.reached
			cancel(cause)
			return err
		})
		if !errors.Is(err, cause) {
			t.Errorf("Run: got %v, want %v", err, cause)
		}
		wantCanceled(t, "upload", f, cause)
		o.untouched(t)
		w.nothingOpen(t)
	})
}
