//go:build linux

package compare

import (
	"fmt"
	"math"

	"github.com/haul-s3/haul/bench/page"
)

// figures are the medians of a row.
type figures struct {
	speed       float64 // bytes per second, or objects per second
	cpu         float64 // seconds per GB, or microseconds per object
	rss         int64
	mallocs     float64 // per part, or per object
	requests    int64
	connections int64
}

func (r *row) figures(large bool, partSize int64) (f figures) {
	var speed, cpu, mallocs []float64
	var rss, requests, connections []int64
	for _, s := range r.samples {
		bytes := float64(s.size) * float64(s.objects)
		units := float64(s.objects)
		if large {
			units = math.Ceil(bytes / float64(partSize))
			speed = append(speed, bytes/s.Wall.Seconds())
			cpu = append(cpu, s.CPU.Seconds()/(bytes/1e9))
		} else {
			speed = append(speed, units/s.Wall.Seconds())
			cpu = append(cpu, s.CPU.Seconds()*1e6/units)
		}
		mallocs = append(mallocs, float64(s.Mallocs)/units)
		rss = append(rss, s.PeakRSS)
		requests = append(requests, s.requests)
		connections = append(connections, s.connections)
	}
	return figures{page.Median(speed), page.Median(cpu), page.Median(rss), page.Median(mallocs), page.Median(requests), page.Median(connections)}
}

// table writes the block as a Markdown table.
func (b *block) table(partSize int64) string {
	large := b.cell.large()
	all := map[*row]figures{}
	var base, best *figures // the floor; the best of the others' figures, each by itself
	for _, r := range b.rows {
		f := r.figures(large, partSize)
		all[r] = f
		switch {
		case r.peer.Name == "floor":
			base = &f
		case r.peer.Ours:
		case best == nil:
			best = &f
		default:
			best.speed, best.cpu, best.rss = max(best.speed, f.speed), min(best.cpu, f.cpu), min(best.rss, f.rss)
		}
	}
	speedHead, cpuHead, unit := "objects/s", "CPU µs/object", "object"
	if large {
		speedHead, cpuHead, unit = "MB/s", "CPU s/GB", "part"
	}
	rows := [][]string{{
		"client", speedHead, "÷ floor", "÷ best peer", cpuHead, "÷ floor", "÷ best peer",
		"peak RSS MiB", "÷ best peer", "mallocs/" + unit, "requests", "connections",
	}}
	for _, r := range b.rows {
		f := all[r]
		speed, cpu := fmt.Sprintf("%.0f", f.speed), fmt.Sprintf("%.1f", f.cpu)
		if large {
			speed, cpu = fmt.Sprintf("%.0f", f.speed/1e6), fmt.Sprintf("%.3f", f.cpu)
		}
		mallocs := "-"
		if !r.peer.IsProgram() {
			mallocs = fmt.Sprintf("%.0f", f.mallocs)
		}
		row := []string{r.peer.Name, speed, "-", "-", cpu, "-", "-", fmt.Sprintf("%.0f", float64(f.rss)/(1<<20)), "-",
			mallocs, fmt.Sprint(f.requests), fmt.Sprint(f.connections)}
		if base != nil {
			row[2], row[5] = ratio(f.speed, base.speed), ratio(f.cpu, base.cpu)
		}
		if best != nil {
			row[3], row[6], row[8] = ratio(f.speed, best.speed), ratio(f.cpu, best.cpu), ratio(float64(f.rss), float64(best.rss))
		}
		rows = append(rows, row)
	}
	return page.Table(rows)
}

func ratio(a, b float64) string { return fmt.Sprintf("%.2f", a/b) }
