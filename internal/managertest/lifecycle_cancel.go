package managertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/haul-s3/haul"
)

// cancelPoints are the requests at which a transfer is cancelled: before the
// server has done anything, or done, with only the answer missing. then says
// that the object may be there afterwards: what was done isn't taken back.
var cancelPoints = []struct {
	operation, request string
	n                  int32
	done, there        bool
}{
	{"upload", "PutObject", 1, false, false},
	{"upload", "PutObject", 1, true, true},
	{"upload-parts", "CreateMultipartUpload", 1, false, false},
	{"upload-parts", "CreateMultipartUpload", 1, true, false},
	{"upload-parts", "UploadPart", 1, false, false},
	{"upload-parts", "UploadPart", 3, true, false},
	{"upload-parts", "CompleteMultipartUpload", 1, false, false},
	{"upload-parts", "CompleteMultipartUpload", 1, true, true},
	{"upload-stream", "CreateMultipartUpload", 1, true, false},
	{"upload-stream", "UploadPart", 2, false, false},
	{"download", "GetObject", 1, false, false},
	{"download-parts", "GetObject", 1, false, false},
	{"download-parts", "GetObject", 2, false, false},
	{"download-ordered", "GetObject", 1, false, false},
	{"download-ordered", "GetObject", 2, false, false},
	{"copy", "HeadObject", 1, false, false},
	{"copy", "CopyObject", 1, false, false},
	{"copy", "CopyObject", 1, true, true},
	{"copy-parts", "HeadObject", 1, false, false},
	{"copy-parts", "CreateMultipartUpload", 1, false, false},
	{"copy-parts", "CreateMultipartUpload", 1, true, false},
	{"copy-parts", "UploadPartCopy", 1, false, false},
	{"copy-parts", "UploadPartCopy", 3, true, false},
	{"copy-parts", "CompleteMultipartUpload", 1, false, false},
	{"copy-parts", "CompleteMultipartUpload", 1, true, true},
	{"delete", "DeleteObject", 1, false, false},
}

func testCancelAtEachRequest(t *testing.T, w *world) {
	for _, c := range cancelPoints {
		moment := "before"
		if c.done {
			moment = "answer"
		}
		t.Run(c.operation+"-"+c.request+"-"+strconv.Itoa(int(c.n))+"-"+moment, func(t *testing.T) {
			w := w.in(t)
			m := w.manager()
			o := w.operation(c.operation)
			h := w.hold(c.request, c.n, c.done)
			f, err := o.begin(w.ctx, m)
			if err != nil {
				t.Fatal(err)
			}
			<-h.reached
			if !f.Cancel() {
				t.Error("Cancel: got false, want true")
			}
			if c.request == "CreateMultipartUpload" {
				close(h.release) // an upload whose id isn't known can't be aborted: its answer is awaited
			}
			wantCanceled(t, o.name, f, context.Canceled)
			if !c.there {
				o.untouched(t)
			}
			w.nothingOpen(t)
		})
	}
}

func testCancelByContext(t *testing.T, w *world) {
	m := w.manager()
	cause := errors.New("the caller has had enough")
	for _, o := range w.operations(t.TempDir()) {
		h := w.hold(o.requests[len(o.requests)-1], 1, false)
		ctx, cancel := context.WithCancelCause(w.ctx)
		f, err := o.begin(ctx, m)
		if err != nil {
			t.Fatal(err)
		}
		<-h.reached
		cancel(cause)
		wantCanceled(t, o.name, f, cause)
		if f.Cancel() {
			t.Errorf("%s: Cancel after the context's end: got true", o.name)
		}
		o.untouched(t)
		w.nothingOpen(t)
	}
	// A context that has ended before, and one that runs out of time.
	ctx, cancel := context.WithTimeout(w.ctx, 0)
	defer cancel()
	for _, o := range w.operations(t.TempDir()) {
		f, err := o.begin(ctx, m)
		if err == nil {
			_, err = f.Result(w.ctx)
		}
		if !errors.Is(err, haul.ErrCanceled) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s with an ended context: got %v, want ErrCanceled and the cause", o.name, err)
		}
		o.untouched(t)
	}
}

// tripwire is a source or a sink that calls a function once it is past an
// offset.
type tripwire struct {
	io.ReaderAt
	io.WriterAt
	past int64
	once sync.Once
	trip func()
}

func (s *tripwire) step(off int64) {
	if off >= s.past {
		s.once.Do(s.trip)
	}
}

func (s *tripwire) ReadAt(p []byte, off int64) (int, error) {
	s.step(off)
	return s.ReaderAt.ReadAt(p, off)
}

func (s *tripwire) WriteAt(p []byte, off int64) (int, error) {
	s.step(off)
	return s.WriterAt.WriteAt(p, off)
}

func testCancelInPart(t *testing.T, w *world) {
	const middle = part + part/2
	up := &tripwire{ReaderAt: bytes.NewReader(bigData()), past: middle}
	down := &tripwire{WriterAt: &memoryAt{b: make([]byte, big)}, past: middle}
	file := filepath.Join(t.TempDir(), "target")
	w.seed("middle", bigData(), nil)
	m := w.manager()
	for name, begin := range map[string]func(ctx context.Context, cancel func()) (*haul.Future, error){
		"upload": func(ctx context.Context, cancel func()) (*haul.Future, error) {
			up.trip = cancel
			return m.Upload(ctx, haul.FromReaderAt(up, big), w.put("middle-up"))
		},
		"upload-of-a-stream": func(ctx context.Context, cancel func()) (*haul.Future, error) {
			return m.Upload(ctx, haul.FromReader(&tripReader{r: newPattern(big), left: middle, trip: cancel}), w.put("middle-up"))
		},
		"upload-by-progress": func(ctx context.Context, cancel func()) (*haul.Future, error) {
			return m.Upload(ctx, haul.FromBytes(bigData()), w.put("middle-up"), haul.WithSubscribers(cancelAfter(middle)))
		},
		// The target is not touched and no object made after a cancel, however
		// late it was.
		"upload-by-its-last-progress": func(ctx context.Context, cancel func()) (*haul.Future, error) {
			return m.Upload(ctx, haul.FromBytes(bigData()), w.put("middle-up"), haul.WithSubscribers(cancelAfter(big)))
		},
		"download-to-a-file-by-its-last-progress": func(ctx context.Context, _ func()) (*haul.Future, error) {
			return m.Download(ctx, w.get("middle"), haul.ToFile(file), haul.WithSubscribers(cancelAfter(big)))
		},
		"download": func(ctx context.Context, cancel func()) (*haul.Future, error) {
			down.trip = cancel
			return m.Download(ctx, w.get("middle"), haul.ToWriterAt(down))
		},
		"download-to-a-file-by-progress": func(ctx context.Context, _ func()) (*haul.Future, error) {
			return m.Download(ctx, w.get("middle"), haul.ToFile(file), haul.WithSubscribers(cancelAfter(middle)))
		},
		"download-in-order": func(ctx context.Context, cancel func()) (*haul.Future, error) {
			return m.Download(ctx, w.get("middle"), haul.ToWriter(&tripWriter{left: middle, trip: cancel}))
		},
	} {
		ctx, cancel := context.WithCancel(w.ctx)
		f, err := begin(ctx, cancel)
		if err != nil {
			t.Fatal(err)
		}
		wantCanceled(t, name, f, context.Canceled)
		cancel()
		w.nothingOpen(t)
	}
	if _, ok := w.object("middle-up"); ok {
		t.Error("a cancelled upload has left an object")
	}
	onlyFile(t, filepath.Dir(file), "")
}

// cancelAfter cancels its transfer when so many bytes are done.
func cancelAfter(n int64) haul.Subscriber {
	return haul.SubscriberFuncs{Progress: func(f *haul.Future, _ int64) {
		if f.Meta().Transferred() >= n {
			f.Cancel()
		}
	}}
}

// tripReader calls a function once so many bytes were read.
type tripReader struct {
	r    io.Reader
	left int64
	trip func()
}

func (r *tripReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if r.left -= int64(n); r.left <= 0 {
		r.trip()
	}
	return n, err
}

// tripWriter calls a function once so many bytes were written.
type tripWriter struct {
	left int64
	trip func()
}

func (w *tripWriter) Write(p []byte) (int, error) {
	if w.left -= int64(len(p)); w.left <= 0 {
		w.trip()
	}
	return len(p), nil
}

func testCancelInOnQueued(t *testing.T, w *world) {
	m := w.manager()
	for _, o := range w.operations(t.TempDir()) {
		w.forget()
		var l hookLog
		cancel := haul.SubscriberFuncs{Queued: func(f *haul.Future) error {
			if !f.Cancel() {
				t.Errorf("%s: Cancel in OnQueued: got false", o.name)
			}
			return nil
		}}
		f, err := o.begin(w.ctx, m, haul.WithSubscribers(cancel, l.subscriber("a")))
		if err != nil {
			t.Fatal(err)
		}
		wantCanceled(t, o.name, f, context.Canceled)
		l.check(t, "a")
		o.untouched(t)
		if n := len(w.requests()); n != 0 {
			t.Errorf("%s: got %d requests, want none", o.name, n)
		}
	}
}

// stuck is a reader and a writer whose first call comes back only when it is
// let go.
type stuck struct {
	inside  atomic.Int32
	entered chan struct{}
	once    sync.Once
	letGo   chan struct{}
}

func newStuck() *stuck { return &stuck{entered: make(chan struct{}), letGo: make(chan struct{})} }

func (s *stuck) call(p []byte) (int, error) {
	s.inside.Add(1)
	defer s.inside.Add(-1)
	s.once.Do(func() { close(s.entered) })
	<-s.letGo
	return len(p), nil
}

func (s *stuck) Read(p []byte) (int, error) { return s.call(p) }

func (s *stuck) Write(p []byte) (int, error) { return s.call(p) }

func (s *stuck) ReadAt(p []byte, _ int64) (int, error) { return s.call(p) }

func (s *stuck) WriteAt(p []byte, _ int64) (int, error) { return s.call(p) }

func testCancelBlockedCaller(t *testing.T, w *world) {
	m := w.manager()
	w.seed("stuck", bigData(), nil)
	for name, begin := range map[string]func(s *stuck) (*haul.Future, error){
		"reader": func(s *stuck) (*haul.Future, error) {
			return m.Upload(w.ctx, haul.FromReader(io.MultiReader(s)), w.put("stuck-up"))
		},
		"reader-at": func(s *stuck) (*haul.Future, error) {
			return m.Upload(w.ctx, haul.FromReaderAt(s, big), w.put("stuck-up"))
		},
		"writer": func(s *stuck) (*haul.Future, error) {
			return m.Download(w.ctx, w.get("stuck"), haul.ToWriter(s))
		},
		"writer-at": func(s *stuck) (*haul.Future, error) {
			return m.Download(w.ctx, w.get("stuck"), haul.ToWriterAt(s))
		},
	} {
		s := newStuck()
		f, err := begin(s)
		if err != nil {
			t.Fatal(err)
		}
		<-s.entered
		f.Cancel()
		if f.IsDone() {
			t.Errorf("%s: the transfer is done while the caller's code is inside", name)
		}
		close(s.letGo)
		wantCanceled(t, name, f, context.Canceled)
		if n := s.inside.Load(); n != 0 {
			t.Errorf("%s: %d calls inside after the end, want 0", name, n)
		}
		w.nothingOpen(t)
	}
}

// testCancelMidFIFO cancels uploads from a FIFO whose writer has paused: before
// its first byte, and within the second part.
func testCancelMidFIFO(t *testing.T, w *world) {
	m := w.manager()
	for name, sent := range map[string]int64{"nothing": 0, "some": part + 1000} {
		path := filepath.Join(t.TempDir(), "fifo")
		if !makeFIFO(t, path) {
			return
		}
		f, err := m.Upload(w.ctx, haul.FromFile(path), w.put("fifo-mid"))
		if err != nil {
			t.Fatal(err)
		}
		other, err := os.OpenFile(path, os.O_WRONLY, 0) // returns when the upload reads, or is about to
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Write(data(sent)); err != nil {
			t.Error(err)
		}
		f.Cancel()
		wantCanceled(t, name, f, context.Canceled)
		w.nothingOpen(t)
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}
}

// enteringFS tells of the first file that is opened by its name.
type enteringFS struct {
	haul.OSFS
	entered chan struct{}
	once    sync.Once
}

func (f *enteringFS) Open(name string) (haul.File, error) {
	f.once.Do(func() { close(f.entered) })
	return f.OSFS.Open(name)
}

func (f *enteringFS) OpenWrite(name string) (haul.File, error) {
	f.once.Do(func() { close(f.entered) })
	return f.OSFS.OpenWrite(name)
}

// testCancelBlockedFIFO cancels transfers from and to a FIFO that has no other
// end, or one at which nobody reads or writes.
func testCancelBlockedFIFO(t *testing.T, w *world) {
	w.seed("fifo", bigData(), nil)
	w.seed("fifo-small", nil, nil)
	for name, begin := range map[string]func(m *haul.Manager, path string) (*haul.Future, error){
		"upload": func(m *haul.Manager, path string) (*haul.Future, error) {
			return m.Upload(w.ctx, haul.FromFile(path), w.put("fifo-up"))
		},
		"download": func(m *haul.Manager, path string) (*haul.Future, error) {
			return m.Download(w.ctx, w.get("fifo"), haul.ToFile(path))
		},
		"download-of-nothing": func(m *haul.Manager, path string) (*haul.Future, error) {
			return m.Download(w.ctx, w.get("fifo-small"), haul.ToFile(path))
		},
	} {
		for _, other := range []bool{false, true} {
			if other && name == "download-of-nothing" {
				continue // it doesn't wait
			}
			path := filepath.Join(t.TempDir(), "fifo")
			if !makeFIFO(t, path) {
				return
			}
			what := name
			if other {
				what += "-with-another-end"
				f, err := os.OpenFile(path, os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
			}
			fsys := &enteringFS{entered: make(chan struct{})}
			m := w.manager(func(o *haul.Options) { o.FS = fsys })
			f, err := begin(m, path)
			if err != nil {
				t.Fatal(err)
			}
			<-fsys.entered
			f.Cancel()
			wantCanceled(t, what, f, context.Canceled)
			onlyFile(t, filepath.Dir(path), "fifo")
			w.nothingOpen(t)
			if err := m.Shutdown(w.ctx); err != nil {
				t.Errorf("%s: shutdown: %v", what, err)
			}
		}
	}
}
