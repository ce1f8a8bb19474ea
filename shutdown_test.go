package haul_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/haul-s3/haul"
)

func TestShutdownWaitsAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := make(gate)
		d := &fakeDriver{do: g.transfer}
		m := newManager(t, d)
		f := upload(t, m)
		cause := errors.New("enough waiting")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		if err := m.Shutdown(ctx); !errors.Is(err, cause) {
			t.Errorf("Shutdown whose context ended: got %v, want %v", err, cause)
		}
		if f.IsDone() || d.closed.Load() != 0 {
			t.Error("Shutdown whose context ended: ended the transfer, want it running")
		}
		_, err := m.Upload(t.Context(), haul.FromBytes(nil), put())
		wantErr(t, "Upload after Shutdown", err, haul.ErrShutdown)
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				if err := m.Shutdown(context.Background()); err != nil {
					t.Errorf("Shutdown: got %v, want nil", err)
				}
			})
		}
		synctest.Wait()
		close(g)
		group.Wait()
		if _, err := f.Outcome(); err != nil || !f.IsDone() {
			t.Errorf("transfer: got %v, want success", err)
		}
		if err := m.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown of an idle Manager: got %v, want nil", err)
		}
		if d.closed.Load() != 1 {
			t.Errorf("driver: closed %d times, want once", d.closed.Load())
		}
	})
}

func TestShutdownNowCancelsWithTheCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, &fakeDriver{parallel: 1, do: untilCanceled})
		running, waiting := upload(t, m), upload(t, m)
		synctest.Wait()
		cause := errors.New("power is going")
		if err := m.ShutdownNow(context.Background(), cause); err != nil {
			t.Errorf("ShutdownNow: got %v, want nil", err)
		}
		for _, f := range []*haul.Future{running, waiting} {
			_, err := f.Outcome()
			wantErr(t, "Outcome", err, haul.ErrCanceled)
			wantErr(t, "Outcome", err, cause)
		}
		if err := m.ShutdownNow(context.Background(), nil); err != nil {
			t.Errorf("second ShutdownNow: got %v, want nil", err)
		}
	})
}

func TestRun(t *testing.T) {
	cause := errors.New("fn has had it")
	cases := map[string]struct {
		fn   func(context.Context) error
		want error // of the transfer and of Run
	}{
		"nil":    {func(context.Context) error { return nil }, nil},
		"error":  {func(context.Context) error { return cause }, cause},
		"panic":  {func(context.Context) error { panic(cause) }, cause},
		"goexit": {func(context.Context) error { runtime.Goexit(); return nil }, haul.ErrShutdown},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := make(gate, 1)
				m := newManager(t, &fakeDriver{do: g.transfer})
				var f *haul.Future
				var err error
				var panicked any
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					defer func() { panicked = recover() }()
					err = m.Run(t.Context(), func(ctx context.Context) error {
						f = upload(t, m)
						if c.want == nil {
							g <- struct{}{}
						}
						return c.fn(ctx)
					})
				}()
				<-ended
				if !f.IsDone() {
					t.Error("after Run: the transfer still runs")
				}
				if (panicked != nil) != (name == "panic") {
					t.Errorf("panic: got %v", panicked)
				}
				if want := c.want; name == "nil" || name == "error" {
					if !errors.Is(err, want) {
						t.Errorf("Run: got %v, want %v", err, want)
					}
				}
				_, err = f.Outcome()
				wantErr(t, "Outcome", err, c.want)
			})
		})
	}
}

func TestRunWhoseContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, &fakeDriver{do: untilCanceled})
		cause := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		var f *haul.Future
		err := m.Run(ctx, func(context.Context) error {
			f = upload(t, m) // under another context than Run's
			cancel(cause)
			return nil
		})
		if !errors.Is(err, cause) {
			t.Errorf("Run: got %v, want %v", err, cause)
		}
		_, err = f.Outcome()
		wantErr(t, "Outcome", err, cause)
	})
}
