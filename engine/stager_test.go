package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/s3api"
)

// together is a stream whose first bytes come when all streams are read.
type together struct {
	io.Reader
	all  *sync.WaitGroup
	once sync.Once
}

func (s *together) Read(p []byte) (int, error) {
	s.once.Do(func() { s.all.Done(); s.all.Wait() })
	return s.Reader.Read(p)
}

// TestStreamsShareLittleMemory has streams take all memory with their first
// parts, each of which is less than the threshold: none may wait for the others.
func TestStreamsShareLittleMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const streams, part = 4, s3api.MinPartSize
		w := newBubble(t, engine.Options{MemoryLimit: 2 * streams * part}) // a half is for streams
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		data := content(2*part + 7)
		var all, done sync.WaitGroup
		all.Add(streams)
		for i := range streams {
			done.Go(func() {
				job := uploadJob(fmt.Sprint(i), body.FromReader(&together{Reader: bytes.NewReader(data), all: &all}))
				job.Threshold = 2 * part
				if _, err := w.driver.Transfer(ctx, job, &events{}); err != nil {
					t.Error(err)
				}
				if o, ok := w.server.Object("b", fmt.Sprint(i)); !ok || !bytes.Equal(o.Data, data) {
					t.Errorf("stream %d: the store has something else", i)
				}
			})
		}
		done.Wait()
	})
}
