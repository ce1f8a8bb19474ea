//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/haul-s3/haul/bench/compare"
	"github.com/haul-s3/haul/bench/page"
)

// section is what the commands have in common that measure, print tables and
// write them into a section of a page.
type section struct {
	heading string
	about   string // stands before the tables
	out     string // the page; "": none is written
}

// logTo is a log of what is going on, with the time of day.
func logTo(cmd *cobra.Command) func(format string, args ...any) {
	return func(format string, args ...any) {
		fmt.Fprintf(cmd.ErrOrStderr(), time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
	}
}

// commandLine is what reproduces a result.
func commandLine() string { return "go run ./bench " + strings.Join(os.Args[1:], " ") }

// tell prints tables, and writes the section if there is a page.
func (s *section) tell(cmd *cobra.Command, tables string) error {
	fmt.Fprint(cmd.OutOrStdout(), tables)
	if s.out == "" {
		return nil
	}
	text := fmt.Sprintf("%s\n`%s`\n\n%s\n%s", s.about, commandLine(), compare.Machine(cmd.Context()), tables)
	return page.Write(s.out, s.heading, text)
}

// flag gives the command the flag --out.
func (s *section) flag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.out, "out", "", "page whose section \""+s.heading+"\" is written, such as bench/RESULTS.md")
}
