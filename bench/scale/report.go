//go:build linux

package scale

import (
	"fmt"
	"strings"

	"github.com/haul-s3/haul/bench/page"
)

// What is said to be a step: a cost that is so many times as high as that of the
// cheapest smaller row, a memory that is so many times that of any smaller row, and more
// than so many bytes above it.
const (
	stepCost = 1.3
	stepRSS  = 1.5
	slackRSS = 16 * mib
	// laneRSS is what a lane may have: a slice, stacks, a connection's buffers.
	laneRSS = 512 * kib
)

// Markdown is the results as tables.
func (r *Results) Markdown() string {
	var b strings.Builder
	for _, m := range r.tables {
		fmt.Fprintf(&b, "### %s\n\n%s.\n\n%s\n%s\n", m.table.Name, m.table.About, m.text(), m.verdict())
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func (m *measured) text() string {
	t := m.table
	speed, cost := "MB/s", "CPU s/GB"
	if t.unit == "object" {
		speed, cost = "objects/s", "CPU µs/object"
	}
	head := []string{t.what, speed, cost, "÷ first", "peak RSS MiB", "÷ first", "requests/object"}
	if t.shows {
		head = append(head, "processors", "lanes", "threads")
	}
	if t.each {
		head = append(head, "CPU µs/object")
	}
	rows := [][]string{append(head, "rounds")}
	first := m.rows[0]
	for _, f := range m.rows {
		speed, cost := fmt.Sprintf("%.0f", f.speed), fmt.Sprintf("%.1f", f.cost)
		if t.unit == "GB" {
			speed, cost = fmt.Sprintf("%.0f", 1000*f.speed), fmt.Sprintf("%.3f", f.cost)
		}
		row := []string{f.name, speed, cost, fmt.Sprintf("%.2f", f.cost/first.cost),
			fmt.Sprintf("%.0f", f.rss/mib), fmt.Sprintf("%.2f", f.rss/first.rss), fmt.Sprintf("%.1f", f.requests)}
		if t.shows {
			row = append(row, fmt.Sprintf("%.2f", f.busy), fmt.Sprintf("%d to %d", f.lanes[0], f.lanes[1]), fmt.Sprint(f.threads))
		}
		if t.each {
			row = append(row, fmt.Sprintf("%.0f", f.cost*float64(f.spec.Size)/1e3))
		}
		rows = append(rows, append(row, fmt.Sprint(f.rounds)))
	}
	return page.Table(rows)
}

// verdict names the steps.
func (m *measured) verdict() string {
	if m.table.shows {
		return ""
	}
	steps := m.steps()
	if len(steps) == 0 {
		return "No step: neither the cost nor the memory grows faster than what is moved.\n"
	}
	return "Steps: " + strings.Join(steps, "; ") + ".\n"
}

func (m *measured) steps() (steps []string) {
	for i, f := range m.rows {
		if i == 0 {
			continue
		}
		cost, rss := m.rows[0].cost, m.rows[0].rss
		for _, before := range m.rows[1:i] {
			cost, rss = min(cost, before.cost), max(rss, before.rss)
		}
		if f.cost > stepCost*cost {
			steps = append(steps, fmt.Sprintf("%s %s costs %.2f times as much as the cheapest before", m.table.what, f.name, f.cost/cost))
		}
		allowed := max(stepRSS*rss, rss+slackRSS)
		if m.table.linear {
			allowed += laneRSS * (f.n - m.rows[i-1].n)
		}
		if f.rss > allowed {
			steps = append(steps, fmt.Sprintf("%s %s needs %.1f times the memory of any before", m.table.what, f.name, f.rss/rss))
		}
	}
	return steps
}
