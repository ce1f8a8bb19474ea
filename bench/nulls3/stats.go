//go:build linux

package nulls3

import "sync/atomic"

// StatsPath is where the counters are, as JSON. Asking for them counts nothing.
const StatsPath = "/_stats"

// Stats are the server's counters since its start.
type Stats struct {
	Connections int64 // that carried a request
	Requests    int64
	BytesIn     int64 // of bodies, as sent
	BytesOut    int64 // of objects
	Throttled   int64 // requests answered with SlowDown
	Checked     int64 // bodies compared with their checksum, by Check
	Unchecked   int64 // bodies that came without a checksum, seen by Check
	Verified    int64 // objects compared with the pattern, by Check
	Mismatches  int64 // of either kind
}

// Since returns what was counted after before.
func (s Stats) Since(before Stats) Stats {
	return Stats{
		Connections: s.Connections - before.Connections,
		Requests:    s.Requests - before.Requests,
		BytesIn:     s.BytesIn - before.BytesIn,
		BytesOut:    s.BytesOut - before.BytesOut,
		Throttled:   s.Throttled - before.Throttled,
		Checked:     s.Checked - before.Checked,
		Unchecked:   s.Unchecked - before.Unchecked,
		Verified:    s.Verified - before.Verified,
		Mismatches:  s.Mismatches - before.Mismatches,
	}
}

type counters struct {
	connections, requests, bytesIn, bytesOut            atomic.Int64
	throttled, checked, unchecked, verified, mismatches atomic.Int64
}

func (c *counters) read() Stats {
	return Stats{
		Connections: c.connections.Load(),
		Requests:    c.requests.Load(),
		BytesIn:     c.bytesIn.Load(),
		BytesOut:    c.bytesOut.Load(),
		Throttled:   c.throttled.Load(),
		Checked:     c.checked.Load(),
		Unchecked:   c.unchecked.Load(),
		Verified:    c.verified.Load(),
		Mismatches:  c.mismatches.Load(),
	}
}
