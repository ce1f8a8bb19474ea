package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

// TestMutationsFit holds that every mutation can be applied, and that its test
// is there.
func TestMutationsFit(t *testing.T) {
	fast := 0
	for i, m := range mutations {
		if _, err := m.mutated(root); err != nil {
			t.Errorf("mutation %d: %v; renew it for the code as it is now, and run go run ./bench/mutate --only %d", i+1, err, i+1)
		}
		if m.item < 1 || m.item > len(headings) || m.promise == "" || m.old == m.new {
			t.Errorf("mutation %d: got %+v, want an item, a promise and a change", i+1, m)
		}
		name, _, _ := strings.Cut(m.test, "/")
		if !hasTest(t, m.pkg, name) {
			t.Errorf("mutation %d: %s has no test %s", i+1, m.pkg, name)
		}
		if m.fast {
			fast++
		}
	}
	if fast != 10 {
		t.Errorf("mutations of CI: got %d, want 10", fast)
	}
}

func hasTest(t *testing.T, pkg, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("\nfunc "+name+"(")) {
			return true
		}
	}
	return false
}

// TestPageIsUpToDate compares the page with what --doc would write.
func TestPageIsUpToDate(t *testing.T) {
	want, err := proof(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what go run ./bench/mutate --doc writes", page)
	}
}
