//go:build linux

package scale

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/haul-s3/haul/bench/load"
	"github.com/haul-s3/haul/bench/nulls3"
	"github.com/haul-s3/haul/bench/page"
)

// Results are what the tables came to.
type Results struct{ tables []*measured }

// measured is one table.
type measured struct {
	table *Table
	rows  []figures
}

// figures are the medians of a row.
type figures struct {
	row
	cost     float64 // seconds of CPU for a GB, microseconds for an object
	speed    float64 // bytes, or objects, per second
	rss      float64 // bytes
	requests float64 // for an object
	busy     float64 // processors that the client had, on average
	lanes    [2]int  // in the beginning and in the end
	threads  int
	rounds   int
}

// Run measures. The program must call nulls3.MaybeServe and load.MaybeRun first
// of all.
func Run(ctx context.Context, o Options) (*Results, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(o.Dir, "haul-scale-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	o.Dir = dir
	r := &Results{}
	for i := range All {
		for _, name := range o.Tables {
			if All[i].Name != name {
				continue
			}
			m, err := o.measure(ctx, &All[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			r.tables = append(r.tables, m)
		}
	}
	return r, nil
}

// measure lets the rows of a table take turns.
func (o *Options) measure(ctx context.Context, t *Table) (*measured, error) {
	server, err := nulls3.Start(nulls3.Config{}, o.Dir)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	rows := t.rows(o)
	samples := make([][]load.Outcome, len(rows))
	taken := make([]time.Duration, len(rows))
	for round := range o.Rounds {
		for i, row := range rows {
			if round > 0 && taken[i] > o.Patience {
				continue
			}
			row.spec.Endpoint = server.Endpoints[0]
			out, err := load.InChild(ctx, row.spec)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", row.name, err)
			}
			taken[i] += out.Wall
			samples[i] = append(samples[i], out)
			o.Log("%s, round %d: %s: %v, %v of CPU, %.0f MiB", t.Name, round+1, row.name,
				out.Wall.Round(time.Millisecond), out.CPU.Round(time.Millisecond), float64(out.PeakRSS)/mib)
		}
	}
	m := &measured{table: t}
	for i, row := range rows {
		m.rows = append(m.rows, t.medians(row, samples[i]))
	}
	return m, nil
}

func (t *Table) medians(r row, samples []load.Outcome) figures {
	f := figures{row: r, rounds: len(samples)}
	var cost, speed, rss, requests, busy []float64
	for _, s := range samples {
		objects := float64(s.Objects)
		units, per := objects*float64(r.spec.Size)/1e9, 1.0
		if t.unit == "object" {
			units, per = objects, 1e6
		}
		cost = append(cost, per*s.CPU.Seconds()/units)
		speed = append(speed, units/s.Wall.Seconds())
		rss = append(rss, float64(s.PeakRSS))
		requests = append(requests, float64(s.Requests)/objects)
		busy = append(busy, s.CPU.Seconds()/s.Wall.Seconds())
		f.threads = max(f.threads, s.ThreadsPeak)
		if n := len(s.Samples); n > 0 {
			f.lanes = [2]int{s.Samples[0].Lanes, s.Samples[n-1].Lanes}
		}
	}
	f.cost, f.speed, f.rss = page.Median(cost), page.Median(speed), page.Median(rss)
	f.requests, f.busy = page.Median(requests), page.Median(busy)
	return f
}
