package examples_test

import (
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
// that there are: a page that names a test must name a real one.
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
