package haulbench

import (
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// gigabits is a throughput as the suite has it: 10^9 bits a second.
func gigabits(bytes int64, took time.Duration) float64 {
	return float64(bytes) * 8 / 1e9 / took.Seconds()
}

// report writes the lines that close the output of the suite's own runners.
func report(out io.Writer, bytes int64, runs []time.Duration) {
	var speed, secs []float64
	for _, r := range runs {
		speed, secs = append(speed, gigabits(bytes, r)), append(secs, r.Seconds())
	}
	fmt.Fprintln(out, "Overall Throughput (Gb/s)", summary(speed))
	fmt.Fprintln(out, "Overall Duration (Secs)", summary(secs))
	if rss := peakRSS(); rss > 0 {
		fmt.Fprintf(out, "Peak RSS:%f MiB\n", float64(rss)/(1<<20))
	}
}

func summary(values []float64) string {
	slices.Sort(values)
	n := float64(len(values))
	var sum, squares float64
	for _, v := range values {
		sum += v
	}
	mean := sum / n
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	median := (values[len(values)/2] + values[(len(values)-1)/2]) / 2
	return fmt.Sprintf("Median:%f Mean:%f Min:%f Max:%f Variance:%f StdDev:%f",
		median, mean, values[0], values[len(values)-1], squares/n, math.Sqrt(squares/n))
}
