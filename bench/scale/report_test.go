//go:build linux

package scale

import (
	"strings"
	"testing"
)

// TestSteps finds what grows faster than what is moved, and only that.
func TestSteps(t *testing.T) {
	for name, c := range map[string]struct {
		linear bool
		rows   []figures // of 1, 2, 4 …
		want   string    // of the verdict
	}{
		"flat":            {false, []figures{{cost: 2, rss: 20 * mib}, {cost: 1, rss: 21 * mib}, {cost: 1.2, rss: 20 * mib}}, "No step"},
		"cost-rises":      {false, []figures{{cost: 9, rss: 20 * mib}, {cost: 1, rss: 20 * mib}, {cost: 1.4, rss: 20 * mib}}, "what 4 costs 1.40 times"},
		"memory-rises":    {false, []figures{{cost: 1, rss: 20 * mib}, {cost: 1, rss: 60 * mib}, {cost: 1, rss: 60 * mib}}, "what 2 needs 3.0 times"},
		"memory-of-lanes": {true, []figures{{cost: 1, rss: 20 * mib}, {cost: 1, rss: 36.5 * mib}}, "No step"},
	} {
		t.Run(name, func(t *testing.T) {
			m := &measured{table: &Table{what: "what", unit: "GB", linear: c.linear}}
			for i, f := range c.rows {
				f.n, f.name = float64(int(1)<<i), []string{"1", "2", "4"}[i]
				m.rows = append(m.rows, f)
			}
			if got := m.verdict(); !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q in it", got, c.want)
			}
		})
	}
}
