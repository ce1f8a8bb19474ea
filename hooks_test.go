package haul_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/driver"
)

// watcher notes its hooks under a name.
func watcher(s *steps, name string) haul.SubscriberFuncs {
	return haul.SubscriberFuncs{
		Queued:   func(*haul.Future) error { s.add(name + " queued"); return nil },
		Progress: func(*haul.Future, int64) { s.add(name + " progress") },
		Done:     func(*haul.Future) { s.add(name + " done") },
	}
}

func count(list []string, want string) (n int) {
	for _, s := range list {
		if s == want {
			n++
		}
	}
	return n
}

func quiet(o *haul.Options) { o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil)) }

func progressing(_ context.Context, _ *driver.Job, ev driver.Events) (*driver.Outcome, error) {
	ev.Progress(5)
	ev.Progress(0) // says nothing
	return &driver.Outcome{Size: 5}, nil
}

func TestHooksRunInOrder(t *testing.T) {
	var s steps
	m := newManager(t, &fakeDriver{do: progressing})
	defer shutdown(t, m)
	f := upload(t, m, watcher(&s, "a"), haul.NopSubscriber{}, watcher(&s, "b"), haul.SubscriberFuncs{}, nil)
	<-f.Done()
	wantSteps(t, s.get(), []string{"a queued", "b queued", "a progress", "b progress", "a done", "b done"})
}

func TestOnQueuedRunsBeforeUploadReturnsAndBeforeTheDriver(t *testing.T) {
	d := &fakeDriver{}
	m := newManager(t, d)
	defer shutdown(t, m)
	called := false // no lock: it runs on this goroutine
	upload(t, m, haul.SubscriberFuncs{Queued: func(f *haul.Future) error {
		called = true
		if n := d.started.Load(); n != 0 || f.Meta().Status() != haul.StatusQueued {
			t.Errorf("in OnQueued: got %d jobs started, status %s, want 0, queued", n, f.Meta().Status())
		}
		return nil
	}})
	if !called {
		t.Error("OnQueued: not called when Upload returned")
	}
}

func TestOnQueuedErrorFailsTheTransfer(t *testing.T) {
	refused := errors.New("refused")
	for name, hook := range map[string]func(*haul.Future) error{
		"error": func(*haul.Future) error { return refused },
		"panic": func(*haul.Future) error { panic(refused) },
	} {
		t.Run(name, func(t *testing.T) {
			var s steps
			d := &fakeDriver{}
			m := newManager(t, d, quiet)
			f := upload(t, m, watcher(&s, "a"), haul.SubscriberFuncs{Queued: hook}, watcher(&s, "c"))
			_, err := haul.Wait(f, nil)
			wantErr(t, "Result", err, refused)
			var p *haul.PanicError
			if errors.As(err, &p) != (name == "panic") {
				t.Errorf("error: got %v, a *PanicError only of a panic", err)
			}
			wantSteps(t, s.get(), []string{"a queued", "a done", "c done"})
			if d.started.Load() != 0 {
				t.Error("driver: got a job, want none")
			}
			shutdown(t, m)
		})
	}
}

func TestPanicInOnProgressCancels(t *testing.T) {
	d := &fakeDriver{do: func(ctx context.Context, job *driver.Job, ev driver.Events) (*driver.Outcome, error) {
		ev.Progress(1)
		return untilCanceled(ctx, job, ev)
	}}
	m := newManager(t, d, quiet)
	f := upload(t, m, haul.SubscriberFuncs{Progress: func(*haul.Future, int64) { panic("oh") }})
	_, err := haul.Wait(f, nil)
	wantErr(t, "Result", err, haul.ErrCanceled)
	var p *haul.PanicError
	if !errors.As(err, &p) || p.Hook != "OnProgress" || p.Value != "oh" || len(p.Stack) == 0 {
		t.Errorf("error: got %v, want the panic of OnProgress", err)
	}
	shutdown(t, m)
}

func TestPanicInOnDoneIsContained(t *testing.T) {
	for name, hook := range map[string]func(*haul.Future){
		"panic":  func(*haul.Future) { panic("oh") },
		"goexit": func(*haul.Future) { runtime.Goexit() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s steps
				m := newManager(t, &fakeDriver{parallel: 1}, quiet)
				bad := haul.SubscriberFuncs{Done: hook}
				var all []*haul.Future
				for range 3 { // a slot that leaked would hold up the next one
					all = append(all, upload(t, m, bad, watcher(&s, "b"), bad))
				}
				for _, f := range all {
					if _, err := haul.Wait(f, nil); err != nil {
						t.Errorf("Result: got %v, want success", err)
					}
				}
				shutdown(t, m)
				if n := count(s.get(), "b done"); n != 3 {
					t.Errorf("OnDone: got %d calls, want 3", n)
				}
			})
		})
	}
}

func TestGoexitInOtherHooksLeaksNothing(t *testing.T) {
	for name, sub := range map[string]haul.SubscriberFuncs{
		"queued":   {Queued: func(*haul.Future) error { runtime.Goexit(); return nil }},
		"progress": {Progress: func(*haul.Future, int64) { runtime.Goexit() }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s steps
				m := newManager(t, &fakeDriver{parallel: 1, do: progressing}, quiet, func(o *haul.Options) { o.MaxQueued = 1 })
				for range 3 {
					ended := make(chan struct{})
					go func() {
						defer close(ended)
						_, _ = haul.Wait(m.Upload(t.Context(), haul.FromBytes(nil), put(), haul.WithSubscribers(sub, watcher(&s, "b"))))
					}()
					<-ended
				}
				shutdown(t, m)
				if n := count(s.get(), "b done"); n != 3 {
					t.Errorf("OnDone: got %d calls, want 3", n)
				}
			})
		})
	}
}

func TestSettleOrder(t *testing.T) {
	own := errors.New("could not delete the source")
	m := newManager(t, &fakeDriver{})
	var first, second error
	f := upload(t, m,
		haul.SubscriberFuncs{Done: func(f *haul.Future) {
			_, first = f.Outcome()
			if f.IsDone() {
				t.Error("in OnDone: IsDone is true, want false")
			}
			if err := f.SetError(own); err != nil {
				t.Errorf("SetError in OnDone: got %v, want nil", err)
			}
		}},
		haul.SubscriberFuncs{Done: func(f *haul.Future) { _, second = f.Outcome() }},
	)
	r, err := f.Result(t.Context())
	wantErr(t, "Result", err, own)
	wantErr(t, "Outcome in the second OnDone", second, own)
	if first != nil || r == nil {
		t.Errorf("transfer itself: got error %v, result %v, want success with a result", first, r)
	}
	if err := f.SetError(nil); err == nil {
		t.Error("SetError(nil): got nil, want an error")
	}
	shutdown(t, m)
}

func TestUploadProgressNeverGoesBack(t *testing.T) {
	d := &fakeDriver{do: func(_ context.Context, _ *driver.Job, ev driver.Events) (*driver.Outcome, error) {
		for _, n := range []int64{3, -3, 2, 4, -1, 2, 3} {
			ev.Progress(n)
		}
		return &driver.Outcome{Size: 10}, nil
	}}
	m := newManager(t, d)
	defer shutdown(t, m)
	var sum int64
	f := upload(t, m, haul.SubscriberFuncs{Progress: func(_ *haul.Future, n int64) {
		if n <= 0 {
			t.Errorf("OnProgress: got %d, want it positive", n)
		}
		sum += n
	}})
	<-f.Done()
	if sum != 10 || f.Meta().Transferred() != 10 {
		t.Errorf("sum: got %d, Transferred %d, want 10", sum, f.Meta().Transferred())
	}
}

func TestDownloadProgressGoesBackOpenly(t *testing.T) {
	var s []int64
	d := &fakeDriver{do: func(_ context.Context, _ *driver.Job, ev driver.Events) (*driver.Outcome, error) {
		for _, n := range []int64{3, -3, 5} {
			ev.Progress(n)
		}
		return &driver.Outcome{Size: 5}, nil
	}}
	m := newManager(t, d)
	defer shutdown(t, m)
	sub := haul.SubscriberFuncs{Progress: func(_ *haul.Future, n int64) { s = append(s, n) }}
	if _, err := haul.Wait(m.Download(t.Context(), get(), haul.ToWriter(io.Discard), haul.WithSubscribers(sub))); err != nil {
		t.Fatal(err)
	}
	if len(s) != 3 || s[1] != -3 {
		t.Errorf("OnProgress: got %v, want [3 -3 5]", s)
	}
}
