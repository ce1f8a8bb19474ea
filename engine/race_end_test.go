package engine_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/retry"
	"github.com/haul-s3/haul/internal/s3api"
)

// onProgress has fn see the progress first.
type onProgress struct {
	events
	fn func(n int64)
}

func (e *onProgress) Progress(n int64) {
	e.fn(n)
	e.events.Progress(n)
}

// TestRaceEndsInAHook: the second copy of a piece has brought all of it, and is
// still in a subscriber's hook, when the first copy, whose connection broke, is
// asked for again.
func TestRaceEndsInAHook(t *testing.T) {
	t.Parallel()
	want := content(racePieces * racePiece)
	synctest.Test(t, func(t *testing.T) {
		w := newBubble(t, engine.Options{})
		w.server.Put("b", "k", want, nil)
		sink := newOnceWriter(len(want))
		var progress atomic.Int64
		ev := &onProgress{fn: func(n int64) {
			if progress.Add(n) == int64(len(want)) {
				time.Sleep(time.Minute)
			}
		}}
		var all atomic.Int32 // requests for the whole object
		var copies atomic.Int32
		last, second := make(chan struct{}), make(chan struct{})
		w.trip = func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if err != nil {
				return nil, err
			}
			switch asked := r.Header.Get("Range"); {
			case asked == "": // not all of it by this answer
				all.Add(1)
				resp.Body = &halfway{ReadCloser: resp.Body, left: racePiece, wait: func() error { <-last; return nil }}
			case strings.HasSuffix(asked, lastByte):
				switch copies.Add(1) {
				case 1:
					close(last)
					resp.Body = &halfway{ReadCloser: resp.Body, left: racePiece / 2, wait: func() error { <-second; return io.ErrUnexpectedEOF }}
				case 2:
					close(second)
					resp.Body = &halfway{ReadCloser: resp.Body, wait: func() error { time.Sleep(time.Microsecond); return nil }} // the first one is to be about to ask
				}
			}
			return resp, nil
		}
		job := racedDownload("k", body.ToWriterAt(sink))
		job.Retry = retry.Policy{Base: time.Second}
		out, err := w.driver.Transfer(t.Context(), job, ev)
		if err != nil {
			t.Fatal(err)
		}
		sink.check(t, want)
		if w.client.Stats().Races != 1 || copies.Load() != 3 || all.Load() != 1 {
			t.Errorf("%+v, %d races, %d requests for the last piece, %d for all of the object; want 1, 3, 1", out, w.client.Stats().Races, copies.Load(), all.Load())
		}
	})
}

// lastByte ends the ranges of the last piece in these tests.
const lastByte = "-3932159"

// TestRaceAndGoexit ends the goroutine of a staged part's first copy while a
// second one is under way: its memory stays until that one has left it.
func TestRaceAndGoexit(t *testing.T) {
	t.Parallel()
	want := racedUpload()
	synctest.Test(t, func(t *testing.T) {
		w := newBubble(t, engine.Options{})
		w.client.Moved(s3api.MinPartSize * 60)
		var exit atomic.Bool
		ev := &onProgress{fn: func(int64) {
			if exit.Swap(false) {
				runtime.Goexit()
			}
		}}
		second := make(chan struct{})
		var copies atomic.Int32
		var kept int64
		w.trip = func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if r.URL.Query().Get("partNumber") != "2" {
				return next.RoundTrip(r)
			}
			switch copies.Add(1) {
			case 1:
				_, _ = io.CopyN(io.Discard, r.Body, s3api.MinPartSize/2)
				<-second
				exit.Store(true)
				_, _ = io.Copy(io.Discard, r.Body) // and no further
				return nil, errors.New("the goroutine goes on")
			case 2:
				close(second)
				time.Sleep(time.Second) // the first one is gone
				kept = w.client.Stats().MemoryInUse
			}
			return next.RoundTrip(r)
		}
		_, err := w.driver.Transfer(context.Background(), uploadJob("k", body.FromReader(&onlyReader{bytes.NewReader(want)})), ev)
		if err == nil || copies.Load() != 2 {
			t.Errorf("got %v after %d copies, want an error after 2", err, copies.Load())
		}
		if kept < s3api.MinPartSize {
			t.Errorf("%d bytes of memory were held while a copy was under way, want its part's %d", kept, s3api.MinPartSize)
		}
	})
}

// TestRaceIsLetEnd: the first copy fails for good while the second one is under
// way, which is let end, and has the piece.
func TestRaceIsLetEnd(t *testing.T) {
	t.Parallel()
	want := content(racePieces * racePiece)
	synctest.Test(t, func(t *testing.T) {
		w := newBubble(t, engine.Options{})
		w.server.Put("b", "k", want, nil)
		second := make(chan struct{})
		w.ranges(func(n int, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			switch {
			case n == 1:
				<-second
				return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: http.NoBody}, nil
			case w.client.Stats().Races > 0:
				close(second)
				if err := pause(r.Context(), time.Second); err != nil {
					return nil, err
				}
			}
			return next.RoundTrip(r)
		})
		w.wantOneRace(t, want)
	})
}
