package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// progressEvery is how often a terminal's line is written anew.
const progressEvery = 100 * time.Millisecond

// progress shows how far a leg is: on a terminal one line that changes, elsewhere a line for each quarter.
type progress struct {
	out      io.Writer
	label    string
	total    int64
	terminal bool
	done     atomic.Int64 // added to by the transfer's goroutines
	quarters int          // owned by run
	stop     chan struct{}
	stopped  chan struct{} // closed by run
	began    time.Time
}

// startProgress begins to show; finish ends it.
func startProgress(out io.Writer, label string, total int64) *progress {
	p := &progress{out: out, label: label, total: total, terminal: isTerminal(out), began: time.Now(),
		stop: make(chan struct{}), stopped: make(chan struct{})}
	go p.run()
	return p
}

// add counts n bytes more, or fewer. It may be called from any goroutine.
func (p *progress) add(n int64) { p.done.Add(n) }

// finish shows the last state and returns when nothing more will be written.
func (p *progress) finish() {
	close(p.stop)
	<-p.stopped
}

// run writes until finish is called.
func (p *progress) run() {
	defer close(p.stopped)
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.show()
		case <-p.stop:
			p.show()
			if p.terminal {
				fmt.Fprintln(p.out)
			}
			return
		}
	}
}

func (p *progress) show() {
	done := p.done.Load()
	share := 1.0
	if p.total > 0 {
		share = float64(done) / float64(p.total)
	}
	rate := float64(done) / max(time.Since(p.began).Seconds(), 1e-3)
	line := fmt.Sprintf("%-9s %3.0f%%  %s of %s  %s/s", p.label, 100*share, formatBytes(done), formatBytes(p.total), formatBytes(int64(rate)))
	switch quarter := int(4 * share); {
	case p.terminal:
		fmt.Fprintf(p.out, "\r%-72s", line)
	case quarter > p.quarters:
		p.quarters = quarter
		fmt.Fprintln(p.out, line)
	}
}

// isTerminal reports whether what is written to w is seen by someone at once.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
