package engine_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/engine"
)

// endsAfter waits for the context to end and says when and why it has.
func endsAfter(t *testing.T, ctx context.Context, began time.Time, want time.Duration, text string) {
	t.Helper()
	select {
	case <-ctx.Done():
	case <-time.After(24 * time.Hour):
		t.Fatalf("the watch did not end the attempt, want it after %v", want)
	}
	if got := time.Since(began); got != want {
		t.Errorf("ended after %v, want %v", got, want)
	}
	cause := context.Cause(ctx)
	var timeout interface{ Timeout() bool }
	if cause.Error() != text || !errors.As(cause, &timeout) || !timeout.Timeout() {
		t.Errorf("got cause %q, want %q, a time-out", cause, text)
	}
}

func TestWatchEndsAStallInEachPhase(t *testing.T) {
	t.Parallel()
	for _, phases := range [][]string{{"waiting for the answer"}, {"sending", "waiting for the answer"}, {"waiting for the answer", "receiving"}} {
		synctest.Test(t, func(t *testing.T) {
			ctx, w := engine.NewWatch(t.Context())
			defer w.Stop()
			began := time.Now()
			last := phases[len(phases)-1]
			for i := range phases {
				w.Begin(phases[i], time.Duration(i+1)*time.Minute)
				if phases[i] != last {
					time.Sleep(time.Minute - 1)
				}
			}
			limit := time.Duration(len(phases)) * time.Minute
			endsAfter(t, ctx, began, time.Duration(len(phases)-1)*(time.Minute-1)+limit, "no progress "+last+" for "+limit.String())
		})
	}
}

func TestWatchProgressStartsAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, w := engine.NewWatch(t.Context())
		defer w.Stop()
		began := time.Now()
		w.Begin("receiving", 10*time.Second)
		for range 100 {
			time.Sleep(10*time.Second - 1)
			w.Progress()
		}
		if ctx.Err() != nil {
			t.Fatalf("got %v, want that progress keeps the attempt alive", context.Cause(ctx))
		}
		endsAfter(t, ctx, began, 100*(10*time.Second-1)+10*time.Second, "no progress receiving for 10s")
	})
}

func TestWatchPauseStandsStill(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, w := engine.NewWatch(t.Context())
		defer w.Stop()
		time.Sleep(24 * time.Hour) // before the first begin it stands still too
		for _, on := range []func(){w.Progress, func() { w.Begin("receiving", 10*time.Second) }} {
			w.Begin("receiving", 10*time.Second)
			time.Sleep(10*time.Second - 1)
			w.Pause()
			time.Sleep(24 * time.Hour)
			if ctx.Err() != nil {
				t.Fatalf("got %v, want that a pause keeps the attempt alive", context.Cause(ctx))
			}
			on()
			time.Sleep(10*time.Second - 1)
		}
		if ctx.Err() != nil {
			t.Fatalf("got %v, want that the limit begins anew", context.Cause(ctx))
		}
		endsAfter(t, ctx, time.Now(), 1, "no progress receiving for 10s")
	})
}

// A progress or a pause at the very moment of the limit counts, or the limit
// does: the attempt is not ended for a limit that was started anew.
func TestWatchAtTheVeryMoment(t *testing.T) {
	t.Parallel()
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			ctx, w := engine.NewWatch(t.Context())
			defer w.Stop()
			w.Begin("receiving", time.Second)
			time.Sleep(time.Second)
			ended := ctx.Err() != nil // the timer may be under way
			w.Pause()
			if !ended {
				ended = ctx.Err() != nil
			}
			synctest.Wait()
			if !ended && ctx.Err() != nil {
				t.Fatalf("got %v behind a pause", context.Cause(ctx))
			}
		})
	}
}

func TestWatchStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, w := engine.NewWatch(t.Context())
		w.Begin("sending", time.Second)
		w.Stop()
		if got := context.Cause(ctx); !errors.Is(got, context.Canceled) {
			t.Errorf("got %v, want %v", got, context.Canceled)
		}
		// The exchange may be a goroutine behind.
		w.Begin("sending", time.Second)
		w.Progress()
		w.Pause()
		time.Sleep(time.Hour)
		if got := context.Cause(ctx); !errors.Is(got, context.Canceled) {
			t.Errorf("an hour later: got %v, want %v", got, context.Canceled)
		}
	})
}

func TestWatchKeepsTheTransfersCause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithCancelCause(t.Context())
		ctx, w := engine.NewWatch(parent)
		defer w.Stop()
		w.Begin("sending", time.Second)
		cancel(net.ErrClosed)
		time.Sleep(time.Minute)
		if got := context.Cause(ctx); !errors.Is(got, net.ErrClosed) {
			t.Errorf("got %v, want %v", got, net.ErrClosed)
		}
	})
}
