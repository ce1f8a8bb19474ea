package repotest

import (
	"fmt"
	"go/ast"
)

// checkSleep finds tests that sleep. Inside synctest.Test the clock is a fake one, and there sleeping is how a test lets
// time pass; anywhere else a test that sleeps is slow, or flaky, or both.
func checkSleep(t *tree) (faults []string) {
	t.goFiles(func(p string, f *ast.File) {
		if !isTest(p) {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if calls(call, "time", "Sleep") {
				faults = append(faults, fmt.Sprintf("%s: a test sleeps outside of synctest.Test", t.at(call)))
			}
			return !calls(call, "synctest", "Test")
		})
	})
	return faults
}

// calls reports whether a call is of the package's function.
func calls(call *ast.CallExpr, pkg, name string) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == pkg && sel.Sel.Name == name
}
