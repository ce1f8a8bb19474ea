package retry_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/internal/retry"
)

func TestBudgetWaitsInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := retry.NewBudget(3, 2)
		for i, want := range []time.Duration{0, 0, 0, 500 * time.Millisecond, time.Second, 1500 * time.Millisecond} {
			if got := b.Take(); got != want {
				t.Errorf("retry %d: got a wait of %v, want %v", i+1, got, want)
			}
		}
	})
}

func TestBudgetRefillsByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := retry.NewBudget(3, 2)
		for range 5 {
			b.Take()
		}
		time.Sleep(1500 * time.Millisecond) // from -2 to 1
		for i, want := range []time.Duration{0, 500 * time.Millisecond} {
			if got := b.Take(); got != want {
				t.Errorf("retry %d: got a wait of %v, want %v", i+1, got, want)
			}
		}
		time.Sleep(time.Hour) // and no fuller than full
		for i, want := range []time.Duration{0, 0, 0, 500 * time.Millisecond} {
			if got := b.Take(); got != want {
				t.Errorf("retry %d after an hour: got a wait of %v, want %v", i+1, got, want)
			}
		}
	})
}

// Those who wait as they are told come back at the budget's rate.
func TestBudgetHoldsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, rate, lanes = 50, 10, 200
		b := retry.NewBudget(size, rate)
		var mu sync.Mutex
		bySecond := map[int]int{}
		began := time.Now()
		var group sync.WaitGroup
		for range lanes {
			group.Go(func() {
				time.Sleep(b.Take())
				mu.Lock()
				defer mu.Unlock()
				bySecond[int(time.Since(began).Seconds())]++
			})
		}
		group.Wait()
		for second, n := range bySecond {
			if limit := rate + map[bool]int{true: size}[second == 0]; n > limit {
				t.Errorf("second %d: got %d retries, want at most %d", second, n, limit)
			}
		}
	})
}

// However many have taken and gone away, nobody waits for minutes, the rest is
// spread out, and the budget is itself again after that time.
func TestBudgetIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, rate, longest = 500, 50, 20 * time.Second
		b := retry.NewBudget(size, rate)
		early := 0
		for i := range 100_000 {
			wait := b.Take()
			if wait > longest || wait < 0 {
				t.Fatalf("retry %d: got a wait of %v, want at most %v", i+1, wait, longest)
			}
			if i >= size+rate*20 && wait < longest/2 {
				t.Fatalf("retry %d: got a wait of %v, want at least %v", i+1, wait, longest/2)
			}
			if wait < longest*3/4 {
				early++
			}
		}
		if early < 40_000 || early > 60_000 {
			t.Errorf("got %d waits under %v, want about half", early, longest*3/4)
		}
		time.Sleep(longest + time.Second/rate)
		if got := b.Take(); got != 0 {
			t.Errorf("afterwards: got a wait of %v, want 0", got)
		}
	})
}
