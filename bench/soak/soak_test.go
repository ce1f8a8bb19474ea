//go:build linux

package soak_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/haul-s3/haul/bench/soak"
)

func TestMain(m *testing.M) {
	soak.MaybeServe()
	os.Exit(m.Run())
}

// TestSoak is a short one, and one of a starved client.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("goes on for seconds")
	}
	for _, starved := range []bool{false, true} {
		r, err := soak.Run(t.Context(), soak.Options{For: 5 * time.Second, Workers: 8, Seed: 1, Dir: t.TempDir(), Starved: starved, Log: t.Logf})
		if err != nil {
			t.Fatal(err)
		}
		if !r.Good() || r.Done == 0 || r.Faults() == 0 {
			t.Errorf("starved %v: got %s, want transfers, faults, and nothing wrong", starved, r.Markdown())
		}
		if got := strings.Contains(r.Markdown(), "Go's soft memory limit"); got != starved {
			t.Errorf("starved %v: got the limits in the report: %v", starved, got)
		}
		if !strings.Contains(r.Markdown(), "| mismatches | 0 |") {
			t.Errorf("report: got %s, want the number of mismatches in it", r.Markdown())
		}
	}
}

// TestWriteSection writes a section into pages that have something else too.
func TestWriteSection(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(page, []byte("# Results\n\ntext\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	write := func(command string, starved bool) string {
		t.Helper()
		if err := soak.WriteSection(page, command, &soak.Report{Options: soak.Options{Starved: starved}}); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	write("first", false)
	text := write("starving", true)
	if err := os.WriteFile(page, []byte(text+"\n## After\n\nmore\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text = write("second", false)
	for part, want := range map[string]int{"# Results\n\ntext\n\n## Soak\n": 1, "`first`": 0, "`second`": 1, "`starving`": 1, "### Usual": 1, "### Starved": 1, "\n## After\n\nmore\n": 1} {
		if got := strings.Count(text, part); got != want {
			t.Errorf("page has %q %d times, want %d:\n%s", part, got, want, text)
		}
	}
	if again := write("second", false); again != text {
		t.Errorf("written again: got\n%s\nwant it unchanged:\n%s", again, text)
	}
}
