package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/internal/throttle"
)

// wait waits for n bytes and fails the test if that is an error.
func wait(t *testing.T, l *throttle.Limiter, n int) {
	t.Helper()
	if err := l.Wait(t.Context(), n); err != nil {
		t.Errorf("wait for %d: %v", n, err)
	}
}

// about fails the test if got is not want, up to a microsecond.
func about(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if (got - want).Abs() > time.Microsecond {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestRateHoldsOverAMinute(t *testing.T) {
	for _, rate := range []int64{1, 7, 100, 100_003, 10 << 20, 40 << 20} {
		for _, n := range []int64{1, 4096, 256 << 10} {
			waits := 60 * rate / n
			if waits < 1 || waits > 100_000 {
				continue
			}
			t.Run(fmt.Sprintf("%d-by-%d", rate, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l := throttle.New(rate)
					start := time.Now()
					for range waits {
						wait(t, l, int(n))
					}
					about(t, "time", time.Since(start), time.Duration(float64(waits*n)/float64(rate)*1e9))
				})
			})
		}
	}
}

func TestManyShareTheRateEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lanes, rate = 8, 1 << 20
		l := throttle.New(rate)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var passed [lanes]int
		var all sync.WaitGroup
		for i := range lanes {
			all.Go(func() {
				// Lanes that ask for much get no more than those that ask for little.
				n := 64 << 10 << (i % 3)
				for l.Wait(ctx, n) == nil {
					passed[i] += n
				}
			})
		}
		all.Wait()
		sum := 0
		for i, n := range passed {
			sum += n
			if math.Abs(float64(n-60*rate/lanes)) > 512<<10 {
				t.Errorf("lane %d: got %d bytes, want about %d", i, n, 60*rate/lanes)
			}
		}
		if sum > 60*rate || sum < 60*rate-lanes*256<<10 {
			t.Errorf("in all: got %d bytes, want %d", sum, 60*rate)
		}
	})
}

func TestBurstAfterIdleIsAnEighthOfASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := throttle.New(8_000_000)
		time.Sleep(time.Hour)
		start := time.Now()
		wait(t, l, 1_000_000)
		about(t, "burst", time.Since(start), 0)
		wait(t, l, 8_000_000)
		about(t, "behind it", time.Since(start), time.Second)
	})
}

func TestCancelEndsWaitWithCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := throttle.New(1000)
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		failed := make(chan error)
		for range 3 { // one has its turn, two wait for it
			go func() { failed <- l.Wait(ctx, 1_000_000) }()
		}
		synctest.Wait()
		start := time.Now()
		cancel(cause)
		for range 3 {
			if err := <-failed; !errors.Is(err, cause) {
				t.Errorf("got %v, want %v", err, cause)
			}
		}
		if err := l.Wait(ctx, 0); !errors.Is(err, cause) {
			t.Errorf("ended before: got %v, want %v", err, cause)
		}
		about(t, "time of cancelling", time.Since(start), 0)
		wait(t, l, 1000)
		about(t, "one second's worth after it", time.Since(start), time.Second)
	})
}

func TestSetActsOnThoseWhoWait(t *testing.T) {
	tests := map[string]struct {
		rate int64
		want time.Duration // of the last 9,950 of 20,000 bytes
	}{
		"faster":    {10_000, 995 * time.Millisecond},
		"slower":    {500, 19_900 * time.Millisecond},
		"same":      {1000, 9950 * time.Millisecond},
		"unlimited": {0, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := throttle.New(1000)
				var done sync.WaitGroup
				start := time.Now()
				done.Go(func() { wait(t, l, 20_000) })
				// In the middle of a quantum of 125 ms, so that not both
				// goroutines run at the same moment.
				const before = 10_050 * time.Millisecond
				time.Sleep(before)
				l.Set(test.rate)
				if got := l.Limit(); got != test.rate {
					t.Errorf("limit: got %d, want %d", got, test.rate)
				}
				done.Wait()
				about(t, "time", time.Since(start), before+test.want)
			})
		})
	}
}

func TestSetStartsLimiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := throttle.New(0)
		start := time.Now()
		wait(t, l, 1<<30)
		time.Sleep(time.Second)
		l.Set(1000)
		wait(t, l, 2000)
		about(t, "time", time.Since(start), 3*time.Second)
	})
}

func TestNilLimitsNothing(t *testing.T) {
	var l *throttle.Limiter
	l.Set(5)
	if got := l.Limit(); got != 0 {
		t.Errorf("limit: got %d, want 0", got)
	}
	wait(t, l, 1<<30)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Wait(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: got %v, want %v", err, context.Canceled)
	}
}

func TestNegativeRatePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("got no panic, want one")
		}
	}()
	throttle.New(-1)
}

func BenchmarkWait(b *testing.B) {
	l := throttle.New(math.MaxInt64 / 2)
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Wait(b.Context(), 256<<10); err != nil {
			b.Fatal(err)
		}
	}
}
