package engine_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/retry"
	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/testbody"
)

// The pieces of downloads in these tests, so many that the budget has one piece
// and a bit for races.
const (
	racePiece  = 64 << 10
	racePieces = 60
)

// onceWriter is a caller's writer that counts what is written.
type onceWriter struct {
	mu    sync.Mutex
	b     []byte
	bytes int
}

func newOnceWriter(n int) *onceWriter { return &onceWriter{b: make([]byte, n)} }

func (w *onceWriter) WriteAt(p []byte, off int64) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bytes += len(p)
	return testbody.Copy(w.b[off:], p), nil
}

// check holds what was written to want: all of it, and so each byte once if
// there were no more.
func (w *onceWriter) check(t *testing.T, want []byte) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !bytes.Equal(w.b, want) {
		t.Error("the download delivered something else")
	}
	if w.bytes != len(want) {
		t.Errorf("%d bytes were written, want %d: each once", w.bytes, len(want))
	}
}

func racedDownload(key string, sink body.Sink) *driver.Job {
	job := downloadJob(key, sink)
	job.PartSize, job.Threshold = racePiece, racePiece
	return job
}

// halfway reads n bytes of an answer's body and then no more until wait returns.
type halfway struct {
	io.ReadCloser
	left int
	wait func() error
	over bool
}

func (h *halfway) Read(p []byte) (int, error) {
	if h.left == 0 && !h.over {
		if err := h.wait(); err != nil {
			return 0, err
		}
		h.over = true
	}
	if !h.over {
		p = p[:min(len(p), h.left)]
	}
	n, err := h.ReadCloser.Read(p)
	if !h.over {
		h.left -= n
	}
	return n, err
}

func untilEnd(r *http.Request) func() error {
	return func() error { <-r.Context().Done(); return context.Cause(r.Context()) }
}

// ranges has hold answer each request for a range, which are counted from 1. The
// plain answer stops behind its first piece until there was one.
func (w *bubble) ranges(hold func(n int, r *http.Request, next http.RoundTripper) (*http.Response, error)) {
	var asked atomic.Int32
	first := make(chan struct{})
	w.trip = func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if r.Header.Get("Range") == "" {
			resp, err := next.RoundTrip(r)
			resp.Body = &halfway{ReadCloser: resp.Body, left: racePiece, wait: func() error { <-first; return nil }}
			return resp, err
		}
		n := int(asked.Add(1))
		if n == 1 {
			close(first)
		}
		return hold(n, r, next)
	}
}

// holdAt answers with n bytes and then nothing until wait returns.
func holdAt(n int, wait func() error, r *http.Request, next http.RoundTripper) (*http.Response, error) {
	resp, err := next.RoundTrip(r)
	if err == nil {
		resp.Body = &halfway{ReadCloser: resp.Body, left: n, wait: wait}
	}
	return resp, err
}

// TestRaceDown holds a piece in the middle: another lane fetches what is missing,
// into every kind of sink.
func TestRaceDown(t *testing.T) {
	t.Parallel()
	want := content(racePieces*racePiece - 7)
	for name, sink := range map[string]func(t *testing.T) (sink body.Sink, check func(t *testing.T)){
		"writer-at": func(*testing.T) (body.Sink, func(*testing.T)) {
			w := newOnceWriter(len(want))
			return body.ToWriterAt(w), func(t *testing.T) { w.check(t, want) }
		},
		"ordered": func(*testing.T) (body.Sink, func(*testing.T)) {
			w := newStream(len(want))
			return body.ToWriter(w), func(t *testing.T) {
				if !bytes.Equal(w.Bytes(), want) {
					t.Errorf("got %d bytes that are something else", w.n)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newBubble(t, engine.Options{})
				w.server.Put("b", "k", want, nil)
				var ended atomic.Bool
				w.ranges(func(n int, r *http.Request, next http.RoundTripper) (*http.Response, error) {
					if n > 1 {
						return next.RoundTrip(r)
					}
					return holdAt(racePiece/2, func() error { defer ended.Store(true); return untilEnd(r)() }, r, next)
				})
				sink, check := sink(t)
				ev := &events{}
				began := time.Now()
				out, err := w.driver.Transfer(t.Context(), racedDownload("k", sink), ev)
				if err != nil {
					t.Fatal(err)
				}
				check(t)
				if got, most := time.Since(began), 2*time.Second; got > most {
					t.Errorf("took %v, want at most %v: not the stall limit", got, most)
				}
				if ev.sum.Load() != int64(len(want)) || ev.negative.Load() || !out.Checksum.Validated {
					t.Errorf("got progress %d (negative %v) and %+v, want %d and a validated checksum", ev.sum.Load(), ev.negative.Load(), out.Checksum, len(want))
				}
				if s := w.client.Stats(); out.ExtraRequests != 1 || s.Races != 1 || s.Retries != 0 || out.ExtraBytes != 0 {
					t.Errorf("got %d extra requests, %d extra bytes, %+v; want one race that moved what was missing", out.ExtraRequests, out.ExtraBytes, s)
				}
				if !ended.Load() {
					t.Error("the slower attempt has not ended with the transfer")
				}
			})
		})
	}
}

// TestRaceBothMoveOn: whichever copy has the next bytes, they are written once,
// and those that come a second time are told as extra.
func TestRaceBothMoveOn(t *testing.T) {
	t.Parallel()
	const slice, pieces = bufpool.SliceSize, 6
	want := content(pieces * 4 * slice)
	synctest.Test(t, func(t *testing.T) {
		w := newBubble(t, engine.Options{})
		w.client.Moved(200 * slice)
		w.server.Put("b", "k", want, nil)
		w.ranges(func(n int, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			switch {
			case n == 1: // the first copy brings a slice at once, and the others after seconds
				return holdAt(slice+slice/2, func() error { return pause(r.Context(), 5*time.Second) }, r, next)
			case w.client.Stats().Races > 0: // the second one brings the next two, and no more
				return holdAt(2*slice, untilEnd(r), r, next)
			}
			return next.RoundTrip(r)
		})
		sink := newOnceWriter(len(want))
		ev := &events{}
		job := racedDownload("k", body.ToWriterAt(sink))
		job.PartSize = 4 * slice
		out, err := w.driver.Transfer(t.Context(), job, ev)
		if err != nil {
			t.Fatal(err)
		}
		sink.check(t, want)
		if ev.sum.Load() != int64(len(want)) || ev.negative.Load() || !out.Checksum.Validated {
			t.Errorf("got progress %d (negative %v) and %+v, want %d and a validated checksum", ev.sum.Load(), ev.negative.Load(), out.Checksum, len(want))
		}
		if out.ExtraRequests != 1 || out.ExtraBytes != 2*slice {
			t.Errorf("got %d extra requests, %d extra bytes; want 1, and the two slices that came twice", out.ExtraRequests, out.ExtraBytes)
		}
	})
}

// TestRaceFirstAnswer holds or breaks the plain answer: another lane fetches the
// rest of its piece, whether the first lane waits for bytes or to try again.
func TestRaceFirstAnswer(t *testing.T) {
	t.Parallel()
	want := content(racePieces * racePiece)
	for name, end := range map[string]func(r *http.Request) error{
		"held":   func(r *http.Request) error { return untilEnd(r)() },
		"broken": func(*http.Request) error { return io.ErrUnexpectedEOF },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newBubble(t, engine.Options{})
				w.server.Put("b", "k", want, nil)
				w.trip = func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
					if r.Header.Get("Range") != "" {
						return next.RoundTrip(r)
					}
					return holdAt(racePiece/2, func() error { return end(r) }, r, next)
				}
				sink := newOnceWriter(len(want))
				ev := &events{}
				job := racedDownload("k", body.ToWriterAt(sink))
				job.Retry = retry.Policy{Base: 100 * time.Hour, Cap: 100 * time.Hour}
				began := time.Now()
				out, err := w.driver.Transfer(t.Context(), job, ev)
				if err != nil {
					t.Fatal(err)
				}
				sink.check(t, want)
				if got, most := time.Since(began), 2*time.Second; got > most {
					t.Errorf("took %v, want at most %v", got, most)
				}
				if ev.sum.Load() != int64(len(want)) || !out.Checksum.Validated || w.client.Stats().Races != 1 {
					t.Errorf("got progress %d, %+v, %+v; want %d validated bytes after one race", ev.sum.Load(), out.Checksum, w.client.Stats(), len(want))
				}
			})
		})
	}
}

// TestRaceBudget lets races move two bytes in a hundred, and no more.
func TestRaceBudget(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ pieces, races int64 }{
		"too-little-moved": {20, 0}, "one": {60, 1}, "two": {130, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newBubble(t, engine.Options{})
				want := content(tc.pieces * racePiece)
				w.server.Put("b", "k", want, nil)
				w.ranges(func(n int, r *http.Request, next http.RoundTripper) (*http.Response, error) {
					if n <= 5 {
						if err := pause(r.Context(), 20*time.Second); err != nil {
							return nil, err
						}
					}
					return next.RoundTrip(r)
				})
				sink := newOnceWriter(len(want))
				if _, err := w.driver.Transfer(t.Context(), racedDownload("k", body.ToWriterAt(sink)), &events{}); err != nil {
					t.Fatal(err)
				}
				sink.check(t, want)
				if got := w.client.Stats().Races; got != tc.races {
					t.Errorf("races: got %d, want %d", got, tc.races)
				}
				if got, most := w.client.Raced(), int64(len(want))/50; got > most {
					t.Errorf("races moved %d bytes, want at most %d", got, most)
				}
			})
		})
	}
}

// wantOneRace downloads k, which is want, in which one piece is raced.
func (w *bubble) wantOneRace(t *testing.T, want []byte) {
	t.Helper()
	sink := newOnceWriter(len(want))
	out, err := w.driver.Transfer(t.Context(), racedDownload("k", body.ToWriterAt(sink)), &events{})
	if err != nil || out.ExtraRequests != 1 {
		t.Fatalf("got %+v, %v; want a download with one extra request", out, err)
	}
	sink.check(t, want)
}

// TestRaceThatFails harms nobody: the first copy goes on.
func TestRaceThatFails(t *testing.T) {
	t.Parallel()
	want := content(racePieces * racePiece)
	synctest.Test(t, func(t *testing.T) {
		w := newBubble(t, engine.Options{})
		w.server.Put("b", "k", want, nil)
		w.ranges(func(n int, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			switch {
			case n == 1:
				if err := pause(r.Context(), 5*time.Second); err != nil {
					return nil, err
				}
			case w.client.Stats().Races > 0:
				return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: http.NoBody}, nil
			}
			return next.RoundTrip(r)
		})
		w.wantOneRace(t, want)
	})
}

// TestRaceAndTheSinksError: what the sink doesn't take fails the transfer,
// whichever copy brought it.
func TestRaceAndTheSinksError(t *testing.T) {
	t.Parallel()
	full := errors.New("full")
	synctest.Test(t, func(t *testing.T) {
		w := newBubble(t, engine.Options{})
		w.server.Put("b", "k", content(racePieces*racePiece), nil)
		w.ranges(func(n int, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if n > 1 {
				return next.RoundTrip(r)
			}
			return holdAt(0, untilEnd(r), r, next)
		})
		sink := writerAtFunc(func(p []byte, off int64) (int, error) {
			if w.client.Stats().Races > 0 {
				return 0, full
			}
			return len(p), nil
		})
		began := time.Now()
		_, err := w.driver.Transfer(t.Context(), racedDownload("k", body.ToWriterAt(sink)), &events{})
		if !errors.Is(err, full) {
			t.Errorf("got %v, want the sink's error", err)
		}
		if got, most := time.Since(began), 2*time.Second; got > most {
			t.Errorf("told after %v, want it at once: at most %v", got, most)
		}
	})
}

type writerAtFunc func(p []byte, off int64) (int, error)

func (f writerAtFunc) WriteAt(p []byte, off int64) (int, error) { return f(p, off) }

// TestNoRaceForASlowWriter: a part that waits for the caller is not late.
func TestNoRaceForASlowWriter(t *testing.T) {
	t.Parallel()
	want := content(racePieces * racePiece)
	synctest.Test(t, func(t *testing.T) {
		w := newBubble(t, engine.Options{})
		w.server.Put("b", "k", want, nil)
		var writes atomic.Int32
		sink := writerAtFunc(func(p []byte, _ int64) (int, error) {
			if writes.Add(1) == 5 {
				time.Sleep(time.Minute)
			}
			return len(p), nil
		})
		out, err := w.driver.Transfer(t.Context(), racedDownload("k", body.ToWriterAt(sink)), &events{})
		if err != nil || out.ExtraRequests != 0 {
			t.Errorf("got %+v, %v; want a download without a race", out, err)
		}
	})
}

// TestRaceResumed races a piece of a download with a journal.
func TestRaceResumed(t *testing.T) {
	w := newWorld(t, engine.Options{})
	w.client.Moved(1 << 40)
	want := content(40 * racePiece)
	w.server.Put("b", "k", want, nil)
	w.between(holdOneRange(racePiece / 2))
	job := resumedDownload(body.OS{}, "k", filepath.Join(t.TempDir(), "f"), t.TempDir())
	ev := &events{}
	out, err := w.driver.Transfer(t.Context(), job, ev)
	if err != nil {
		t.Fatal(err)
	}
	if ev.sum.Load() != int64(len(want)) || !out.Checksum.Validated || w.client.Stats().Races == 0 {
		t.Errorf("got progress %d, %+v, %+v; want %d validated bytes after a race", ev.sum.Load(), out.Checksum, w.client.Stats(), len(want))
	}
}

// holdOneRange serves n bytes of the first answer to a range and then no more
// until its client has gone. The plain answer waits for it behind its first
// piece.
func holdOneRange(n int) func(h http.Handler, rw http.ResponseWriter, r *http.Request) {
	var held atomic.Bool
	asked := make(chan struct{})
	return func(h http.Handler, rw http.ResponseWriter, r *http.Request) {
		n, wait := n, r.Context().Done()
		switch {
		case r.Method != http.MethodGet:
			h.ServeHTTP(rw, r)
			return
		case r.Header.Get("Range") == "":
			n, wait = racePiece, asked
		case held.Swap(true):
			h.ServeHTTP(rw, r)
			return
		default:
			close(asked)
		}
		rec := record(h, r)
		for name, values := range rec.Header() {
			rw.Header()[name] = values
		}
		rw.Header().Set("Content-Length", strconv.Itoa(rec.Body.Len()))
		rw.WriteHeader(rec.Code)
		_, _ = rw.Write(rec.Body.Next(n))
		_ = http.NewResponseController(rw).Flush()
		<-wait
		_, _ = rw.Write(rec.Body.Bytes())
	}
}

// racedUpload is what the uploads in these tests send: one part that is raced,
// and as few siblings as will do.
var racedUpload = sync.OnceValue(func() []byte { return content(3*s3api.MinPartSize + 7) })

// raceUp uploads with the first copy of a part in hold's hands.
func raceUp(t *testing.T, src func([]byte) body.Source, prepare func(*driver.Job), hold func(r *http.Request, next http.RoundTripper) (*http.Response, error)) {
	t.Helper()
	want := racedUpload()
	synctest.Test(t, func(t *testing.T) {
		w := newBubble(t, engine.Options{})
		w.client.Moved(s3api.MinPartSize * 60)
		var held atomic.Bool
		w.trip = func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if r.URL.Query().Get("partNumber") == "2" && !held.Swap(true) {
				return hold(r, next)
			}
			return next.RoundTrip(r)
		}
		job := uploadJob("k", src(want))
		prepare(job)
		ev := &events{}
		began := time.Now()
		out, err := w.driver.Transfer(t.Context(), job, ev)
		if err != nil {
			t.Fatal(err)
		}
		if got, most := time.Since(began), 2*time.Second; got > most {
			t.Errorf("took %v, want at most %v: not the limit on the answer", got, most)
		}
		if o, ok := w.server.Object("b", "k"); !ok || !bytes.Equal(o.Data, want) {
			t.Error("the store has something else")
		}
		if ev.sum.Load() != int64(len(want)) || ev.negative.Load() {
			t.Errorf("got progress %d (negative %v), want %d", ev.sum.Load(), ev.negative.Load(), len(want))
		}
		if s := w.client.Stats(); out.ExtraRequests != 1 || s.Races != 1 || s.Retries != 0 {
			t.Errorf("got %d extra requests, %+v; want one race", out.ExtraRequests, s)
		}
		if n := len(w.server.Uploads()); n != 0 {
			t.Errorf("%d uploads are left", n)
		}
	})
}

// TestRaceUp holds the first copy of a part before, in and behind its body.
func TestRaceUp(t *testing.T) {
	t.Parallel()
	sources := map[string]func([]byte) body.Source{
		"bytes":     body.FromBytes,
		"reader-at": func(b []byte) body.Source { return body.FromReaderAt(bytes.NewReader(b), int64(len(b))) },
		"stream":    func(b []byte) body.Source { return body.FromReader(io.MultiReader(bytes.NewReader(b))) },
	}
	for name, read := range map[string]int64{"unread": 0, "half-read": s3api.MinPartSize / 2, "read": s3api.MinPartSize} {
		for from, src := range sources {
			if from != "bytes" && name != "half-read" {
				continue
			}
			t.Run(name+"/"+from, func(t *testing.T) {
				raceUp(t, src, func(*driver.Job) {}, func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
					_, _ = io.CopyN(io.Discard, r.Body, read)
					<-r.Context().Done()
					return nil, context.Cause(r.Context())
				})
			})
		}
	}
}

// TestRaceOvertakes: the slower copy is stored after the faster one, so that the
// store's part has another ETag than the answer told. Complete is sent again
// with what the store has.
func TestRaceOvertakes(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*driver.Job){
		"checksum":  func(*driver.Job) {},
		"trailer":   func(j *driver.Job) { j.Checksum.Place = driver.PlaceTrailer },
		"composite": func(j *driver.Job) { j.Checksum.Algorithm, j.Checksum.Type = checksum.CRC32C, s3api.ChecksumComposite },
		"none":      func(j *driver.Job) { j.Checksum.Algorithm = checksum.None },
	} {
		t.Run(name, func(t *testing.T) {
			raceUp(t, body.FromBytes, prepare, func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
				b, err := io.ReadAll(r.Body)
				<-r.Context().Done()
				late := r.Clone(context.WithoutCancel(r.Context()))
				late.Body = io.NopCloser(bytes.NewReader(b))
				if _, serr := next.RoundTrip(late); err != nil || serr != nil {
					t.Errorf("the late copy: %v, %v", err, serr)
				}
				return nil, context.Cause(r.Context())
			})
		})
	}
}

// TestNoForeignPartIsTaken: a part of other bytes that has taken the place of a
// raced one is no copy of ours.
func TestNoForeignPartIsTaken(t *testing.T) {
	t.Parallel()
	for name, foreign := range map[string][]byte{
		"length": content(1000), "bytes": content(s3api.MinPartSize + 1)[1:],
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newBubble(t, engine.Options{})
				w.client.Moved(s3api.MinPartSize * 60)
				var held atomic.Bool
				var completes atomic.Int32
				w.trip = func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
					if r.Method == http.MethodPost && r.URL.Query().Has("uploadId") {
						completes.Add(1)
					}
					if r.URL.Query().Get("partNumber") != "2" || held.Swap(true) {
						return next.RoundTrip(r)
					}
					_, _ = io.Copy(io.Discard, r.Body)
					<-r.Context().Done()
					late := r.Clone(context.WithoutCancel(r.Context()))
					late.Header.Del("X-Amz-Checksum-Crc64nvme")
					late.Header.Del("X-Amz-Sdk-Checksum-Algorithm")
					late.Body, late.ContentLength = io.NopCloser(bytes.NewReader(foreign)), int64(len(foreign))
					if resp, err := next.RoundTrip(late); err != nil || resp.StatusCode != http.StatusOK {
						t.Errorf("the foreign part: %+v, %v", resp, err)
					}
					return nil, context.Cause(r.Context())
				}
				_, err := w.driver.Transfer(t.Context(), uploadJob("k", body.FromBytes(racedUpload())), &events{})
				var api interface{ ErrorCode() string }
				if !errors.As(err, &api) || api.ErrorCode() != "InvalidPart" {
					t.Errorf("got %v, want InvalidPart", err)
				}
				if n := completes.Load(); n != 1 {
					t.Errorf("Complete was sent %d times, want once: there is nothing to complete with", n)
				}
			})
		})
	}
}

// TestCancelledRace leaves nothing: both copies end with the transfer.
func TestCancelledRace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newBubble(t, engine.Options{})
		w.server.Put("b", "k", content(racePieces*racePiece), nil)
		var inside atomic.Int32
		w.ranges(func(n int, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if n == 1 || w.client.Stats().Races > 0 {
				inside.Add(1)
				defer inside.Add(-1)
				<-r.Context().Done()
				return nil, context.Cause(r.Context())
			}
			return next.RoundTrip(r)
		})
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := errors.New("gone")
		time.AfterFunc(1500*time.Millisecond, func() {
			if n := inside.Load(); n != 2 {
				t.Errorf("copies under way: got %d, want 2", n)
			}
			cancel(gone)
		})
		sink := newOnceWriter(racePieces * racePiece)
		_, err := w.driver.Transfer(ctx, racedDownload("k", body.ToWriterAt(sink)), &events{})
		if !errors.Is(err, gone) {
			t.Errorf("got %v, want the cause of the cancel", err)
		}
		if n := inside.Load(); n != 0 {
			t.Errorf("copies under way after the transfer: got %d, want none", n)
		}
	})
}

// TestRaceOverTheNetwork is the same over connections. On a busy machine other
// parts may be late too.
func TestRaceOverTheNetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Options{})
	w.client.Moved(1 << 40)
	want := content(racePieces * racePiece)
	w.server.Put("b", "k", want, nil)
	w.between(holdOneRange(racePiece / 2))
	sink := newOnceWriter(len(want))
	out, err := w.driver.Transfer(t.Context(), racedDownload("k", body.ToWriterAt(sink)), &events{})
	if err != nil || w.client.Stats().Races == 0 {
		t.Fatalf("got %+v, %v; want a download with a race", out, err)
	}
	sink.check(t, want)

	downRaces := w.client.Stats().Races
	var held atomic.Bool
	w.between(func(h http.Handler, rw http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("partNumber") == "2" && !held.Swap(true) {
			_, _ = io.Copy(io.Discard, r.Body) // what remains unread hides that the client goes
			<-r.Context().Done()
			return
		}
		h.ServeHTTP(rw, r)
	})
	up := racedUpload()
	if out, err = w.driver.Transfer(t.Context(), uploadJob("up", body.FromBytes(up)), &events{}); err != nil || w.client.Stats().Races == downRaces {
		t.Fatalf("got %+v, %v; want an upload with a race", out, err)
	}
	if o, _ := w.server.Object("b", "up"); !bytes.Equal(o.Data, up) {
		t.Error("the store has something else")
	}
}
