package plan_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/haul-s3/haul/internal/plan"
	"github.com/haul-s3/haul/internal/s3api"
)

const (
	mib int64 = 1 << 20
	gib int64 = 1 << 30
	tib int64 = 1 << 40
)

func TestPartSize(t *testing.T) {
	tests := map[string]struct{ objectSize, wanted, want int64 }{
		"empty":             {0, 8 * mib, 8 * mib},
		"no-wish":           {1, 0, 5 * mib},
		"wish-too-small":    {gib, mib, 5 * mib},
		"wish-too-large":    {gib, 6 * gib, 5 * gib},
		"odd-wish-is-kept":  {gib, 8*mib + 1, 8*mib + 1},
		"just-fits":         {80_000 * mib, 8 * mib, 8 * mib},
		"one-byte-too-many": {80_000*mib + 1, 8 * mib, 9 * mib},
		"one-tebibyte":      {tib, 8 * mib, 105 * mib},
		"largest":           {s3api.MaxObjectSize, 8 * mib, 5 * gib},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := plan.PartSize(test.objectSize, test.wanted)
			if got != test.want || err != nil {
				t.Errorf("got %d, %v, want %d", got, err, test.want)
			}
		})
	}
}

func TestPartSizeRefuses(t *testing.T) {
	tests := map[string]struct {
		objectSize, wanted int64
		want               string
	}{
		"negative-object": {-1, 8 * mib, "-1 bytes"},
		"negative-wish":   {1, -8, "-8 bytes"},
		"too-large":       {s3api.MaxObjectSize + 1, 8 * mib, "53687091200001 bytes"},
		"largest-number":  {math.MaxInt64, 8 * mib, "9223372036854775807 bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := plan.PartSize(test.objectSize, test.wanted)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %d, %v, want an error that holds %q", got, err, test.want)
			}
		})
	}
}

func TestPartSizeHoldsItsPromises(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		objectSize := random.Int64N(s3api.MaxObjectSize) >> random.IntN(40)
		wanted := random.Int64N(6 * gib)
		got, err := plan.PartSize(objectSize, wanted)
		if err != nil {
			t.Fatalf("%d in %d: %v", objectSize, wanted, err)
		}
		clamped := min(max(wanted, 5*mib), 5*gib)
		if got < clamped || got > 5*gib || (plan.Uniform{Size: objectSize, PartSize: got}).Count() > 10_000 {
			t.Fatalf("%d in %d: part size %d breaks a limit", objectSize, wanted, got)
		}
		smaller := plan.Uniform{Size: objectSize, PartSize: got - mib}
		if got > clamped && (got%mib != 0 || got-mib >= clamped && smaller.Count() <= 10_000) {
			t.Fatalf("%d in %d: part size %d is not the smallest multiple of 1 MiB", objectSize, wanted, got)
		}
	}
}

func TestUniformCoversEveryByteOnce(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 1000 {
		u := plan.Uniform{Size: random.Int64N(5000), PartSize: 1 + random.Int64N(1000)}
		if i%10 == 0 {
			u.Size = u.PartSize * int64(i%5)
		}
		var next int64
		for i := range u.Count() {
			r := u.At(i)
			if r.Offset != next || r.Length < 1 || r.Length > u.PartSize || r.Length < u.PartSize && i != u.Count()-1 {
				t.Fatalf("%+v part %d: got %+v, want it to start at %d", u, i, r, next)
			}
			next = r.End()
		}
		if next != u.Size {
			t.Fatalf("%+v: parts end at %d, want %d", u, next, u.Size)
		}
	}
}

func TestUniformEdges(t *testing.T) {
	if got := (plan.Uniform{Size: math.MaxInt64, PartSize: math.MaxInt64 - 1}).Count(); got != 2 {
		t.Errorf("parts of the largest size: got %d, want 2", got)
	}
	u := plan.Uniform{Size: s3api.MaxObjectSize, PartSize: s3api.MaxPartSize}
	if got := testing.AllocsPerRun(10, func() { _ = u.At(9999) }); got != 0 {
		t.Errorf("At allocates %v times, want 0", got)
	}
	for _, i := range []int{-1, 10_000} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("part %d: got no panic, want one", i)
				}
			}()
			u.At(i)
		}()
	}
}

func TestGrowingDoublesEvery250Parts(t *testing.T) {
	g := plan.NewGrowing(8*mib, 64*mib)
	for i := 1; i <= 10_000; i++ {
		want := 64 * mib
		if step := (i - 1) / 250; step < 3 {
			want = 8 * mib << step
		}
		number, size, ok := g.Next()
		if number != i || size != want || !ok {
			t.Fatalf("got part %d of %d bytes, %t, want part %d of %d", number, size, ok, i, want)
		}
	}
	if number, size, ok := g.Next(); ok {
		t.Errorf("after 10,000 parts: got part %d of %d bytes, want none", number, size)
	}
}

func TestReach(t *testing.T) {
	tests := map[string]struct{ first, ceiling, want int64 }{
		"no-growth":          {8 * mib, 8 * mib, 80_000 * mib},
		"ceiling-too-low":    {8 * mib, 0, 80_000 * mib},
		"first-too-small":    {1, 1, 50_000 * mib},
		"first-too-large":    {6 * gib, 9 * gib, s3api.MaxObjectSize},
		"two-gib-limit":      {8 * mib, plan.Ceiling(2*gib, 8*mib), 250*(8+16+32+64+128)*mib + 8750*256*mib},
		"odd-ceiling":        {8 * mib, 20 * mib, 250*(8+16)*mib + 9500*20*mib},
		"ceiling-over-s3s":   {8 * mib, math.MaxInt64, 250*8*1023*mib + 7500*5*gib},
		"ceiling-from-limit": {8 * mib, plan.Ceiling(mib, 8*mib), 80_000 * mib},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := plan.Reach(test.first, test.ceiling); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}
