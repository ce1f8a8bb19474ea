package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/batch"
)

// report tells the user what happens: a line for each object, errors, a bar on
// a terminal, a summary. It is safe for concurrent use.
type report struct {
	job      *job
	lines    io.Writer // of what is done; io.Discard for none
	errors   io.Writer // above the bar, where there is one
	summary  bool
	progress *progress
	began    time.Time

	anonymous bool // requests have no credentials

	mu    sync.Mutex
	hints map[string]bool // given already; guarded by mu
}

// newReport decides what the user sees: with --quiet errors only; the bar where
// standard error is a terminal; the lines where there is no bar, or where
// standard output goes somewhere else than to that terminal.
func (a *app) newReport(j *job) *report {
	r := &report{job: j, lines: a.stdout, errors: a.stderr, began: time.Now(), hints: map[string]bool{}, anonymous: a.settings.noSignRequest}
	quiet := a.settings.quiet
	bar := !quiet && !a.settings.noProgress && j.bytes && hasRoom(a.stderr) && !(j.quietOut && isTerminal(a.stdout))
	r.progress = newProgress(a.stderr, bar)
	if bar {
		r.errors = r.progress
	}
	if quiet || j.quietOut || bar && isTerminal(a.stdout) {
		r.lines = io.Discard
	}
	r.summary = j.many && !quiet
	return r
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// hasRoom says that f is a terminal with room for a bar; some have no size.
func hasRoom(f *os.File) bool {
	width, height, err := term.GetSize(int(f.Fd()))
	return err == nil && width > 0 && height > 1
}

// done tells the end of an item.
func (r *report) done(item batch.Item, _ *haul.Result, err error) {
	var skipped *batch.SkippedError
	switch {
	case err == nil:
		fmt.Fprintln(r.lines, r.line(item))
	case errors.Is(err, haul.ErrCanceled) || errors.Is(err, context.Canceled): // finish says so once
	case errors.Is(err, batch.ErrFolder): // nothing is lost
	case errors.As(err, &skipped):
		if r.summary || r.lines != io.Discard {
			fmt.Fprintf(r.errors, "haul: %s %s: skipped: %s\n", r.command(), r.source(item), describe(skipped.Err))
		}
	default:
		fmt.Fprintf(r.errors, "haul: %s %s: %s\n%s", r.command(), r.source(item), describe(err), r.hint(err))
	}
}

// line is "upload: ./a to s3://b/a".
func (r *report) line(item batch.Item) string {
	line := r.job.verb + ": " + r.job.from(item)
	if r.job.to != nil {
		line += " to " + r.job.to(item)
	}
	return line
}

// command is what the user has called.
func (r *report) command() string {
	if r.job.verb == "delete" {
		return "rm"
	}
	return "cp"
}

// source names an item in errors, or what was listed or walked to find it.
func (r *report) source(item batch.Item) string {
	if item.Path == "" && item.Key == "" {
		return r.job.source
	}
	return r.job.from(item)
}

// hint is a line on what to do about an error, the first time.
func (r *report) hint(err error) string {
	hint := hintFor(err, r.anonymous)
	r.mu.Lock()
	defer r.mu.Unlock()
	if hint == "" || r.hints[hint] {
		return ""
	}
	r.hints[hint] = true
	return "  " + hint + "\n"
}

// finish ends the bar and prints the summary.
func (r *report) finish(t *batch.Tally) {
	r.progress.stop()
	if r.summary {
		fmt.Fprintln(r.errors, "haul:", r.summaryLine(t, time.Since(r.began)))
	}
}

func (r *report) summaryLine(t *batch.Tally, took time.Duration) string {
	parts := []string{fmt.Sprintf("%d objects", t.Objects)}
	if r.job.bytes {
		parts = append(parts, formatBytes(t.Bytes))
	}
	seconds := took.Seconds()
	line := fmt.Sprintf("%s in %.1fs", strings.Join(parts, ", "), seconds)
	if r.job.bytes && seconds > 0 {
		line += fmt.Sprintf(" (%s/s)", formatBytes(int64(float64(t.Bytes)/seconds)))
	}
	line += fmt.Sprintf(", %d failed", t.Failed)
	if t.Skipped > 0 {
		line += fmt.Sprintf(", %d skipped", t.Skipped)
	}
	if t.Canceled > 0 {
		line += fmt.Sprintf(", %d not finished", t.Canceled)
	}
	return line
}
