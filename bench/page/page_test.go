//go:build linux

package page_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/haul-s3/haul/bench/page"
)

func TestWriteAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	write := func(heading, text string) string {
		t.Helper()
		if err := page.Write(path, heading, text); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(got)
	}
	if got, want := write("Scaling", "one"), "## Scaling\n\none\n"; got != want {
		t.Errorf("a new page: got %q, want %q", got, want)
	}
	if err := os.WriteFile(path, []byte("# Results\n\nfigures\n\n## Soak\n\nsoaked\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	write("Scaling", "one\n")
	write("Links", "linked")
	write("Fuzzing", "fuzzed")
	got := write("Scaling", "two")
	if want := "# Results\n\nfigures\n\n## Soak\n\nsoaked\n\n## Scaling\n\ntwo\n\n## Links\n\nlinked\n\n## Fuzzing\n\nfuzzed\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	kept, err := page.Kept(path)
	if want := strings.TrimPrefix(got, "# Results\n\nfigures\n"); err != nil || kept != want {
		t.Errorf("kept: got %v\n%s\nwant\n%s", err, kept, want)
	}
	if kept, err := page.Kept(filepath.Join(t.TempDir(), "none")); kept != "" || err != nil {
		t.Errorf("of no page: got %q, %v, want nothing", kept, err)
	}
}

// TestSectionAndReplace takes a section out and writes a part of it anew.
func TestSectionAndReplace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	if got, err := page.Section(path, "Soak"); got != "" || err != nil {
		t.Errorf("of no page: got %q, %v, want nothing", got, err)
	}
	if err := os.WriteFile(path, []byte("# Results\n\n## Soak\n\nabout\n\n### One\n\n1\n\n### Two\n\n2\n\n## Links\n\nlinked\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	section, err := page.Section(path, "Soak")
	if want := "about\n\n### One\n\n1\n\n### Two\n\n2\n"; err != nil || section != want {
		t.Fatalf("section: got %q, %v, want %q", section, err, want)
	}
	for heading, want := range map[string]string{
		"One":   "about\n\n### One\n\nnew\n\n### Two\n\n2\n",
		"Two":   "about\n\n### One\n\n1\n\n### Two\n\nnew\n",
		"Three": "about\n\n### One\n\n1\n\n### Two\n\n2\n\n### Three\n\nnew\n",
	} {
		if got := page.Third.Replace(section, heading, "new\n"); got != want {
			t.Errorf("%s: got %q, want %q", heading, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	got := page.Table([][]string{{"name", "µs"}, {"a", "1000"}})
	if want := "| name |   µs |\n|------|-----:|\n| a    | 1000 |\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestMedian(t *testing.T) {
	if got := page.Median([]int{9, 1, 5}); got != 5 {
		t.Errorf("got %d, want 5", got)
	}
}
