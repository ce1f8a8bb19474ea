package engine_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
)

const configured = 30 * time.Second

// noted returns a patience that has seen n answers of so long.
func noted(n int, took time.Duration) *engine.Patience {
	p := &engine.Patience{}
	for range n {
		p.Note("host", s3api.GetObject, took, false)
	}
	return p
}

func TestPatienceLimits(t *testing.T) {
	for name, tc := range map[string]struct {
		seen               int
		took               time.Duration
		attempt, attempts  int
		configured, expect time.Duration
	}{
		"nothing-is-known":         {0, 0, 1, 6, configured, configured},
		"too-little-is-known":      {15, time.Millisecond, 1, 6, configured, configured},
		"the-floor":                {64, time.Millisecond, 1, 6, configured, 2 * time.Second},
		"a-multiple-of-the-usual":  {64, time.Second, 1, 6, configured, 4 * time.Second},
		"never-above-configured":   {64, 20 * time.Second, 1, 6, configured, configured},
		"configured-below-floor":   {64, time.Millisecond, 1, 6, time.Second, time.Second},
		"second-attempt":           {64, time.Millisecond, 2, 6, configured, 8 * time.Second},
		"third-attempt":            {64, time.Millisecond, 3, 6, configured, configured},
		"the-last-attempt-has-all": {64, time.Millisecond, 2, 2, configured, configured},
		"the-only-attempt-has-all": {64, time.Millisecond, 1, 1, configured, configured},
		"no-overflow":              {64, time.Millisecond, 1000, 2000, configured, configured},
	} {
		t.Run(name, func(t *testing.T) {
			got := noted(tc.seen, tc.took).Limit("host", s3api.GetObject, tc.attempt, tc.attempts, tc.configured)
			if got != tc.expect {
				t.Errorf("got %v, want %v", got, tc.expect)
			}
		})
	}
}

// TestPatienceKeepsHostsApart: one that is far away says nothing about another.
func TestPatienceKeepsHostsApart(t *testing.T) {
	p := noted(64, time.Millisecond)
	for host, op := range map[string]s3api.Operation{"other": s3api.GetObject, "host": s3api.UploadPart} {
		if got := p.Limit(host, op, 1, 6, configured); got != configured {
			t.Errorf("%s of %s: got %v, want %v", op, host, got, configured)
		}
	}
}

// TestPatienceForgetsOutliers, but not what is slow more often.
func TestPatienceForgetsOutliers(t *testing.T) {
	p := noted(64, time.Millisecond)
	for range 3 {
		p.Note("host", s3api.GetObject, 2*time.Second, true)
	}
	if got, want := p.Limit("host", s3api.GetObject, 1, 6, configured), 2*time.Second; got != want {
		t.Errorf("after three waits in vain of 64: got %v, want %v", got, want)
	}
}

// TestPatienceGrows: where answers have become slower than the limit, it soon
// is no limit any more, and shrinks once they are fast again.
func TestPatienceGrows(t *testing.T) {
	p := noted(64, time.Millisecond)
	inVain := 0
	for ; ; inVain++ {
		limit := p.Limit("host", s3api.GetObject, 1, 6, configured)
		if limit > 20*time.Second {
			break
		}
		if inVain == 10 {
			t.Fatalf("after %d waits in vain: got %v, want a limit that lets an answer of 20 s come", inVain, limit)
		}
		p.Note("host", s3api.GetObject, limit, true)
	}
	for range 64 + 16 {
		p.Note("host", s3api.GetObject, time.Millisecond, false)
	}
	if got, want := p.Limit("host", s3api.GetObject, 1, 6, configured), 2*time.Second; got != want {
		t.Errorf("once answers are fast again: got %v, want %v", got, want)
	}
}

// TestAnswerThatWillNotCome ends an attempt long before the configured limit
// where answers usually come at once: down, and up once the body is sent.
func TestAnswerThatWillNotCome(t *testing.T) {
	t.Parallel()
	data := content(1000)
	for name, job := range map[string]func() *driver.Job{
		"download": func() *driver.Job { return downloadJob("k", body.ToWriterAt(&writerAt{make([]byte, len(data))})) },
		"upload": func() *driver.Job {
			job := uploadJob("k", body.FromBytes(data))
			job.Threshold = 1 // in parts, of which there is one
			return job
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newBubble(t, engine.Options{})
				w.server.Put("b", "k", data, nil)
				for range 20 {
					if _, err := w.driver.Transfer(t.Context(), job(), &events{}); err != nil {
						t.Fatal(err)
					}
				}
				var held atomic.Bool
				w.trip = func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
					if op := opOf(r); op == "GetObject" || op == "UploadPart" {
						if !held.Swap(true) {
							return never(r)
						}
					}
					return next.RoundTrip(r)
				}
				began := time.Now()
				out, err := w.driver.Transfer(t.Context(), job(), &events{})
				if err != nil {
					t.Fatal(err)
				}
				if got, most := time.Since(began), 3*time.Second; got > most {
					t.Errorf("took %v, want at most %v: one wait of 2 s", got, most)
				}
				if out.ExtraRequests != 1 {
					t.Errorf("extra requests: got %d, want 1", out.ExtraRequests)
				}
			})
		})
	}
}

// never takes a request and doesn't answer.
func never(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

// TestSlowServerIsWaitedFor: one that has become slower than the limit that
// adapted is given the configured limit before anything fails.
func TestSlowServerIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newBubble(t, engine.Options{})
		w.server.Put("b", "k", content(1000), nil)
		slow := false
		w.trip = func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if slow {
				if err := pause(r.Context(), 29*time.Second); err != nil {
					return nil, err
				}
			}
			return next.RoundTrip(r)
		}
		tooLong := 0
		for i := range 40 {
			slow = i >= 20
			job := downloadJob("k", body.ToWriter(io.Discard))
			job.Retry.MaxAttempts = 3
			out, err := w.driver.Transfer(t.Context(), job, &events{})
			if err != nil {
				t.Fatalf("download %d: got %v, want that 29 s are waited for", i, err)
			}
			tooLong += int(out.ExtraRequests)
		}
		if tooLong > 10 {
			t.Errorf("answers of 29 s that were given up: got %d in 20 downloads, want that the limit grows", tooLong)
		}
	})
}

// TestConfiguredAnswerLimit is an upper bound, and the whole of it is there
// while nothing is known.
func TestConfiguredAnswerLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newBubble(t, engine.Options{})
		w.trip = func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		job := downloadJob("k", body.ToWriterAt(&writerAt{}))
		job.Limits.FirstByte, job.Retry.MaxAttempts = 7*time.Second, 2
		began := time.Now()
		_, err := w.driver.Transfer(t.Context(), job, &events{})
		var spent *driver.RetriesExceededError
		if !errors.As(err, &spent) {
			t.Fatalf("got %v, want that the attempts are used up", err)
		}
		if got, want := time.Since(began).Round(time.Second), 14*time.Second; got != want {
			t.Errorf("took %v, want %v: two attempts of 7 s", got, want)
		}
	})
}
