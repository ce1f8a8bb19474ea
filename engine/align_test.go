package engine_test

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
)

// TestRefusedHeadKeepsTheLane has a store refuse the question for its parts,
// while the object's answer is open: as many are read at once as there are
// lanes.
func TestRefusedHeadKeepsTheLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newBubble(t, engine.Options{MaxConnections: 1})
		w.server.Put("b", "k", content(1<<19), nil)
		var reading, most, heads atomic.Int64
		w.trip = func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if err != nil {
				return nil, err
			}
			if r.Method == http.MethodHead {
				heads.Add(1)
				resp.StatusCode = http.StatusForbidden
				return resp, nil
			}
			for name := range resp.Header {
				if len(name) > len("X-Amz-Checksum-") && name[:len("X-Amz-Checksum-")] == "X-Amz-Checksum-" {
					resp.Header.Del(name)
				}
			}
			resp.Header.Set("X-Amz-Checksum-Sha256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=-2")
			resp.Header.Set("X-Amz-Checksum-Type", "COMPOSITE")
			resp.Body = &countedBody{resp.Body, &reading, &most}
			return resp, nil
		}
		const n = 4
		ended := make(chan error, n)
		for range n {
			go func() {
				job := downloadJob("k", body.ToWriterAt(&writerAt{make([]byte, 1<<19)}))
				_, err := w.driver.Transfer(t.Context(), job, &events{})
				ended <- err
			}()
		}
		for range n {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if heads.Load() == 0 || most.Load() != 1 {
			t.Errorf("got %d objects read at once, after %d HEADs, want 1", most.Load(), heads.Load())
		}
	})
}

// countedBody counts the readers that are in it, each for a second.
type countedBody struct {
	io.ReadCloser
	now, most *atomic.Int64
}

func (c *countedBody) Read(p []byte) (int, error) {
	n := c.now.Add(1)
	defer c.now.Add(-1)
	for m := c.most.Load(); n > m && !c.most.CompareAndSwap(m, n); m = c.most.Load() {
	}
	<-time.After(time.Second)
	return c.ReadCloser.Read(p)
}
