//go:build linux

package links

import (
	"strings"
	"testing"
	"time"

	"github.com/haul-s3/haul/bench/load"
)

func TestBetween(t *testing.T) {
	var samples []load.Sample
	for i := range 11 { // ten lanes carry a request of 100 bytes in 2 s each, from the fifth second on
		at := int64(max(0, i-5))
		samples = append(samples, load.Sample{At: time.Duration(i) * time.Second, Bytes: 500 * at, Requests: 5 * at, Lanes: 10, Busy: 10})
	}
	w := between(samples, 5*time.Second, 10*time.Second)
	if w.bytes != 500 || w.requests != 5 || w.lanes != 10 || w.took != 2*time.Second {
		t.Errorf("got %+v, want 500 bytes/s, 5 requests/s of 2 s, 10 lanes", w)
	}
	if w := between(samples, 20*time.Second, 30*time.Second); w != (window{}) {
		t.Errorf("of no samples: got %+v, want nothing", w)
	}
}

// TestTable has the medians, the shares of the best and the limit in it.
func TestTable(t *testing.T) {
	l := &Link{Name: "l", size: small, rival: 100, times: 10}
	b := &block{link: l, fixed: map[int][]window{8: {{requests: 1}, {requests: 500}, {requests: 900}}, 16: {{requests: 1000}}},
		tuned: []tuned{{at5: window{requests: 900, lanes: 12}, later: window{requests: 970, lanes: 13, idle: 0.5}}}}
	got := (&Results{[]*block{b}}).Markdown()
	for _, want := range []string{" 500 objects/s |", "0.50", "by itself, seconds 5 to 10: 13", "97% of what the best fixed number, 16,", "limit: the link", "9.7 times"} {
		if !strings.Contains(got, want) {
			t.Errorf("the report has no %q:\n%s", want, got)
		}
	}
}
