package repotest

import (
	"fmt"
	"go/ast"
	"regexp"
	"strings"
)

// architecturePath is the page with the goroutine table: the rows below a heading that names goroutines.
const architecturePath = "ARCHITECTURE.md"

var goroutineHeading = regexp.MustCompile(`(?i)^#+ .*goroutine`)

// goroutineTable returns the rows of the table in the page's text.
func goroutineTable(page []byte) string {
	var rows []string
	inside := false
	for _, line := range strings.Split(string(page), "\n") {
		switch {
		case strings.HasPrefix(line, "#"):
			inside = goroutineHeading.MatchString(line)
		case inside && strings.HasPrefix(strings.TrimSpace(line), "|"):
			rows = append(rows, line)
		}
	}
	return strings.Join(rows, "\n")
}

// checkGoroutines finds go statements of the library whose function the table does not name. A function literal counts
// as the function it stands in; what a WaitGroup starts is awaited where it is started and needs no row.
func checkGoroutines(t *tree, table string) (faults []string) {
	t.goFiles(func(p string, f *ast.File) {
		if isTest(p) || !inLibrary(packageFolder(p)) {
			return
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				if g, ok := n.(*ast.GoStmt); ok {
					if name := startedFunction(g, fn.Name.Name); !regexp.MustCompile(`\b` + name + `\b`).MatchString(table) {
						faults = append(faults, fmt.Sprintf("%s: go %s has no row in the goroutine table of %s", t.at(g), name, architecturePath))
					}
				}
				return true
			})
		}
	})
	return faults
}

// startedFunction names what a go statement runs.
func startedFunction(g *ast.GoStmt, enclosing string) string {
	switch f := ast.Unparen(g.Call.Fun).(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return enclosing
}

// inLibrary reports whether a folder holds production code that users link: not programs, not rooms for tests.
func inLibrary(folder string) bool {
	room, ok := roomOf(strings.TrimPrefix(folder, "."))
	return ok && rooms[room].layer < programs
}
