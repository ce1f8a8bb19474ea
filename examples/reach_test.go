package examples_test

import (
	"fmt"
	"os"
	"regexp"
	"testing"

	"github.com/haul-s3/haul/internal/plan"
)

// reachRow is a row of the table of how far streams reach: memory limit,
// ceiling, reach with parts of 8 MiB and of 64 MiB.
var reachRow = regexp.MustCompile(`(?m)^\| (\d+ [MG]iB) \| (\d+ [MG]iB) \| (\d+\.\d GiB) \| (\d+\.\d GiB) \|$`)

// TestStreamReach computes that table of docs/semantics.md again.
func TestStreamReach(t *testing.T) {
	page, err := os.ReadFile("../docs/semantics.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := reachRow.FindAllStringSubmatch(string(page), -1)
	if len(rows) < 7 {
		t.Fatalf("got %d rows of the table, want 7 or more", len(rows))
	}
	for _, row := range rows {
		limit := parseSize(t, row[1])
		for i, first := range []int64{8 << 20, 64 << 20} {
			ceiling := plan.Ceiling(limit, first)
			if i == 0 && ceiling != parseSize(t, row[2]) {
				t.Errorf("ceiling under %s: got %s, want %d", row[1], row[2], ceiling)
			}
			if want := fmt.Sprintf("%.1f GiB", float64(plan.Reach(first, ceiling))/(1<<30)); row[3+i] != want {
				t.Errorf("reach under %s with parts of %d bytes: got %s, want %s", row[1], first, row[3+i], want)
			}
		}
	}
}

func parseSize(t *testing.T, s string) int64 {
	t.Helper()
	var n int64
	var unit string
	if _, err := fmt.Sscanf(s, "%d %s", &n, &unit); err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return n << map[string]int{"MiB": 20, "GiB": 30}[unit]
}
