package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/haul-s3/haul/internal/checksum"
)

// TestDocsNameEverything holds docs/cli.md against the program's own tables.
func TestDocsNameEverything(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "cli.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	want := func(s string) {
		if !strings.Contains(page, s) {
			t.Errorf("docs/cli.md: got no %q, want it", s)
		}
	}
	root := new(app).command()
	flags := func(f *pflag.Flag) { want("`--" + f.Name + "`") }
	root.PersistentFlags().VisitAll(flags)
	for _, cmd := range root.Commands() {
		want("## haul " + cmd.Name())
		cmd.LocalNonPersistentFlags().VisitAll(flags)
	}
	algorithms := root.PersistentFlags().Lookup("checksum-algorithm").Usage
	for _, a := range checksum.Algorithms() {
		want("`" + string(a) + "`")
		if !strings.Contains(algorithms, string(a)) {
			t.Errorf("help of --checksum-algorithm: got %q, want %s in it", algorithms, a)
		}
	}
	for _, e := range exitCodes {
		want(fmt.Sprintf("| %d | %s |", e.code, e.meaning))
	}
}

// TestHelpIsComplete holds that every command says what it is, and how it is
// used.
func TestHelpIsComplete(t *testing.T) {
	var check func(*cobra.Command)
	check = func(c *cobra.Command) {
		if c.Short == "" {
			t.Errorf("%s: got no short help, want one", c.CommandPath())
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s: got no help, want some", c.CommandPath(), f.Name)
			}
		})
		for _, sub := range c.Commands() {
			check(sub)
		}
	}
	check(new(app).command())
}
