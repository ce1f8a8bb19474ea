package repotest

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// root is the folder of go.work, two above this package.
var root = sync.OnceValue(func() string {
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		panic(err)
	}
	return dir
})

var (
	theTree     = sync.OnceValues(func() (*tree, error) { return loadTree(root()) })
	thePackages = sync.OnceValues(func() (map[string]pkg, error) { return listPackages(root()) })
)

// TestRepository runs every rule on the tree.
func TestRepository(t *testing.T) {
	repo, err := theTree()
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]func(*testing.T) []string{
		"parses":            func(*testing.T) []string { return repo.faults },
		"layers":            func(t *testing.T) []string { return checkLayers(packages(t)) },
		"sdk":               func(t *testing.T) []string { return checkSDK(packages(t)) },
		"package-comments":  func(*testing.T) []string { return checkPackageComments(repo) },
		"exported-comments": func(*testing.T) []string { return checkExportedComments(repo) },
		"sizes":             func(t *testing.T) []string { return checkSizes(overWalls(repo), exceptions(t, repo)) },
		"dependencies":      func(t *testing.T) []string { return checkDependencies(module(t, root())) },
		"go-mod":            checkAllGoMods,
		"sleep":             func(*testing.T) []string { return checkSleep(repo) },
		"goroutines":        func(t *testing.T) []string { return checkGoroutines(repo, table(t, repo)) },
		"links":             func(*testing.T) []string { return checkLinks(repo) },
		"machine-paths":     func(*testing.T) []string { return checkMachinePaths(repo) },
	}
	for name, rule := range rules {
		t.Run(name, func(t *testing.T) {
			for _, fault := range rule(t) {
				t.Error(fault)
			}
		})
	}
}

func packages(t *testing.T) map[string]pkg {
	t.Helper()
	p, err := thePackages()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func exceptions(t *testing.T, repo *tree) map[string]exception {
	t.Helper()
	list, err := parseExceptions(repo.text[exceptionsPath])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func module(t *testing.T, dir string) goMod {
	t.Helper()
	m, err := readGoMod(dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func table(t *testing.T, repo *tree) string {
	t.Helper()
	page, ok := repo.text[architecturePath]
	if !ok {
		t.Skip("there is no", architecturePath)
	}
	return goroutineTable(page)
}

func checkAllGoMods(t *testing.T) (faults []string) {
	dirs, err := goCommand(root(), "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range strings.Fields(string(dirs)) {
		faults = append(faults, checkGoMod(dir, module(t, dir))...)
	}
	return faults
}

// TestTheRulesSeeTheTree guards against rules that pass because they looked at nothing.
func TestTheRulesSeeTheTree(t *testing.T) {
	repo, err := theTree()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root(), "go.work")); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"LICENSE", "internal/repotest/repotest.go", "sandbox/server/server.go"} {
		if !repo.has(p) {
			t.Errorf("the tree lacks %s", p)
		}
	}
	for _, p := range []string{"/internal/repotest", "/sandbox/server"} {
		if _, ok := packages(t)[modulePath+p]; !ok {
			t.Errorf("go list lacks %s", modulePath+p)
		}
	}
}
