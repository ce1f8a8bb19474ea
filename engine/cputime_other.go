//go:build !unix && !windows

package engine

import "time"

// cpuTime is not known here.
func cpuTime() time.Duration { return 0 }
