package plan_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/haul-s3/haul/internal/plan"
)

func TestRangeHeader(t *testing.T) {
	tests := []struct {
		r    plan.Range
		want string
	}{
		{plan.Range{Offset: 0, Length: 1}, "bytes=0-0"},
		{plan.Range{Offset: 8, Length: 8}, "bytes=8-15"},
		{plan.Range{Offset: 5, Length: 0}, ""},
	}
	for _, test := range tests {
		if got := test.r.Header(); got != test.want {
			t.Errorf("%+v: got %q, want %q", test.r, got, test.want)
		}
	}
}

func TestParseRangeAndResolve(t *testing.T) {
	tests := []struct {
		header string
		total  int64
		want   plan.Range // of length 0: unsatisfiable
	}{
		{"bytes=0-0", 10, plan.Range{Offset: 0, Length: 1}},
		{"bytes=2-5", 10, plan.Range{Offset: 2, Length: 4}},
		{"Bytes=2-5", 10, plan.Range{Offset: 2, Length: 4}},
		{"bytes=2-50", 10, plan.Range{Offset: 2, Length: 8}},
		{"bytes=9-", 10, plan.Range{Offset: 9, Length: 1}},
		{"bytes=0-", 10, plan.Range{Offset: 0, Length: 10}},
		{"bytes=-3", 10, plan.Range{Offset: 7, Length: 3}},
		{"bytes=-30", 10, plan.Range{Offset: 0, Length: 10}},
		{"bytes=0-9223372036854775807", 10, plan.Range{Offset: 0, Length: 10}},
		{"bytes=10-", 10, plan.Range{}},
		{"bytes=10-20", 10, plan.Range{}},
		{"bytes=-0", 10, plan.Range{}},
		{"bytes=0-", 0, plan.Range{}},
		{"bytes=-5", 0, plan.Range{}},
		{"bytes=0-0", 0, plan.Range{}},
	}
	for _, test := range tests {
		spec, err := plan.ParseRange(test.header)
		if err != nil {
			t.Errorf("%s: %v", test.header, err)
			continue
		}
		got, err := spec.Resolve(test.total)
		if got != test.want || errors.Is(err, plan.ErrUnsatisfiable) != (test.want.Length == 0) {
			t.Errorf("%s of %d bytes: got %+v, %v, want %+v", test.header, test.total, got, err, test.want)
		}
	}
}

func TestParseRangeRefuses(t *testing.T) {
	tests := map[string]struct{ header, want string }{
		"empty":     {"", "want"},
		"no-unit":   {"0-9", "want"},
		"other":     {"items=0-9", "want"},
		"several":   {"bytes=0-1,5-6", "several ranges"},
		"no-hyphen": {"bytes=5", "no hyphen"},
		"nothing":   {"bytes=-", "not a byte offset"},
		"backwards": {"bytes=9-8", "before the first"},
		"sign":      {"bytes=+1-8", "not a byte offset"},
		"two-signs": {"bytes=--8", "not a byte offset"},
		"space":     {"bytes= 1-8", "not a byte offset"},
		"letters":   {"bytes=a-b", "not a byte offset"},
		"too-large": {"bytes=0-9223372036854775808", "not a byte offset"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := plan.ParseRange(test.header)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), fmt.Sprintf("%q", test.header)) {
				t.Errorf("%q: got %+v, %v, want an error that holds it and %q", test.header, got, err, test.want)
			}
		})
	}
}

func TestParseContentRange(t *testing.T) {
	tests := []struct {
		header             string
		first, last, total int64
	}{
		{"bytes 0-9/100", 0, 9, 100},
		{"bytes 99-99/100", 99, 99, 100},
		{"bytes 0-9/*", 0, 9, -1},
		{"Bytes 5-6/7", 5, 6, 7},
		{"bytes 0-9223372036854775806/9223372036854775807", 0, math.MaxInt64 - 1, math.MaxInt64},
	}
	for _, test := range tests {
		first, last, total, err := plan.ParseContentRange(test.header)
		if err != nil || first != test.first || last != test.last || total != test.total {
			t.Errorf("%q: got %d-%d of %d, %v, want %d-%d of %d",
				test.header, first, last, total, err, test.first, test.last, test.total)
		}
	}
}

func TestParseContentRangeRefuses(t *testing.T) {
	for _, header := range []string{
		"", "bytes", "bytes ", "bytes 0-9", "bytes=0-9/10", "bytes */10", "bytes 0-9/", "bytes 0-10/10",
		"bytes 9-8/10", "bytes -9/10", "bytes 0-/10", "bytes 0-9/-1", "bytes 0-9/**", "bytes  0-9/10",
		"bytes 0-9 /10", "items 0-9/10", "bytes 0-9/10 ", "bytes 0-9223372036854775808/*",
	} {
		if first, last, total, err := plan.ParseContentRange(header); err == nil {
			t.Errorf("%q: got %d-%d of %d, want an error", header, first, last, total)
		}
	}
}

func FuzzParseRange(f *testing.F) {
	for _, s := range []string{"bytes=0-9", "bytes=5-", "bytes=-5", "bytes=-0", "bytes=0-1,2-3", "bytes=--", "BYTES=01-2"} {
		f.Add(s, int64(7))
	}
	f.Fuzz(func(t *testing.T, s string, total int64) {
		spec, err := plan.ParseRange(s)
		if err != nil {
			return
		}
		if again, err := plan.ParseRange(spec.Header()); again != spec || err != nil {
			t.Errorf("%q: read as %+v, written and read again as %+v, %v", s, spec, again, err)
		}
		if total < 0 {
			return
		}
		if r, err := spec.Resolve(total); err == nil && (r.Offset < 0 || r.Length < 1 || r.End() > total) {
			t.Errorf("%q of %d bytes: got %+v", s, total, r)
		}
	})
}

func FuzzParseContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-9/100", "bytes 0-9/*", "bytes */100", "bytes 5-4/9", "bytes 0-0/1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		first, last, total, err := plan.ParseContentRange(s)
		if err != nil {
			return
		}
		if first < 0 || last < first || total != -1 && last >= total {
			t.Errorf("%q: got %d-%d of %d", s, first, last, total)
		}
		size := "*"
		if total >= 0 {
			size = fmt.Sprint(total)
		}
		again := fmt.Sprintf("bytes %d-%d/%s", first, last, size)
		if a, b, c, err := plan.ParseContentRange(again); a != first || b != last || c != total || err != nil {
			t.Errorf("%q: read again from %q as %d-%d of %d, %v", s, again, a, b, c, err)
		}
	})
}
