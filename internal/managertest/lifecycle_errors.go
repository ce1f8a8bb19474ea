package managertest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/haul-s3/haul"
)

func testOnQueuedError(t *testing.T, w *world) {
	m := w.manager()
	refused := errors.New("refused by a hook")
	for _, o := range w.operations(t.TempDir()) {
		w.forget()
		var l hookLog
		hook := haul.SubscriberFuncs{Queued: func(*haul.Future) error { return refused }}
		f, err := o.begin(w.ctx, m, haul.WithSubscribers(l.subscriber("a"), hook, l.subscriber("b")))
		_, err = haul.Wait(f, err)
		if !errors.Is(err, refused) || errors.Is(err, haul.ErrCanceled) {
			t.Errorf("%s: got error %v, want %v", o.name, err, refused)
		}
		if got := l.of("queued"); len(got) != 1 {
			t.Errorf("%s: OnQueued after the refusal: got %q, want only a's", o.name, got)
		}
		if got := l.of("done"); len(got) != 2 {
			t.Errorf("%s: OnDone: got %q, want a's and b's", o.name, got)
		}
		if n := len(w.requests()); n != 0 {
			t.Errorf("%s: got %d requests, want none", o.name, n)
		}
		o.untouched(t)
	}
}

func testPanics(t *testing.T, w *world) {
	m := w.manager(quiet)
	bang := errors.New("bang")
	for name, c := range map[string]struct {
		sub     haul.SubscriberFuncs
		fails   bool
		cancels bool
	}{
		"OnQueued":   {haul.SubscriberFuncs{Queued: func(*haul.Future) error { panic(bang) }}, true, false},
		"OnProgress": {haul.SubscriberFuncs{Progress: func(*haul.Future, int64) { panic(bang) }}, true, true},
		"OnDone":     {haul.SubscriberFuncs{Done: func(*haul.Future) { panic(bang) }}, false, false},
	} {
		for _, o := range w.operations(t.TempDir()) {
			if name == "OnProgress" && o.size < big {
				continue // there is no progress before the end
			}
			var l hookLog
			f, err := o.begin(w.ctx, m, haul.WithSubscribers(c.sub, l.subscriber("a")))
			_, err = haul.Wait(f, err)
			if !c.fails {
				if err != nil {
					t.Errorf("panic in %s of %s: got %v, want success", name, o.name, err)
				}
				continue
			}
			var p *haul.PanicError
			if !errors.As(err, &p) || p.Hook != name || len(p.Stack) == 0 || !errors.Is(err, bang) {
				t.Errorf("panic in %s of %s: got %v, want a *PanicError around %v", name, o.name, err, bang)
			}
			if errors.Is(err, haul.ErrCanceled) != c.cancels {
				t.Errorf("panic in %s of %s: got %v, ErrCanceled in it: want %t", name, o.name, err, c.cancels)
			}
			if got := l.of("done"); len(got) != 1 {
				t.Errorf("panic in %s of %s: OnDone: got %q, want one", name, o.name, got)
			}
			o.untouched(t)
			w.nothingOpen(t)
		}
	}
	// No slot has leaked: more transfers pass than run at once.
	var all []*haul.Future
	for range 300 {
		f, err := m.Upload(w.ctx, haul.FromBytes(nil), w.put("after"), haul.WithSubscribers(haul.SubscriberFuncs{Done: func(*haul.Future) { panic(bang) }}))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	for _, f := range all {
		w.must(haul.Wait(f, nil))
	}
	if err := m.Shutdown(w.ctx); err != nil {
		t.Errorf("Shutdown after panics: %v", err)
	}
}

// testGoexit ends the goroutine of each call of OnProgress in turn, as
// t.FailNow in a hook does: a part that is missing must not pass for one that
// is there.
func testGoexit(t *testing.T, w *world) {
	m := w.manager()
	w.intercept(func(_ string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(mute{rw}, r) // which would find what is missing
	})
	for _, o := range w.operations(t.TempDir()) {
		if !strings.HasPrefix(o.name, "download") {
			continue
		}
		for at := int64(1); ; at += 5 {
			var l hookLog
			var calls atomic.Int64
			exit := haul.SubscriberFuncs{Progress: func(*haul.Future, int64) {
				if calls.Add(1) == at {
					runtime.Goexit()
				}
			}}
			f, err := o.begin(w.ctx, m, haul.WithSubscribers(l.subscriber("a"), exit))
			_, err = haul.Wait(f, err)
			if calls.Load() < at {
				w.must(nil, err)
				o.right(t)
				break
			}
			if err == nil {
				t.Errorf("%s: Goexit in call %d of OnProgress: got success, want an error", o.name, at)
			}
			if got := l.of("done"); len(got) != 1 {
				t.Errorf("%s: Goexit in call %d of OnProgress: OnDone: got %q, want one", o.name, at, got)
			}
			o.untouched(t)
		}
	}
	if err := m.Shutdown(w.ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func testSetError(t *testing.T, w *world) {
	m := w.manager()
	own := errors.New("the source could not be deleted")
	for _, o := range w.operations(t.TempDir()) {
		var before, second error
		queued := haul.SubscriberFuncs{
			Queued: func(f *haul.Future) error { before = f.SetError(own); return nil },
			Done: func(f *haul.Future) {
				if r, err := f.Outcome(); r == nil || err != nil {
					t.Errorf("%s: Outcome in OnDone: got %v, %v, want a result", o.name, r, err)
				}
				if err := f.SetError(own); err != nil {
					t.Errorf("%s: SetError in OnDone: %v", o.name, err)
				}
				if f.IsDone() {
					t.Errorf("%s: IsDone in OnDone is true", o.name)
				}
			},
		}
		after := haul.SubscriberFuncs{Done: func(f *haul.Future) { _, second = f.Outcome() }}
		f, err := o.begin(w.ctx, m, haul.WithSubscribers(queued, after))
		_, err = haul.Wait(f, err)
		if !errors.Is(err, own) || !errors.Is(second, own) {
			t.Errorf("%s: got %v, and %v in the next OnDone, want %v", o.name, err, second, own)
		}
		if !errors.Is(before, haul.ErrNotDone) {
			t.Errorf("%s: SetError before the end: got %v, want ErrNotDone", o.name, before)
		}
		o.right(t)
	}
}

func testOutcomeBefore(t *testing.T, w *world) {
	m := w.manager()
	o := w.operation("upload-parts")
	h := w.hold("CompleteMultipartUpload", 1, false)
	f, err := o.begin(w.ctx, m)
	if err != nil {
		t.Fatal(err)
	}
	<-h.reached
	if r, err := f.Outcome(); r != nil || !errors.Is(err, haul.ErrNotDone) {
		t.Errorf("Outcome: got %v, %v, want ErrNotDone", r, err)
	}
	if err := f.SetError(io.EOF); !errors.Is(err, haul.ErrNotDone) || f.IsDone() {
		t.Errorf("SetError: got %v, want ErrNotDone", err)
	}
	enough := errors.New("waited enough")
	ctx, cancel := context.WithCancelCause(w.ctx)
	cancel(enough)
	if r, err := f.Result(ctx); r != nil || !errors.Is(err, haul.ErrNotDone) || !errors.Is(err, enough) {
		t.Errorf("Result with an ended context: got %v, %v, want ErrNotDone and the cause", r, err)
	}
	close(h.release)
	w.must(f.Result(w.ctx))
	if r, err := f.Result(ctx); r == nil || err != nil {
		t.Errorf("Result of a done transfer with an ended context: got %v, %v, want the result", r, err)
	}
	o.right(t)
}

func testCancelOnce(t *testing.T, w *world) {
	m := w.manager()
	o := w.operation("upload-parts")
	h := w.hold("UploadPart", 1, false)
	f, err := o.begin(w.ctx, m)
	if err != nil {
		t.Fatal(err)
	}
	<-h.reached
	var mu sync.Mutex
	yes := 0
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if f.Cancel() {
				mu.Lock()
				defer mu.Unlock()
				yes++
			}
		})
	}
	all.Wait()
	wantCanceled(t, "upload", f, context.Canceled)
	if yes != 1 || f.Cancel() {
		t.Errorf("Cancel: got true %d times, and %t after the end, want once", yes, f.Cancel())
	}
	small := w.operation("upload")
	f, err = small.begin(w.ctx, m)
	w.must(haul.Wait(f, err))
	if f.Cancel() {
		t.Error("Cancel of a done transfer: got true")
	}
	small.right(t)
}
