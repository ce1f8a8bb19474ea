// Package repotest tests the repository itself: which room may import which, that everything exported is explained, how
// long a function may grow, which dependencies the library has. Each rule is a function from what it looks at to a list
// of faults; its test runs it on the tree, and on a small bad example, to show that it can fail.
//
// The rules and their reasons stand in ARCHITECTURE.md. What is to be changed with the tree are the tables: the rooms
// and arrows in layers.go, the dependencies in dependencies.go, exceptions.txt for what outgrew a wall.
package repotest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// tree is the source tree: its text files by slash-separated path, and the syntax of the Go files among them.
type tree struct {
	fset   *token.FileSet
	paths  []string // sorted
	text   map[string][]byte
	syntax map[string]*ast.File
	faults []string // files that do not parse
}

// maxTextBytes is the size past which a file is data, not text that someone wrote.
const maxTextBytes = 1 << 20

// loadTree reads the tree at root. Hidden folders but .ci and .github are not part of it, nor is bin.
func loadTree(root string) (*tree, error) {
	text := map[string][]byte{}
	err := fs.WalkDir(os.DirFS(root), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if skipFolder(p, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || d.Name() == ".git" { // a file in a linked working tree
			return nil
		}
		if info, err := d.Info(); err != nil || info.Size() > maxTextBytes {
			return err
		}
		data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(p)))
		if err == nil && !bytes.ContainsRune(data, 0) {
			text[p] = data
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return newTree(text), nil
}

func skipFolder(p, name string) bool {
	hidden := strings.HasPrefix(name, ".") && p != "." && p != ".ci" && p != ".github"
	return hidden || p == "bin"
}

// newTree parses the Go files of text. Those under a testdata folder belong to no package.
func newTree(text map[string][]byte) *tree {
	t := &tree{fset: token.NewFileSet(), text: text, syntax: map[string]*ast.File{}}
	for p := range text {
		t.paths = append(t.paths, p)
	}
	slices.Sort(t.paths)
	for _, p := range t.paths {
		if !strings.HasSuffix(p, ".go") || slices.Contains(strings.Split(p, "/"), "testdata") {
			continue
		}
		f, err := parser.ParseFile(t.fset, p, text[p], parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.faults = append(t.faults, err.Error())
			continue
		}
		t.syntax[p] = f
	}
	return t
}

// goFiles calls fn for each Go file that parsed, in the order of their paths.
func (t *tree) goFiles(fn func(p string, f *ast.File)) {
	for _, p := range t.paths {
		if f := t.syntax[p]; f != nil {
			fn(p, f)
		}
	}
}

// at says where a node stands, as a compiler does.
func (t *tree) at(n ast.Node) string {
	pos := t.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", pos.Filename, pos.Line)
}

func isTest(p string) bool { return strings.HasSuffix(p, "_test.go") }

// funcName names a function as exceptions.txt does: Name, or Type.Name for a method.
func funcName(d *ast.FuncDecl) string {
	if recv := receiver(d); recv != "" {
		return recv + "." + d.Name.Name
	}
	return d.Name.Name
}

// receiver is the type name of a method's receiver, and empty for a function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	expr := d.Recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		case *ast.Ident:
			return e.Name
		default:
			return ""
		}
	}
}

// packageFolder is the folder of a file, "." for the root.
func packageFolder(p string) string { return path.Dir(p) }
