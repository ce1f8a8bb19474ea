package repotest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
)

// modulePath is the library's; every module of the workspace has it as a prefix.
const modulePath = "github.com/haul-s3/haul"

// pkg is what the rules need to know of a package, in the words of go list.
type pkg struct {
	ImportPath   string
	Name         string
	Imports      []string // of production files
	TestImports  []string
	XTestImports []string
	Standard     bool
}

// ours reports whether the package belongs to the workspace.
func ours(importPath string) bool {
	return importPath == modulePath || strings.HasPrefix(importPath, modulePath+"/")
}

// roomPath is the package's folder in the tree: "" for the root.
func roomPath(importPath string) string {
	return strings.TrimPrefix(strings.TrimPrefix(importPath, modulePath), "/")
}

// listPackages asks go list, once, for every package of every module of the workspace at root and all that they import.
func listPackages(root string) (map[string]pkg, error) {
	dirs, err := goCommand(root, "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return nil, err
	}
	args := []string{"list", "-e", "-deps", "-json=ImportPath,Name,Imports,TestImports,XTestImports,Standard"}
	for _, dir := range strings.Fields(string(dirs)) {
		args = append(args, dir+string(filepath.Separator)+"...")
	}
	out, err := goCommand(root, args...)
	if err != nil {
		return nil, err
	}
	return decodePackages(out)
}

func decodePackages(stream []byte) (map[string]pkg, error) {
	packages := map[string]pkg{}
	for d := json.NewDecoder(bytes.NewReader(stream)); ; {
		var p pkg
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages, nil
		case err != nil:
			return nil, fmt.Errorf("go list: %w", err)
		}
		packages[p.ImportPath] = p
	}
}

func goCommand(dir string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil, fmt.Errorf("go %s: %w: %s", args[0], err, exit.Stderr)
	}
	return out, err
}

// closure is everything that a package's production files import, directly or through others, and the way there: each
// package found is mapped to the one that imports it.
func closure(packages map[string]pkg, from string) map[string]string {
	importer := map[string]string{}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, path := range packages[queue[0]].Imports {
			if _, seen := importer[path]; !seen {
				importer[path] = queue[0]
				queue = append(queue, path)
			}
		}
	}
	return importer
}
