//go:build linux

package soak

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Report is what a soak came to.
type Report struct {
	Options Options
	Took    time.Duration

	Done, Failed, Canceled int   // transfers
	Bytes                  int64 // of those that were done
	Resumed                int64 // of these, moved by an earlier transfer
	Retries                int64 // requests that were sent again for them
	Admitted               int   // uploads that an error said may be left
	Mismatches             int   // objects that were reported done and differ
	Leaks                  []string
	Broken                 []string // other promises that were not kept
	// Live bytes: means over the second and the last quarter of the time, and
	// when everything has ended.
	HeapEarly, HeapLate, HeapEnd uint64
	PeakRSS                      int64 // the largest resident memory of the process, bytes

	faults map[string]int // by name
}

// Faults is how many requests met a fault.
func (r *Report) Faults() (n int) {
	for _, count := range r.faults {
		n += count
	}
	return n
}

// Good says that every promise was kept.
func (r *Report) Good() bool { return r.Mismatches == 0 && len(r.Leaks) == 0 && len(r.Broken) == 0 }

// Markdown is the report as a table, and the lists of what went wrong.
func (r *Report) Markdown() string {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "| %s | %s |\n", name, fmt.Sprintf(format, args...))
	}
	kind := "soak"
	if r.Options.Starved {
		kind = "starved soak"
	}
	fmt.Fprintf(&b, "| %s | |\n|---|---|\n", kind)
	if r.Options.Starved {
		row("limits", "%s", strings.Join(Limits(), "; "))
	}
	row("time", "%s, %d workers, %d processors", r.Took.Round(time.Second), r.Options.Workers, runtime.NumCPU())
	row("transfers", "%d: %d done and compared, %d failed, %d cancelled", r.Done+r.Failed+r.Canceled, r.Done, r.Failed, r.Canceled)
	row("bytes", "%.2f GB, of which %.2f GB were moved by an earlier transfer", float64(r.Bytes)/1e9, float64(r.Resumed)/1e9)
	row("faults injected", "%d; %d requests were sent again for what was done", r.Faults(), r.Retries)
	row("mismatches", "%d", r.Mismatches)
	row("leaks", "%d", len(r.Leaks))
	row("other broken promises", "%d", len(r.Broken))
	row("live memory", "%.0f MB in the second quarter, %.0f MB in the last, %.0f MB at the end (most of it the soak's own bodies)",
		float64(r.HeapEarly)/1e6, float64(r.HeapLate)/1e6, float64(r.HeapEnd)/1e6)
	row("peak resident memory", "%.0f MB, of the whole process", float64(r.PeakRSS)/1e6)
	fmt.Fprintf(&b, "\nFaults: ")
	for i, name := range slices.Sorted(maps.Keys(r.faults)) {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %d", name, r.faults[name])
	}
	b.WriteString(".\n")
	for _, wrong := range append(slices.Clone(r.Leaks), r.Broken...) {
		fmt.Fprintf(&b, "\n* %s\n", wrong)
	}
	return b.String()
}

// peakRSS is the largest resident memory that this process has had, bytes.
func peakRSS() (n int64) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(b, []byte("VmHWM:"))
	_, _ = fmt.Sscan(string(rest), &n) // 0 if it isn't told
	return n << 10
}
