package engine_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/s3api"
)

// patience is how long a test waits for what should come at once.
const patience = 20 * time.Second

// event is something that happens once or more often.
type event struct {
	mu    sync.Mutex
	n     int64         // guarded by mu
	added chan struct{} // closed by the next add; nil: nobody waits; guarded by mu
}

// add has the event happen n times.
func (e *event) add(n int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.n += n
	if e.added != nil {
		close(e.added)
		e.added = nil
	}
}

func (e *event) load() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.n
}

// next is how often the event has happened, and is closed when it does again.
func (e *event) next() (int64, <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.added == nil {
		e.added = make(chan struct{})
	}
	return e.n, e.added
}

// wait waits until the event has happened n times.
func (e *event) wait(t *testing.T, what string, n int64) {
	end := time.After(patience)
	for {
		got, again := e.next()
		if got >= n {
			return
		}
		select {
		case <-again:
		case <-end:
			t.Errorf("%s: %d, want %d", what, e.load(), n)
			return
		}
	}
}

// newCountedWorld is newWorld with a server that tells of its connections.
func newCountedWorld(t *testing.T, o engine.Options, opened *event) *world {
	t.Helper()
	return newWorldOn(t, o, func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.add(1)
		}
	})
}

// isCreate says whether a request opens an upload.
func isCreate(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.Contains(r.URL.RawQuery, "uploads")
}

// beforeCreate has fn called before the answer to a Create.
func beforeCreate(w *world, fn func()) {
	w.between(func(h http.Handler, rw http.ResponseWriter, r *http.Request) {
		if isCreate(r) {
			fn()
		}
		h.ServeHTTP(rw, r)
	})
}

// readAt tells of what is read.
type readAt struct {
	io.ReaderAt
	read *event // bytes
}

func (r readAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.ReaderAt.ReadAt(p, off)
	r.read.add(int64(n))
	return n, err
}

// pipe is a stream that tells of what is read.
type pipe struct {
	io.Reader
	read   *event // bytes
	before func() // each Read; nil: nothing
}

func (p pipe) Read(b []byte) (int, error) {
	if p.before != nil {
		p.before()
	}
	n, err := p.Reader.Read(b)
	p.read.add(int64(n))
	return n, err
}

// TestCreateOverlaps holds CreateMultipartUpload back until parts were read,
// hashed (which reading a part to its end stands for) and connections opened.
func TestCreateOverlaps(t *testing.T) {
	const part = s3api.MinPartSize
	data := content(3*part + 1)
	for name, source := range map[string]func(read *event) body.Source{
		"positions": func(read *event) body.Source {
			return body.FromReaderAt(readAt{bytes.NewReader(data), read}, int64(len(data)))
		},
		"pipe": func(read *event) body.Source { return body.FromReader(pipe{Reader: bytes.NewReader(data), read: read}) },
	} {
		t.Run(name, func(t *testing.T) {
			var read, opened event
			w := newCountedWorld(t, engine.Options{}, &opened)
			beforeCreate(w, func() {
				read.wait(t, "bytes read before the answer to Create", 2*part)
				if os.Getenv(overNetHTTP) == "" {
					opened.wait(t, "connections opened before the answer to Create", 3)
				}
			})
			if _, err := w.driver.Transfer(t.Context(), uploadJob("k", source(&read)), &events{}); err != nil {
				t.Fatal(err)
			}
			if o, _ := w.server.Object("b", "k"); o == nil || !bytes.Equal(o.Data, data) {
				t.Error("the store has something else")
			}
		})
	}
}

// TestPipeConnectsWhileItIsRead has a pipe that gives nothing before the server
// has seen a connection, and wants the first request to go over that one.
func TestPipeConnectsWhileItIsRead(t *testing.T) {
	if os.Getenv(overNetHTTP) != "" {
		t.Skip("net/http opens connections for requests only")
	}
	var read, opened event
	w := newCountedWorld(t, engine.Options{}, &opened)
	source := pipe{strings.NewReader("something"), &read, func() { opened.wait(t, "connections", 1) }}
	if _, err := w.driver.Transfer(t.Context(), uploadJob("k", body.FromReader(source)), &events{}); err != nil {
		t.Fatal(err)
	}
	if n := opened.load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// TestCreateWithOneLane moves all over one lane and one connection: the lane is
// not kept while Create, which needs it, is waited for.
func TestCreateWithOneLane(t *testing.T) {
	data := content(3 * s3api.MinPartSize)
	for name, source := range map[string]body.Source{"positions": body.FromBytes(data), "pipe": body.FromReader(io.MultiReader(bytes.NewReader(data)))} {
		t.Run(name, func(t *testing.T) {
			var opened event
			w := newCountedWorld(t, engine.Options{MaxConnections: 1}, &opened)
			if _, err := w.driver.Transfer(t.Context(), uploadJob("k", source), &events{}); err != nil {
				t.Fatal(err)
			}
			if n := opened.load(); n != 1 && os.Getenv(overNetHTTP) == "" {
				t.Errorf("%d connections, want 1", n)
			}
		})
	}
}

// TestCreateKeepsToMaxConnections opens no more connections than there may be.
func TestCreateKeepsToMaxConnections(t *testing.T) {
	data := content(8 * s3api.MinPartSize)
	var opened, read event
	w := newCountedWorld(t, engine.Options{MaxConnections: 3}, &opened)
	beforeCreate(w, func() { read.wait(t, "bytes read", 2*s3api.MinPartSize) }) // Create has the third lane
	source := body.FromReaderAt(readAt{bytes.NewReader(data), &read}, int64(len(data)))
	if _, err := w.driver.Transfer(t.Context(), uploadJob("k", source), &events{}); err != nil {
		t.Fatal(err)
	}
	if n := opened.load(); n > 3 && os.Getenv(overNetHTTP) == "" {
		t.Errorf("%d connections, want 3 at the most", n)
	}
}

// TestCreateFails has it refused while parts are being made ready: its error is
// told, no part was sent, and nothing is left (newCountedWorld looks).
func TestCreateFails(t *testing.T) {
	const part = s3api.MinPartSize
	data := content(6 * part)
	for name, source := range map[string]func(read *event) body.Source{
		"positions": func(read *event) body.Source {
			return body.FromReaderAt(readAt{bytes.NewReader(data), read}, int64(len(data)))
		},
		"pipe": func(read *event) body.Source { return body.FromReader(pipe{Reader: bytes.NewReader(data), read: read}) },
	} {
		t.Run(name, func(t *testing.T) {
			var opened, read, parts event
			w := newCountedWorld(t, engine.Options{}, &opened)
			w.between(func(h http.Handler, rw http.ResponseWriter, r *http.Request) {
				if !isCreate(r) {
					parts.add(1)
				}
				read.wait(t, "bytes read before the refusal", 2*part)
				rw.WriteHeader(http.StatusForbidden)
			})
			ev := &events{}
			_, err := w.driver.Transfer(t.Context(), uploadJob("k", source(&read)), ev)
			var answer interface{ HTTPStatusCode() int }
			if !errors.As(err, &answer) || answer.HTTPStatusCode() != http.StatusForbidden {
				t.Errorf("got %v, want the refusal", err)
			}
			if n := parts.load(); n != 0 || ev.sum.Load() != 0 || len(w.server.Uploads()) != 0 {
				t.Errorf("%d other requests, progress %d, uploads %v, want none", n, ev.sum.Load(), w.server.Uploads())
			}
		})
	}
}

var errBroken = errors.New("the source is broken")

// brokenAt fails once before has returned.
type brokenAt struct {
	before func()
	failed *event
}

func (b brokenAt) ReadAt([]byte, int64) (int, error) {
	b.before()
	b.failed.add(1)
	return 0, errBroken
}

// TestSourceFailsBeforeCreate has the upload's id come when nobody wants it any
// more: the upload is aborted, and the source's error is told.
func TestSourceFailsBeforeCreate(t *testing.T) {
	var opened, asked, failed event
	w := newCountedWorld(t, engine.Options{}, &opened)
	beforeCreate(w, func() {
		asked.add(1)
		failed.wait(t, "reads of the source", 1)
	})
	source := brokenAt{func() { asked.wait(t, "Creates", 1) }, &failed}
	ev := &events{}
	_, err := w.driver.Transfer(t.Context(), uploadJob("k", body.FromReaderAt(source, 4*s3api.MinPartSize)), ev)
	if !errors.Is(err, errBroken) {
		t.Errorf("got %v, want %v", err, errBroken)
	}
	if ev.uploadID.Load() == nil || len(w.server.Uploads()) != 0 {
		t.Errorf("upload %v, left %v, want one that was aborted", ev.uploadID.Load(), w.server.Uploads())
	}
}
