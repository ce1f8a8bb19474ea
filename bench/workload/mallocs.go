//go:build linux

package workload

import "runtime/metrics"

const mallocsMetric = "/gc/heap/allocs:objects"

func mallocs() uint64 {
	s := []metrics.Sample{{Name: mallocsMetric}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

func mallocsSince(before uint64) uint64 { return mallocs() - before }
