package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/journal"
)

// exiting ends the goroutine that tells the at-th progress.
type exiting struct {
	events
	calls atomic.Int64
	at    int64
}

func (e *exiting) Progress(n int64) {
	e.events.Progress(n)
	if e.calls.Add(1) == e.at {
		runtime.Goexit()
	}
}

// errGone says that Transfer's own goroutine was ended.
var errGone = errors.New("the transfer's goroutine was ended")

// transfer is Transfer on a goroutine of its own.
func (w *world) transfer(ctx context.Context, job *driver.Job, ev driver.Events) error {
	ended := make(chan error, 1)
	go func() {
		err := errGone
		defer func() { ended <- err }()
		_, err = w.driver.Transfer(ctx, job, ev)
	}()
	return <-ended
}

// TestGoexit ends the goroutine of each progress of a download in turn, as
// t.FailNow in the caller's code does. Nothing else tells that bytes are
// missing: there is no checksum.
func TestGoexit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Options{})
	want := content(3<<20 + 7)
	w.server.Put("b", "k", want, nil)
	w.between(func(h http.Handler, rw http.ResponseWriter, r *http.Request) { h.ServeHTTP(&noChecksum{rw}, r) })
	for _, kind := range []string{"file", "kept", "ordered"} {
		t.Run(kind, func(t *testing.T) {
			for at := int64(1); ; at++ {
				dir, journals := t.TempDir(), t.TempDir()
				path := filepath.Join(dir, "f")
				job := downloadJob("k", body.ToFile(path, body.FileOptions{}))
				switch kind {
				case "kept":
					job = resumedDownload(body.OS{}, "k", path, journals)
					job.PartSize, job.Threshold = 1<<20, 1<<20
				case "ordered":
					job = downloadJob("k", body.ToWriter(newStream(len(want))))
				}
				ev := &exiting{at: at}
				err := w.transfer(t.Context(), job, ev)
				if ev.calls.Load() < at {
					if now, rerr := os.ReadFile(path); err != nil || kind != "ordered" && (rerr != nil || !bytes.Equal(now, want)) {
						t.Errorf("no goroutine ended: got %v, %d bytes (%v), want the object", err, len(now), rerr)
					}
					break
				}
				if err == nil {
					t.Errorf("progress %d: got success, want an error", at)
				}
				if names, _ := filepath.Glob(path + "*"); kind == "file" && len(names) > 0 {
					t.Errorf("progress %d: left behind %q", at, names)
				}
				if kind == "kept" {
					w.takenUp(t, fmt.Sprintf("progress %d", at), job, path, want)
				}
			}
		})
	}
}

// takenUp fails the test unless a second transfer may have the journal, and ends
// well.
func (w *world) takenUp(t *testing.T, what string, job *driver.Job, path string, want []byte) {
	t.Helper()
	err := w.transfer(t.Context(), job, &events{})
	if errors.Is(err, journal.ErrInUse) {
		t.Fatalf("%s: the journal is held by a transfer that is gone", what)
	}
	if now, rerr := os.ReadFile(path); err != nil || !bytes.Equal(now, want) {
		t.Errorf("%s: the second transfer: got %v, %d bytes (%v), want the object", what, err, len(now), rerr)
	}
	if names, _ := filepath.Glob(path + "?*"); len(names) > 0 {
		t.Errorf("%s: left behind %q", what, names)
	}
}

// noChecksum leaves the checksum out of an answer.
type noChecksum struct{ http.ResponseWriter }

func (n *noChecksum) WriteHeader(status int) {
	for name := range n.Header() {
		if strings.HasPrefix(name, "X-Amz-Checksum-") {
			n.Header().Del(name)
		}
	}
	n.ResponseWriter.WriteHeader(status)
}

// TestGoexitUpload does the same to uploads: no object appears, no upload, file
// or memory is left.
func TestGoexitUpload(t *testing.T) {
	if os.Getenv(overNetHTTP) != "" {
		t.Skip("the goroutine that ends is the transport's, and the part is sent again")
	}
	w := newWorld(t, engine.Options{})
	want := content(11 << 20)
	for name, src := range map[string]func() body.Source{
		"bytes":  func() body.Source { return body.FromBytes(want) },
		"stream": func() body.Source { return body.FromReader(&onlyReader{bytes.NewReader(want)}) },
	} {
		for _, at := range []int64{1, 20} {
			ev := &exiting{at: at}
			if err := w.transfer(t.Context(), uploadJob("k", src()), ev); err == nil {
				t.Errorf("%s, progress %d: got success, want an error", name, at)
			}
			if _, ok := w.server.Object("b", "k"); ok || len(w.server.Uploads()) > 0 {
				t.Errorf("%s, progress %d: object %t, uploads %v, want neither", name, at, ok, w.server.Uploads())
			}
		}
	}
}

type onlyReader struct{ r *bytes.Reader }

func (o *onlyReader) Read(p []byte) (int, error) { return o.r.Read(p) }
