//go:build linux

package links

import (
	"runtime"
	"time"

	"github.com/haul-s3/haul/bench/load"
)

// window is what a load brought between two times.
type window struct {
	bytes    float64       // per second
	requests float64       // per second
	lanes    float64       // that there were, on average
	took     time.Duration // of a request, on average
	idle     float64       // share of the machine's processors that had nothing to do
}

// between finds what a load brought.
func between(samples []load.Sample, from, to time.Duration) (w window) {
	var first, last *load.Sample
	n, busy := 0, 0
	for i := range samples {
		s := &samples[i]
		if s.At < from || s.At > to {
			continue
		}
		if first == nil {
			first = s
		}
		last = s
		n, busy, w.lanes = n+1, busy+s.Busy, w.lanes+float64(s.Lanes)
	}
	if first == last {
		return window{}
	}
	d := (last.At - first.At).Seconds()
	w.bytes, w.requests = float64(last.Bytes-first.Bytes)/d, float64(last.Requests-first.Requests)/d
	w.lanes /= float64(n)
	if w.requests > 0 {
		w.took = time.Duration(float64(busy) / float64(n) / w.requests * float64(time.Second)) // Little's law
	}
	w.idle = (last.Idle - first.Idle).Seconds() / d / float64(runtime.NumCPU())
	return w
}

// goodput is what counts on a link: bytes of large objects, requests of small ones.
func (l *Link) goodput(w window) float64 {
	if l.size == small {
		return w.requests
	}
	return w.bytes
}
