//go:build linux

package links

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/haul-s3/haul/bench/page"
)

// text is a window in words.
func (l *Link) text(w window) string {
	return fmt.Sprintf("%s, %.0f lanes, %.0f ms for a request, processors idle %.0f%%", l.speed(l.goodput(w)), w.lanes, 1e3*w.took.Seconds(), 100*w.idle)
}

func (l *Link) speed(v float64) string {
	if l.size == small {
		return fmt.Sprintf("%.0f objects/s", v)
	}
	return fmt.Sprintf("%.0f MB/s", v/1e6)
}

// middle is the median of windows: the one whose goodput is.
func (l *Link) middle(windows []window) window {
	sorted := slices.SortedFunc(slices.Values(windows), func(a, b window) int { return int(l.goodput(a) - l.goodput(b)) })
	return sorted[len(sorted)/2]
}

// Markdown is the results as tables.
func (r *Results) Markdown() string {
	var b strings.Builder
	for _, block := range r.blocks {
		fmt.Fprintf(&b, "### %s\n\n%s.\n\n%s\n%s\n", block.link.Name, block.link.About, block.table(), block.words())
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// best is the fixed number that brought most.
func (b *block) best() (lanes int, goodput float64) {
	for n, windows := range b.fixed {
		if g := b.link.goodput(b.link.middle(windows)); g > goodput {
			lanes, goodput = n, g
		}
	}
	return lanes, goodput
}

func (b *block) table() string {
	_, best := b.best()
	rows := [][]string{{"lanes", "goodput", "÷ best fixed", "for a request", "processors idle"}}
	add := func(name string, w window) {
		g := b.link.goodput(w)
		rows = append(rows, []string{name, b.link.speed(g), fmt.Sprintf("%.2f", g/best), fmt.Sprintf("%.0f ms", 1e3*w.took.Seconds()), fmt.Sprintf("%.0f%%", 100*w.idle)})
	}
	for _, n := range slices.Sorted(maps.Keys(b.fixed)) {
		add(fmt.Sprint(n), b.link.middle(b.fixed[n]))
	}
	at5, later := b.own()
	add(fmt.Sprintf("by itself, seconds 4 to 6: %.0f", at5.lanes), at5)
	add(fmt.Sprintf("by itself, seconds 5 to 10: %.0f", later.lanes), later)
	return page.Table(rows)
}

// own are the medians of what the engine found.
func (b *block) own() (at5, later window) {
	var first, second []window
	for _, t := range b.tuned {
		first, second = append(first, t.at5), append(second, t.later)
	}
	return b.link.middle(first), b.link.middle(second)
}

// words say what the table means.
func (b *block) words() string {
	lanes, best := b.best()
	_, later := b.own()
	g := b.link.goodput(later)
	text := fmt.Sprintf("By itself it reaches %.0f%% of what the best fixed number, %d, brings, with %.0f lanes; limit: %s.", 100*g/best, lanes, later.lanes, later.limit())
	if b.link.rival > 0 {
		text += fmt.Sprintf(" That is %.1f times the Common Runtime's %s (goal: %.0f).", g/b.link.rival, b.link.speed(b.link.rival), b.link.times)
	}
	text += "\n\nIts decisions in the last round:\n\n"
	for _, d := range b.tuned[len(b.tuned)-1].decisions {
		text += fmt.Sprintf("* %d to %d lanes: %s\n", d.From, d.To, d.Reason)
	}
	return text
}

// limit says what limits a load: the processors, if they are never idle.
func (w window) limit() string {
	if w.idle < 0.1 {
		return "the processors, which client and server share"
	}
	return "the link"
}
