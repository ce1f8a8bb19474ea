package examples_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// block is one Go block of a page.
type block struct {
	page string
	line int // of its first line of code, from 1
	code string
}

// TestDocumentationCompiles vets the Go blocks of the documentation. A block that
// has a package clause is a program; one that declares functions or types at its
// margin is a part of a file; any other is the inside of a function that has
// fragmentParams.
func TestDocumentationCompiles(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the compiler")
	}
	var fragments []string
	dir := t.TempDir()
	for i, b := range documentation(t) {
		name := filepath.Join(dir, fmt.Sprintf("block%d.go", i))
		program := strings.HasPrefix(b.code, "package ")
		code := fmt.Sprintf("//line %s:%d\n%s", b.page, b.line, b.code)
		if !program {
			code = b.fragment(i)
			fragments = append(fragments, name)
		}
		if err := os.WriteFile(name, []byte(code), 0o666); err != nil {
			t.Fatal(err)
		}
		if program {
			t.Run(fmt.Sprintf("%s:%d", filepath.Base(b.page), b.line), func(t *testing.T) {
				command(t, "go", "vet", name).output()
			})
		}
	}
	t.Run("fragments", func(t *testing.T) {
		command(t, "go", append([]string{"vet"}, fragments...)...).output()
	})
}

// documentation collects the blocks of all pages.
func documentation(t *testing.T) (blocks []block) {
	t.Helper()
	for _, pattern := range []string{"../README.md", "../docs/*.md", "../docs/*/*.md"} {
		pages, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			blocks = append(blocks, goBlocks(page, string(text))...)
		}
	}
	if len(blocks) == 0 {
		t.Fatal("the documentation has no Go blocks: the test looks in the wrong place")
	}
	return blocks
}

// goBlocks finds the fenced blocks of a page that are marked as Go.
func goBlocks(page, text string) (blocks []block) {
	var b *block
	for n, line := range strings.Split(text, "\n") {
		switch {
		case b == nil && line == "```go":
			b = &block{page: page, line: n + 2}
		case b != nil && line == "```":
			blocks, b = append(blocks, *b), nil
		case b != nil:
			b.code += line + "\n"
		}
	}
	return blocks
}

const (
	fragmentHead   = "package fragments\n\nimport (\n%s)\n\n"
	fragmentParams = `ctx context.Context, cfg aws.Config, client *s3.Client, m *haul.Manager, f *haul.Future, bucket, key, path string, err error`
	fragmentFunc   = "func fragment%d(" + fragmentParams + ") error {\n\t{\n//line %s:%d\n%s\n\t}\n%s}\n"
)

// fragmentImports are the packages that fragments may use without saying so.
var fragmentImports = map[string]string{
	"awshttp": "github.com/aws/aws-sdk-go-v2/aws/transport/http",
	"aws":     "github.com/aws/aws-sdk-go-v2/aws", "config": "github.com/aws/aws-sdk-go-v2/config",
	"s3": "github.com/aws/aws-sdk-go-v2/service/s3", "types": "github.com/aws/aws-sdk-go-v2/service/s3/types",
	"smithy": "github.com/aws/smithy-go",
	"haul":   "github.com/haul-s3/haul", "engine": "github.com/haul-s3/haul/engine", "serialize": "github.com/haul-s3/haul/serialize",
	"context": "context", "errors": "errors", "fmt": "fmt", "fs": "io/fs", "http": "net/http", "io": "io", "log": "log", "os": "os", "time": "time",
}

var (
	declaration = regexp.MustCompile(`(?m)^(func|type) `)
	lastReturn  = regexp.MustCompile(`(?:^|\n)return\b[^\n]*\n*$`)
)

// fragment makes a file of a block that is none.
func (b block) fragment(number int) string {
	code := fmt.Sprintf("//line %s:%d\n%s", b.page, b.line, b.code)
	if !declaration.MatchString(b.code) {
		end := "\treturn nil\n"
		if lastReturn.MatchString(b.code) {
			end = ""
		}
		code = fmt.Sprintf(fragmentFunc, number, b.page, b.line, b.code, end)
	}
	var imports []string
	for name, path := range fragmentImports {
		if regexp.MustCompile(`\b` + name + `\.`).MatchString(code) {
			imports = append(imports, fmt.Sprintf("\t%s %q\n", name, path))
		}
	}
	slices.Sort(imports)
	return fmt.Sprintf(fragmentHead, strings.Join(imports, "")) + code
}
