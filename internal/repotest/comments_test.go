package repotest

import "testing"

func TestPackageCommentsOfABadExample(t *testing.T) {
	cases := map[string]struct {
		files map[string][]byte
		want  string
	}{
		"one-file-has-it": {map[string][]byte{"a/a.go": []byte("package a\n"), "a/b.go": []byte("// Package a is one.\npackage a\n")}, ""},
		"none-has-it":     {map[string][]byte{"a/a.go": []byte("// A stray comment.\n\npackage a\n")}, "a: no file"},
		"tests-only":      {map[string][]byte{"a/a_test.go": []byte("package a_test\n")}, "a: no file"},
		"testdata":        {map[string][]byte{"a/testdata/a.go": []byte("package a\n")}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { wantFault(t, checkPackageComments(newTree(c.files)), c.want) })
	}
}

func TestExportedCommentsOfABadExample(t *testing.T) {
	cases := map[string]struct{ text, want string }{
		"function":            {"package a\n\nfunc F() {}\n", "exported F"},
		"function-explained":  {"package a\n\n// F does.\nfunc F() {}\n", ""},
		"method":              {"package a\n\n// T is.\ntype T[K any] struct{}\n\nfunc (*T[K]) M() {}\n", "exported M"},
		"method-unseen":       {"package a\n\ntype t struct{}\n\nfunc (*t) M() {}\n", ""},
		"type":                {"package a\n\ntype T struct{}\n", "exported T"},
		"constant":            {"package a\n\nconst C = 1\n", "exported C"},
		"constant-group":      {"package a\n\n// The numbers.\nconst (\n\tC = 1\n\tD = 2\n)\n", ""},
		"constant-line":       {"package a\n\nconst (\n\tC = 1 // the first\n)\n", ""},
		"variable-of-several": {"package a\n\nvar v, W int\n", "exported W"},
		"program":             {"package main\n\nfunc F() {}\n", ""},
		"unexported":          {"package a\n\nfunc f() {}\n", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			example := newTree(map[string][]byte{"a.go": []byte(c.text), "a_test.go": []byte("package a\n\nfunc Helper() {}\n")})
			wantFault(t, checkExportedComments(example), c.want)
		})
	}
}
