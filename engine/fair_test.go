package engine_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
)

// hugeSink counts, and does something at its first bytes.
type hugeSink struct {
	once  sync.Once
	first func()
	n     atomic.Int64
}

func (s *hugeSink) WriteAt(p []byte, _ int64) (int, error) {
	s.once.Do(s.first)
	s.n.Add(int64(len(p)))
	return len(p), nil
}

// TestSmallDoesNotWaitForHuge begins a small download while a huge one reads its
// first answer, which has all of it, on the only lane there is.
func TestSmallDoesNotWaitForHuge(t *testing.T) {
	const size = 128 << 20
	w := newWorld(t, engine.Options{MaxConnections: 1})
	w.server.Put("b", "huge", make([]byte, size), nil)
	w.server.Put("b", "small", []byte("small"), nil)
	var small sync.WaitGroup
	sink := &hugeSink{}
	sink.first = func() {
		small.Go(func() {
			if _, err := w.driver.Transfer(context.Background(), downloadJob("small", body.ToWriterAt(&writerAt{make([]byte, 5)})), &events{}); err != nil {
				t.Error(err)
			}
			if n := sink.n.Load(); n >= size {
				t.Error("the small one had to wait for the whole of the huge one")
			}
		})
		for w.client.Waiting() == 0 {
			runtime.Gosched()
		}
	}
	if _, err := w.driver.Transfer(t.Context(), downloadJob("huge", body.ToWriterAt(sink)), &events{}); err != nil {
		t.Fatal(err)
	}
	small.Wait()
	if n := sink.n.Load(); n != size {
		t.Errorf("got %d bytes of the huge one, want %d", n, size)
	}
}
