package retry_test

import (
	"math"
	"testing"
	"time"

	"github.com/haul-s3/haul/internal/retry"
)

func TestPolicyDefaults(t *testing.T) {
	want := retry.Policy{MaxAttempts: 6, Base: 100 * time.Millisecond, ThrottleBase: time.Second, Cap: 20 * time.Second}
	if got := (retry.Policy{}).WithDefaults(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	given := retry.Policy{MaxAttempts: 1, Base: 2, ThrottleBase: 3, Cap: 4}
	if got := given.WithDefaults(); got != given {
		t.Errorf("got %+v, want %+v", got, given)
	}
}

func TestPolicyDelayBounds(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	for name, tc := range map[string]struct {
		p        retry.Policy
		attempt  int
		v        retry.Verdict
		min, max time.Duration
	}{
		"first":             {retry.Policy{}, 1, retry.Verdict{}, 0, 100 * ms},
		"second":            {retry.Policy{}, 2, retry.Verdict{}, 0, 200 * ms},
		"fifth":             {retry.Policy{}, 5, retry.Verdict{}, 0, 1600 * ms},
		"throttle":          {retry.Policy{}, 1, retry.Verdict{Throttle: true}, 0, s},
		"third-throttle":    {retry.Policy{}, 3, retry.Verdict{Throttle: true}, 0, 4 * s},
		"capped":            {retry.Policy{}, 20, retry.Verdict{}, 0, 20 * s},
		"many":              {retry.Policy{}, math.MaxInt, retry.Verdict{}, 0, 20 * s},
		"too-long-to-count": {retry.Policy{Base: 1<<34 + 1, Cap: math.MaxInt64}, 31, retry.Verdict{}, 0, math.MaxInt64},
		"base-over-cap":     {retry.Policy{Base: time.Hour}, 1, retry.Verdict{}, 0, 20 * s},
		"none":              {retry.Policy{}, 0, retry.Verdict{}, 0, 100 * ms},
		"now":               {retry.Policy{}, 5, retry.Verdict{Now: true, After: s}, 0, 0},
		"as-asked":          {retry.Policy{}, 1, retry.Verdict{After: 3 * s}, 3 * s, 3 * s},
		"asked-too-much":    {retry.Policy{}, 1, retry.Verdict{After: time.Hour}, 20 * s, 20 * s},
		"tiny":              {retry.Policy{Base: 1, ThrottleBase: 1, Cap: 1}, 9, retry.Verdict{Throttle: true}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			lowest, highest := time.Duration(math.MaxInt64), time.Duration(0)
			for range 1000 {
				d := tc.p.Delay(tc.attempt, tc.v)
				lowest, highest = min(lowest, d), max(highest, d)
			}
			if lowest < tc.min || highest > tc.max {
				t.Errorf("got delays from %v to %v, want from %v to %v", lowest, highest, tc.min, tc.max)
			}
			if width := tc.max - tc.min; width > 1 && highest-lowest < width/2 {
				t.Errorf("got delays from %v to %v, want them spread from %v to %v", lowest, highest, tc.min, tc.max)
			}
		})
	}
}
