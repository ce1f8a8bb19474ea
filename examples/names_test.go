package examples_test

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	gapRow      = regexp.MustCompile(`(?m)^\| 4\.\d+ \|.*$`)
	quoted      = regexp.MustCompile("`([^`]+)`")
	suiteName   = regexp.MustCompile(`\bname: "([^"]+)"`)
	packageTest = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
)

// TestNamedTestsExist holds the table of gaps in docs/semantics.md to the tests
// that there are: a page that names a test must name a real one, and each row
// the one that is called after it.
func TestNamedTestsExist(t *testing.T) {
	page, err := os.ReadFile("../docs/semantics.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := gapRow.FindAllString(string(page), -1)
	if len(rows) != 34 {
		t.Errorf("got %d rows, want 34", len(rows))
	}
	known := knownTests(t)
	for _, row := range rows {
		cells := strings.Split(row, "|")
		var number int
		if _, err := fmt.Sscanf(cells[1], " 4.%d", &number); err != nil {
			t.Fatal(err)
		}
		if own := fmt.Sprintf("`row-4.%02d-", number); !strings.Contains(cells[len(cells)-2], own) {
			t.Errorf("row %s: got tests%s, want %s…` among them", strings.TrimSpace(cells[1]), cells[len(cells)-2], own)
		}
		for _, name := range quoted.FindAllStringSubmatch(cells[len(cells)-2], -1) {
			if !known[name[1]] {
				t.Errorf("row %s names %s: there is no such test", strings.TrimSpace(cells[1]), name[1])
			}
		}
	}
}

// knownTests are the names of the conformance tests and of the test functions of
// the whole tree.
func knownTests(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && p != ".":
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(p, ".go"):
			return nil
		}
		text, err := fs.ReadFile(root, p)
		for _, pattern := range []*regexp.Regexp{suiteName, packageTest} {
			for _, m := range pattern.FindAllSubmatch(text, -1) {
				known[string(m[1])] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return known
}
