//go:build unix

package engine

import "golang.org/x/sys/unix"

// descriptorLimit is how many descriptors the process may have, 0 if unknown.
func descriptorLimit() int {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) != nil || l.Cur > 1<<30 {
		return 0
	}
	return int(l.Cur)
}
