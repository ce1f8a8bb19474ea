//go:build !linux

package main

import "time"

// cpuTime is measured on Linux only.
func cpuTime() time.Duration { return -1 }

func resetPeakRSS() {}

// peakRSS is measured on Linux only.
func peakRSS() int64 { return -1 }
