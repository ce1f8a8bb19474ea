//go:build !linux

package bufpool

// DefaultLimit returns the memory limit where none is given: 1 GiB on this
// platform.
func DefaultLimit() int64 { return defaultLimitUnknown }
