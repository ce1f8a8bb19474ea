package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
	exitTerminated  = 143
)

// exitCodes is the table of the exit codes, for the help.
var exitCodes = []struct {
	code    int
	meaning string
}{
	{exitDone, "all was done; what was skipped is named on standard error"},
	{exitFailed, "something was not done: standard error says what and why"},
	{exitUsage, "the command line makes no sense, nothing was done"},
	{exitInterrupted, "interrupted by Ctrl-C (SIGINT); what was complete stays, nothing half done is left"},
	{exitTerminated, "the same by SIGTERM"},
}

// usageError is the error of a command line that can't be carried out.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errReported says that something failed and the user knows already.
var errReported = errors.New("reported")

// exitCode is the code for how a command ended.
func exitCode(err error) int {
	var usage usageError
	var interrupt interruptError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &interrupt) && interrupt.signal == syscall.SIGTERM:
		return exitTerminated
	case errors.As(err, &interrupt):
		return exitInterrupted
	}
	return exitFailed
}

// message is what the user is told of the error of a command.
func (a *app) message(cmd *cobra.Command, err error) string {
	name := strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), "haul"), " ")
	text := describe(err)
	if name != "" {
		text = name + ": " + text
	}
	var usage usageError
	if errors.As(err, &usage) {
		text += fmt.Sprintf("\n%s --help tells more", cmd.CommandPath())
	} else if hint := hintFor(err, a.settings.noSignRequest); hint != "" {
		text += "\n  " + hint
	}
	return text
}

// exitCodeHelp is the table for the help.
func exitCodeHelp() string {
	var b strings.Builder
	b.WriteString("Exit codes:\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "  %-4d %s\n", e.code, e.meaning)
	}
	return b.String()
}
