package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// headings are the groups of promises.
var headings = []string{
	"Faults", "Every step may fail", "Retries", "Stalls", "Validation", "The journal", "Cancel and shutdown",
	"Two writers, and what is scarce", "Security", "Requests, order and bounds",
}

const intro = `# What proves it

<!-- go run ./bench/mutate --doc writes this page from bench/mutate/mutations.go and from the fuzz targets. -->

Each promise below has a test, and a change of one line of the code that makes this test fail: so the test is there for
the promise, and not beside it. ` + "`go run ./bench/mutate`" + ` applies every change in turn, to a copy that only the compiler
sees, and shows the test turning red; ` + "`--only N,M`" + ` does it for some, ` + "`--ten`" + ` for the ten that CI runs, marked with a star.
A changed line may need its mutation renewed: a test in bench/mutate says so.

`

// proof is the page.
func proof(root string) (string, error) {
	var b strings.Builder
	b.WriteString(intro)
	for item, heading := range headings {
		header := false
		for i, m := range mutations {
			if m.item != item+1 {
				continue
			}
			if !header {
				header = true
				fmt.Fprintf(&b, "## %s\n\n| N | promise | test | mutation |\n|---|---|---|---|\n", heading)
			}
			star := map[bool]string{true: " *"}[m.fast]
			fmt.Fprintf(&b, "| %d%s | %s | `%s` in %s | %s: %s → %s |\n", i+1, star, m.promise, m.test, folder(m.pkg), m.file, code(m.old), code(m.new))
		}
		if header {
			b.WriteString("\n")
		}
	}
	targets, err := fuzzTargets(root)
	if err != nil {
		return "", err
	}
	b.WriteString("## Fuzz targets\n\n`bash .ci/fuzz SECONDS` runs all of them; CI gives each ten seconds.\n\n| target | in | it holds |\n|---|---|---|\n")
	for _, t := range targets {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", t.name, folder(t.folder), t.holds)
	}
	return b.String(), nil
}

func folder(path string) string { return cmp.Or(strings.TrimPrefix(path, "."), "the root") }

// code is a piece of code on one line of a table.
func code(s string) string {
	s = strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", "\\|")
	if s == "" {
		return "nothing"
	}
	quote := "`"
	if strings.Contains(s, "`") {
		quote = "``"
	}
	return quote + s + quote
}

type target struct{ folder, name, holds string }

// fuzzTargets finds the fuzz targets of the tree.
func fuzzTargets(root string) (targets []target, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		in, err := filepath.Rel(root, filepath.Dir(path))
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Fuzz") {
				targets = append(targets, target{filepath.ToSlash(in), fn.Name.Name, holds(fn)})
			}
		}
		return err
	})
	slices.SortFunc(targets, func(a, b target) int {
		return cmp.Or(strings.Compare(a.folder, b.folder), strings.Compare(a.name, b.name))
	})
	return targets, err
}

// holds is what a target's comment says that it holds.
func holds(fn *ast.FuncDecl) string {
	text := new(doc.Package).Synopsis(fn.Doc.Text())
	text = strings.TrimPrefix(strings.TrimPrefix(text, fn.Name.Name+" "), "holds ")
	return cmp.Or(strings.ReplaceAll(text, "|", "\\|"), "whatever comes is read or refused, without a panic")
}
