package repotest

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"slices"
)

// checkPackageComments finds packages in none of whose files a comment says what they are for. A package's external
// tests need none, unless the folder has nothing else.
func checkPackageComments(t *tree) (faults []string) {
	commented := map[string]bool{}
	t.goFiles(func(p string, f *ast.File) {
		folder := packageFolder(p)
		commented[folder] = commented[folder] || f.Doc != nil
	})
	for _, folder := range slices.Sorted(maps.Keys(commented)) {
		if !commented[folder] {
			faults = append(faults, folder+": no file has a package comment")
		}
	}
	return faults
}

// checkExportedComments finds exported names of importable packages that have no comment.
func checkExportedComments(t *tree) (faults []string) {
	t.goFiles(func(p string, f *ast.File) {
		if isTest(p) || f.Name.Name == "main" {
			return
		}
		for _, d := range f.Decls {
			for _, name := range uncommented(d) {
				faults = append(faults, fmt.Sprintf("%s: exported %s has no comment", t.at(name), name.Name))
			}
		}
	})
	return faults
}

// uncommented lists the exported names of a declaration that no comment explains. A comment on a group of constants or
// variables is for all of them; methods of unexported types are not seen by anyone.
func uncommented(d ast.Decl) (names []*ast.Ident) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		seen := d.Recv == nil || ast.IsExported(receiver(d))
		if seen && d.Doc == nil && d.Name.IsExported() {
			names = append(names, d.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Doc == nil && d.Doc == nil && s.Name.IsExported() {
					names = append(names, s.Name)
				}
			case *ast.ValueSpec:
				grouped := d.Doc != nil && (d.Tok == token.CONST || d.Tok == token.VAR)
				if s.Doc == nil && s.Comment == nil && !grouped {
					names = append(names, exported(s.Names)...)
				}
			}
		}
	}
	return names
}

func exported(names []*ast.Ident) []*ast.Ident {
	return slices.DeleteFunc(slices.Clone(names), func(n *ast.Ident) bool { return !n.IsExported() })
}
