package engine_test

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/throttle"
)

// TestNoRateIsNoLimit has a Limiter without a rate, as every Manager has one:
// files still go to the network by themselves, until a rate is set.
func TestNoRateIsNoLimit(t *testing.T) {
	client, err := engine.New(engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close(t.Context())
	f, err := os.Create(filepath.Join(t.TempDir(), "source"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	limit := throttle.New(0)
	payload := engine.NewFilePayload(client, f, 1000, limit)
	if _, _, n := payload.Section(); n != 1000 {
		t.Errorf("without a rate: %d bytes can be sent from the file, want 1000", n)
	}
	limit.Set(1 << 20)
	if _, _, n := payload.Section(); n != 0 {
		t.Errorf("with a rate: %d bytes can be sent from the file, want 0", n)
	}
}

// TestSlicesUnderNoRate has bytes reach a sink in whole slices where a Limiter
// has no rate, and in quanta where it has one.
func TestSlicesUnderNoRate(t *testing.T) {
	for name, c := range map[string]struct {
		rate int64
		most int64
	}{"no-rate": {0, bufpool.SliceSize}, "rate": {1 << 40, 64 << 10}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, engine.Options{})
			w.server.Put("b", "k", content(4*bufpool.SliceSize), nil)
			var largest largestWrite
			job := downloadJob("k", body.ToWriterAt(&largest))
			job.Bandwidth = throttle.New(c.rate)
			if _, err := w.driver.Transfer(t.Context(), job, &events{}); err != nil {
				t.Fatal(err)
			}
			if got := largest.n.Load(); got != c.most {
				t.Errorf("rate %d: the largest write is of %d bytes, want %d", c.rate, got, c.most)
			}
		})
	}
}

// largestWrite remembers the size of the largest write.
type largestWrite struct{ n atomic.Int64 }

func (l *largestWrite) WriteAt(p []byte, _ int64) (int, error) {
	for n := l.n.Load(); int64(len(p)) > n && !l.n.CompareAndSwap(n, int64(len(p))); n = l.n.Load() {
	}
	return len(p), nil
}
