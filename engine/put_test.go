package engine_test

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
)

// crowdedAt counts who is in it at once.
type crowdedAt struct {
	io.ReaderAt
	inside, most *atomic.Int64
}

func (c crowdedAt) ReadAt(p []byte, off int64) (int, error) {
	n := c.inside.Add(1)
	defer c.inside.Add(-1)
	for most := c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
	}
	<-time.After(time.Second)
	return c.ReaderAt.ReadAt(p, off)
}

// TestPutHashesInItsLane has no more callers' readers in use than lanes, also
// while checksums for the head are computed.
func TestPutHashesInItsLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const lanes = 2
		w := newBubble(t, engine.Options{MaxConnections: lanes})
		var inside, most atomic.Int64
		var done sync.WaitGroup
		for i := range 10 * lanes {
			done.Go(func() {
				source := crowdedAt{body.Memory(content(1000)), &inside, &most}
				if _, err := w.driver.Transfer(t.Context(), uploadJob(fmt.Sprint(i), body.FromReaderAt(source, 1000)), &events{}); err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
		if n := most.Load(); n != lanes {
			t.Errorf("%d reads at once, want %d, the lanes there are", n, lanes)
		}
	})
}
