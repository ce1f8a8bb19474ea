//go:build linux

package compare

import (
	"strings"
	"testing"
	"time"

	"github.com/haul-s3/haul/bench/peers"
	"github.com/haul-s3/haul/bench/workload"
)

// run is a sample of a run that moved one object of 1 GB.
func run(wall, cpu time.Duration) sample {
	return sample{Usage: workload.Usage{Wall: wall, CPU: cpu, PeakRSS: 1 << 20}, requests: 3, connections: 2, objects: 1, size: 1e9}
}

func TestTable(t *testing.T) {
	rows := []*row{}
	for name, samples := range map[string][]sample{
		"floor":    {run(time.Second, time.Second), run(9*time.Second, 9*time.Second), run(time.Second, time.Second)},
		"haul":     {run(2*time.Second, 2*time.Second)},
		"manager":  {run(4*time.Second, 5*time.Second)},
		"minio-go": {run(5*time.Second, 4*time.Second)},
	} {
		p, err := peers.ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, &row{peer: p, samples: samples})
	}
	b := &block{cell: &cell{workload: "large-down", medium: "memory"}, rows: rows}
	got := strings.ReplaceAll(b.table(8<<20), " ", "")
	for _, want := range []string{
		"|floor|1000|1.00|4.00|1.000|1.00|0.25|1|1.00|0|3|2|",
		"|haul|500|0.50|2.00|2.000|2.00|0.50|1|1.00|0|3|2|", // the best wall and the best CPU are of two peers
		"|manager|250|0.25|1.00|5.000|5.00|1.25|1|1.00|0|3|2|",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s, want a line %s", got, want)
		}
	}
}

func TestTakeOff(t *testing.T) {
	s := run(10*time.Second, 10*time.Second)
	s.takeOff(workload.Usage{Wall: 4 * time.Second, CPU: 11 * time.Second})
	if s.Wall != 6*time.Second || s.CPU != time.Second {
		t.Errorf("got %v and %v of CPU, want 6s and 1s", s.Wall, s.CPU)
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{"64KiB": 64 << 10, "8MiB": 8 << 20, "2GiB": 2 << 30, "12345": 12345} {
		var got Size
		if err := got.Set(text); err != nil || got != want || got.String() != text {
			t.Errorf("%s: got %d (%s), error %v, want %d", text, got, got.String(), err, want)
		}
	}
	var s Size
	if err := s.Set("2TB"); err == nil {
		t.Error("2TB was taken, want an error")
	}
}
