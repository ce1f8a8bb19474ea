//go:build linux

package workload

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Usage is what a run took.
type Usage struct {
	Wall    time.Duration
	CPU     time.Duration // user and system, of the process
	PeakRSS int64         // bytes, of the whole process, its program text included
	Mallocs uint64        // heap objects, of Go programs
}

// Measure runs fn and measures what this process took meanwhile.
func Measure(fn func() error) (Usage, error) {
	mallocs := mallocs()
	cpu, err := cpuSelf()
	if err != nil {
		return Usage{}, err
	}
	begin := time.Now()
	if err := fn(); err != nil {
		return Usage{}, err
	}
	u := Usage{Wall: time.Since(begin)}
	end, err := cpuSelf()
	if err != nil {
		return Usage{}, err
	}
	u.CPU = end - cpu
	if u.PeakRSS, err = peakRSS(); err != nil {
		return Usage{}, err
	}
	u.Mallocs = mallocsSince(mallocs)
	return u, nil
}

func cpuSelf() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("getrusage: %w", err)
	}
	return CPU(&u), nil
}

// CPU is the processor time of a rusage.
func CPU(u *syscall.Rusage) time.Duration {
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakRSS is the process's largest resident memory. VmHWM is taken, since
// ru_maxrss begins with the memory of the process that started this one. Shared
// memory is not counted: that is the source in memory, whose one window counts
// again at each place where it is mapped.
func peakRSS() (int64, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	found := map[string]int64{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.HasSuffix(value, " kB") {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(value, " kB")), 10, 64)
			if err == nil {
				found[name] = kib << 10
			}
		}
	}
	if found["VmHWM"] == 0 {
		return 0, fmt.Errorf("/proc/self/status has no VmHWM")
	}
	return found["VmHWM"] - found["RssShmem"], nil
}
