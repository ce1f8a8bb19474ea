package main

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/haul-s3/haul"
)

// progress is the bar: what of all there is to move has been moved. It is a
// subscriber of every transfer. Without a bar it only counts.
type progress struct {
	haul.NopSubscriber
	moved, total atomic.Int64 // bytes
	open         atomic.Bool  // more may be found, or a size isn't known
	unsized      atomic.Bool  // the size of something isn't known
	out          io.Writer    // the terminal
	container    *mpb.Progress
	bar          *mpb.Bar
	meter        meter // owned by the bar's rendering
}

// newProgress begins to draw on w, if it shall.
func newProgress(w io.Writer, draw bool) *progress {
	p := &progress{out: w}
	p.open.Store(true)
	if !draw {
		return p
	}
	p.container = mpb.New(mpb.WithOutput(w), mpb.WithAutoRefresh())
	p.bar = p.container.MustAdd(0, p.filler(mpb.BarStyle().Build()), mpb.AppendDecorators(decor.Any(p.text)))
	return p
}

// expect adds something to move; -1 if its size isn't known.
func (p *progress) expect(size int64) {
	if size < 0 {
		p.unsized.Store(true)
		return
	}
	p.total.Add(size)
}

// complete says that there is nothing more to expect.
func (p *progress) complete() { p.open.Store(false) }

// OnProgress counts. It runs on any goroutine.
func (p *progress) OnProgress(f *haul.Future, n int64) { p.moved.Add(n) }

// Write prints a line above the bar, below it when it has stopped.
func (p *progress) Write(line []byte) (int, error) {
	n, err := p.container.Write(line)
	if errors.Is(err, mpb.ErrDone) {
		return p.out.Write(line)
	}
	return n, err
}

// stop leaves the bar as it is.
func (p *progress) stop() {
	if p.bar == nil {
		return
	}
	p.bar.Abort(false)
	p.container.Wait()
}

// filler has the bar drawn from the counters: mpb's own would need a message
// for each slice of every part.
func (p *progress) filler(bar mpb.BarFiller) mpb.BarFiller {
	return mpb.BarFillerFunc(func(w io.Writer, s decor.Statistics) error {
		s.Current, s.Total = p.moved.Load(), p.total.Load()
		return bar.Fill(w, s)
	})
}

// text is what stands behind the bar. mpb calls it on one goroutine at a time.
func (p *progress) text(decor.Statistics) string {
	p.meter.add(time.Now(), p.moved.Load())
	known := !p.open.Load() && !p.unsized.Load()
	return progressText(p.moved.Load(), p.total.Load(), known, p.meter.perSecond())
}

// progressText is " 1.0 MiB of 2.0 MiB, 512.0 KiB/s, 2s left". While the total
// isn't known, more may come, and the time that is left can't be told.
func progressText(moved, total int64, known bool, perSecond float64) string {
	text := " " + formatBytes(moved)
	switch {
	case known:
		text += " of " + formatBytes(total)
	case total > moved:
		text += " of " + formatBytes(total) + " or more"
	}
	if perSecond <= 0 {
		return text
	}
	text += fmt.Sprintf(", %s/s", formatBytes(int64(perSecond)))
	if known && moved < total {
		left := time.Duration(float64(total-moved) / perSecond * float64(time.Second))
		text += fmt.Sprintf(", %v left", left.Round(time.Second))
	}
	return text
}
