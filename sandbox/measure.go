package main

import (
	"runtime/debug"
	"time"
)

// usage is what a leg of the demonstration cost this process; the server is another one.
type usage struct {
	wall     time.Duration
	cpu      time.Duration // user and system, negative where it can't be measured
	peakRSS  int64         // bytes, negative where it can't be measured
	beganCPU time.Duration
	began    time.Time
}

// beginUsage starts an account. Memory that earlier work left is given back first, so that the peak is the leg's own.
func beginUsage() *usage {
	debug.FreeOSMemory()
	resetPeakRSS()
	return &usage{began: time.Now(), beganCPU: cpuTime()}
}

// end closes the account.
func (u *usage) end() {
	u.wall = time.Since(u.began)
	u.peakRSS = peakRSS()
	if u.cpu = cpuTime(); u.cpu >= 0 {
		u.cpu -= u.beganCPU
	}
}
