package haul_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/driver"
)

// gate is a transfer that ends when it is let through.
type gate chan struct{}

func (g gate) transfer(ctx context.Context, _ *driver.Job, _ driver.Events) (*driver.Outcome, error) {
	select {
	case <-g:
		return &driver.Outcome{}, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// goroutinesIn counts those that have a function on their stack.
func goroutinesIn(function string) int {
	stacks := make([]byte, 1<<20)
	return bytes.Count(stacks[:runtime.Stack(stacks, true)], []byte(function))
}

func TestNoMoreRunThanAreWorthIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int32
		g := make(gate)
		d := &fakeDriver{parallel: 3, do: func(ctx context.Context, job *driver.Job, ev driver.Events) (*driver.Outcome, error) {
			n := running.Add(1)
			defer running.Add(-1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			return g.transfer(ctx, job, ev)
		}}
		m := newManager(t, d)
		var all []*haul.Future
		for range 100 {
			all = append(all, upload(t, m))
		}
		synctest.Wait()
		if n := goroutinesIn("(*queue).runLoop("); n != 3 {
			t.Errorf("goroutines for 100 transfers: got %d, want 3", n)
		}
		close(g)
		shutdown(t, m)
		if most.Load() != 3 {
			t.Errorf("running at once: got %d, want 3", most.Load())
		}
		for _, f := range all {
			if _, err := f.Outcome(); err != nil || !f.IsDone() {
				t.Errorf("transfer %d: got %v, done %v, want success", f.ID(), err, f.IsDone())
			}
		}
	})
}

func TestFirstInFirstOut(t *testing.T) {
	d := &fakeDriver{parallel: 1}
	m := newManager(t, d)
	for range 50 {
		upload(t, m)
	}
	shutdown(t, m)
	for i, job := range d.jobs {
		if job.ID != uint64(i) {
			t.Errorf("order: job %d was transfer %d, want transfer %d", i, job.ID, i)
		}
	}
}

func TestUploadBlocksWhileTheQueueIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := make(gate)
		m := newManager(t, &fakeDriver{parallel: 1, do: g.transfer}, func(o *haul.Options) { o.MaxQueued = 1 })
		upload(t, m) // runs
		upload(t, m) // waits
		ctx, cancel := context.WithCancelCause(t.Context())
		result := make(chan error, 2)
		call := func(ctx context.Context) {
			_, err := m.Upload(ctx, haul.FromBytes(nil), put())
			result <- err
		}
		go call(ctx)
		synctest.Wait()
		if len(result) != 0 {
			t.Error("Upload into a full queue: returned, want it to block")
		}
		cause := errors.New("enough")
		cancel(cause)
		err := <-result
		wantErr(t, "Upload", err, cause)
		wantErr(t, "Upload", err, haul.ErrCanceled)
		go call(t.Context())
		synctest.Wait()
		g <- struct{}{} // the first ends, the second runs, the third waits
		if err := <-result; err != nil {
			t.Errorf("Upload once there is room: got %v, want nil", err)
		}
		close(g)
		shutdown(t, m)
	})
}

func TestShutdownWakesABlockedUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := make(gate)
		m := newManager(t, &fakeDriver{parallel: 1, do: g.transfer}, func(o *haul.Options) { o.MaxQueued = 1 })
		upload(t, m)
		upload(t, m)
		result := make(chan error, 1)
		go func() {
			_, err := m.Upload(t.Context(), haul.FromBytes(nil), put())
			result <- err
		}()
		synctest.Wait()
		go func() { _ = m.Shutdown(context.Background()) }()
		wantErr(t, "blocked Upload", <-result, haul.ErrShutdown)
		close(g)
		shutdown(t, m)
	})
}

func TestHooksNeverBlockInUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := make(gate)
		m := newManager(t, &fakeDriver{parallel: 1, do: g.transfer}, func(o *haul.Options) { o.MaxQueued = 1 })
		var inHook error
		upload(t, m, haul.SubscriberFuncs{Done: func(*haul.Future) {
			for range 2 { // one takes the place, the other finds none
				if _, err := m.Upload(context.Background(), haul.FromBytes(nil), put()); err != nil {
					inHook = deep(70, func() error {
						_, err := m.Upload(context.Background(), haul.FromBytes(nil), put())
						return err
					})
				}
			}
		}})
		synctest.Wait()
		close(g)
		synctest.Wait()
		wantErr(t, "Upload in a hook", inHook, haul.ErrQueueFull)
		shutdown(t, m)
	})
}

// deep calls fn below that many frames.
func deep(n int, fn func() error) error {
	if n == 0 {
		return fn()
	}
	return deep(n-1, fn)
}

func TestCancelOfAWaitingTransfer(t *testing.T) {
	for name, cancel := range map[string]func(f *haul.Future, ctx context.CancelCauseFunc){
		"future":  func(f *haul.Future, _ context.CancelCauseFunc) { f.Cancel() },
		"context": func(_ *haul.Future, cancel context.CancelCauseFunc) { cancel(context.Canceled) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s steps
				g := make(gate)
				d := &fakeDriver{parallel: 1, do: g.transfer}
				m := newManager(t, d, func(o *haul.Options) { o.MaxQueued = 1 })
				upload(t, m)
				ctx, end := context.WithCancelCause(t.Context())
				defer end(nil)
				f, err := m.Upload(ctx, haul.FromBytes(nil), put(), haul.WithSubscribers(watcher(&s, "a"),
					haul.SubscriberFuncs{Done: func(f *haul.Future) { _ = f.SetError(errors.New("more")) }}))
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				cancel(f, end)
				<-f.Done() // while the first one still runs
				if d.started.Load() != 1 {
					t.Errorf("driver: got %d jobs, want 1", d.started.Load())
				}
				if f.Meta().Status() != haul.StatusCanceled {
					t.Errorf("status: got %s, want canceled", f.Meta().Status())
				}
				wantSteps(t, s.get(), []string{"a queued", "a done"})
				upload(t, m) // its place is free again
				close(g)
				shutdown(t, m)
			})
		})
	}
}

func TestContextEndedBeforehand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s steps
		d := &fakeDriver{}
		m := newManager(t, d)
		cause := errors.New("before")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		_, err := haul.Wait(m.Upload(ctx, haul.FromBytes(nil), put(), haul.WithSubscribers(watcher(&s, "a"))))
		wantErr(t, "Result", err, haul.ErrCanceled)
		wantErr(t, "Result", err, cause)
		wantSteps(t, s.get(), []string{"a queued", "a done"})
		if d.started.Load() != 0 {
			t.Error("driver: got a job, want none")
		}
		shutdown(t, m)
	})
}

func TestRealErrorBeforeACancelStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		real := errors.New("disk is full")
		d := &fakeDriver{do: func(ctx context.Context, _ *driver.Job, _ driver.Events) (*driver.Outcome, error) {
			<-ctx.Done()
			return nil, real
		}}
		m := newManager(t, d)
		f := upload(t, m)
		synctest.Wait()
		f.Cancel()
		_, err := haul.Wait(f, nil)
		wantErr(t, "Result", err, real)
		if errors.Is(err, haul.ErrCanceled) {
			t.Errorf("Result: got %v, want the error that came first", err)
		}
		shutdown(t, m)
	})
}

func TestFailedAbortStaysInACancel(t *testing.T) {
	abort := errors.New("abort: no answer")
	d := &fakeDriver{do: func(ctx context.Context, _ *driver.Job, _ driver.Events) (*driver.Outcome, error) {
		<-ctx.Done()
		return nil, errors.Join(context.Cause(ctx), abort)
	}}
	m := newManager(t, d)
	f := upload(t, m)
	f.Cancel()
	<-f.Done()
	_, err := f.Outcome()
	wantErr(t, "Result", err, haul.ErrCanceled)
	if d.started.Load() == 1 {
		wantErr(t, "Result", err, abort)
	}
	shutdown(t, m)
}

func TestManagerForgetsWhatIsDone(t *testing.T) {
	m := newManager(t, &fakeDriver{})
	for range 1000 {
		upload(t, m)
	}
	shutdown(t, m) // which looks at what the Manager knows
}

func TestManyCallersAtOnce(t *testing.T) {
	m := newManager(t, &fakeDriver{parallel: 3}, func(o *haul.Options) { o.MaxQueued = 4 })
	ended := make(chan error)
	for i := range 8 {
		go func() {
			for range 200 {
				f, err := m.Upload(t.Context(), haul.FromBytes(nil), put())
				if err != nil {
					ended <- fmt.Errorf("caller %d: %w", i, err)
					return
				}
				if i%2 == 0 {
					f.Cancel()
				}
				<-f.Done()
			}
			ended <- nil
		}()
	}
	for range 8 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	shutdown(t, m)
}
