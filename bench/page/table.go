//go:build linux

package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Median returns the median of values, which it sorts.
func Median[T cmp.Ordered](values []T) T {
	slices.Sort(values)
	return values[len(values)/2]
}

// Table writes rows, the first of which is the heading, as an aligned table.
func Table(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, s := range row {
			widths[i] = max(widths[i], len([]rune(s)))
		}
	}
	var b strings.Builder
	line := func(row []string) {
		for i, s := range row {
			pad := strings.Repeat(" ", widths[i]-len([]rune(s)))
			if i == 0 {
				fmt.Fprintf(&b, "| %s%s |", s, pad)
			} else {
				fmt.Fprintf(&b, " %s%s |", pad, s)
			}
		}
		b.WriteByte('\n')
	}
	line(rows[0])
	for i, w := range widths {
		if i == 0 {
			fmt.Fprintf(&b, "|%s|", strings.Repeat("-", w+2))
		} else {
			fmt.Fprintf(&b, "%s:|", strings.Repeat("-", w+1))
		}
	}
	b.WriteByte('\n')
	for _, row := range rows[1:] {
		line(row)
	}
	return b.String()
}
