package engine

import (
	"syscall"
	"time"
)

// cpuTime is what the process has used of processors, in user space and kernel.
func cpuTime() time.Duration {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		return 0
	}
	var created, ended, kernel, user syscall.Filetime
	if syscall.GetProcessTimes(self, &created, &ended, &kernel, &user) != nil {
		return 0
	}
	return 100 * (ticks(kernel) + ticks(user))
}

// ticks is a span of 100 ns each.
func ticks(t syscall.Filetime) time.Duration {
	return time.Duration(int64(t.HighDateTime)<<32 | int64(t.LowDateTime))
}
