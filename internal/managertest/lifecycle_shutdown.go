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
		want := cause
		if want == nil {
			want = haul.ErrShutdown
		}
		// One that is running.
		m := w.manager()
		o := w.operation("upload-parts")
		h := w.hold("UploadPart", 2, false)
		f, err := o.begin(w.ctx, m)
		if err != nil {
			t.Fatal(err)
		}
		<-h.reached
		if err := m.ShutdownNow(w.ctx, cause); err != nil {
			t.Errorf("%s: ShutdownNow: %v", name, err)
		}
		wantCanceled(t, "running", f, want)
		o.untouched(t)
		// Some that are running, and some that wait.
		m = w.manager()
		operations := w.operations(t.TempDir())
		release := w.crowd(m)
		var all []*haul.Future
		for _, o := range operations {
			f, err := o.begin(w.ctx, m)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, f)
		}
		if err := m.ShutdownNow(w.ctx, cause); err != nil {
			t.Errorf("%s: ShutdownNow: %v", name, err)
		}
		release()
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
	bang := errors.New("bang")
	for name, c := range map[string]struct {
		leave func() error
		want  error
	}{
		"error": {func() error { return cause }, cause},
		"panic": {func() error { panic(bang) }, bang},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			m := w.manager()
			o := w.operation("upload-parts")
			h := w.hold("UploadPart", 1, false)
			var f *haul.Future
			run := func() (err error) {
				defer func() {
					if v := recover(); v != nil {
						err = v.(error)
					}
				}()
				return m.Run(w.ctx, func(ctx context.Context) (err error) {
					if f, err = o.begin(ctx, m); err != nil {
						return err
					}
					<-h.reached
					return c.leave()
				})
			}
			if err := run(); !errors.Is(err, c.want) {
				t.Errorf("Run: got %v, want %v", err, c.want)
			}
			wantCanceled(t, "upload", f, c.want)
			o.untouched(t)
			w.nothingOpen(t)
		})
	}
	t.Run("context", func(t *testing.T) { testRunContext(t, w.in(t), cause) })
}

// testRunContext ends the context that Run was given.
func testRunContext(t *testing.T, w *world, cause error) {
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
}
