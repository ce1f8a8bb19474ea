package managertest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul"
)

// lifecycleTests follow a transfer from its call to its end: hooks, progress,
// cancellation, shutdown, admission, load.
var lifecycleTests = []conformanceTest{
	{name: "hooks-of-a-success", run: testHooksOfSuccess},
	{name: "hooks-of-a-failure", run: testHooksOfFailure},
	{name: "hooks-of-a-cancelled-transfer", run: testHooksOfCancelled},
	{name: "hooks-of-a-transfer-that-never-started", run: testHooksOfWaiting},
	{name: "progress-over-retries", run: testProgressOverRetries},
	{name: "input-changed-in-on-queued", run: testInputInOnQueued},
	{name: "size-and-etag-provided", run: testProvided},
	{name: "values-of-the-caller", run: testValues},
	{name: "error-of-on-queued", run: testOnQueuedError},
	{name: "panic-in-each-hook", run: testPanics},
	{name: "goexit-in-on-progress", run: testGoexit},
	{name: "set-error-in-on-done", run: testSetError},
	{name: "outcome-before-the-end", run: testOutcomeBefore},
	{name: "cancel-is-true-once", run: testCancelOnce},
	{name: "cancel-at-each-request", run: testCancelAtEachRequest},
	{name: "cancel-by-context", run: testCancelByContext},
	{name: "cancel-in-the-middle-of-a-part", run: testCancelInPart},
	{name: "cancel-in-on-queued", run: testCancelInOnQueued},
	{name: "cancel-waits-for-the-callers-reader-and-writer", run: testCancelBlockedCaller},
	{name: "cancel-while-a-fifo-waits-for-its-other-end", run: testCancelBlockedFIFO},
	{name: "cancel-while-a-fifo-waits-for-bytes", run: testCancelMidFIFO},
	{name: "shutdown-waits", run: testShutdownWaits},
	{name: "shutdown-with-an-ended-context", run: testShutdownEnded},
	{name: "shutdown-now", run: testShutdownNow},
	{name: "calls-after-shutdown", run: testAfterShutdown},
	{name: "run", run: testRun},
	{name: "queue-full", run: testQueueFull},
	{name: "many-small-transfers", run: testManySmall},
	{name: "huge-does-not-starve-small", run: testNoStarving},
	{name: "bandwidth-limit", run: testBandwidth},
	{name: "memory-limit", run: testMemoryLimit},
}

// quiet keeps the panics that a test causes out of its output.
func quiet(o *haul.Options) { o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil)) }

func testHooksOfSuccess(t *testing.T, w *world) {
	m := w.manager()
	for _, o := range w.operations(t.TempDir()) {
		var l hookLog
		f, err := o.begin(w.ctx, m, haul.WithSubscribers(l.subscriber("a"), l.subscriber("b")), haul.WithSubscribers(l.subscriber("c")))
		w.must(haul.Wait(f, err))
		l.check(t, "a", "b", "c")
		o.right(t)
		checkProgress(t, &l, o, f)
		if f.Meta().Status() != haul.StatusSucceeded {
			t.Errorf("%s: status is %s, want succeeded", o.name, f.Meta().Status())
		}
	}
}

// checkProgress holds the amounts of a successful transfer to their rules.
func checkProgress(t *testing.T, l *hookLog, o operation, f *haul.Future) {
	t.Helper()
	sum, least, most := l.progress()
	if sum != o.size || f.Meta().Transferred() != o.size {
		t.Errorf("%s: sum of progress is %d, Transferred %d, want %d", o.name, sum, f.Meta().Transferred(), o.size)
	}
	if least < 0 && f.Meta().Operation() != "Download" {
		t.Errorf("%s: progress went back by %d", o.name, -least)
	}
	if most > slice && f.Meta().Operation() != "Copy" { // a copy's bytes are never seen
		t.Errorf("%s: got progress of %d bytes at once, want at most %d", o.name, most, slice)
	}
}

func testHooksOfFailure(t *testing.T, w *world) {
	m := w.manager()
	for _, o := range w.operations(t.TempDir()) {
		last := o.requests[len(o.requests)-1]
		w.intercept(func(op string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
			if op == last {
				refuse(rw, r, http.StatusForbidden, "AccessDenied")
				return
			}
			next.ServeHTTP(rw, r)
		})
		var l hookLog
		f, err := o.begin(w.ctx, m, haul.WithSubscribers(l.subscriber("a"), l.subscriber("b")))
		_, err = haul.Wait(f, err)
		var te *haul.TransferError
		if !errors.As(err, &te) || apiCode(err) != "AccessDenied" || errors.Is(err, haul.ErrCanceled) {
			t.Errorf("%s: got error %v, want a *TransferError with AccessDenied", o.name, err)
		}
		l.check(t, "a", "b")
		o.untouched(t)
		w.nothingOpen(t)
		if f.Meta().Status() != haul.StatusFailed {
			t.Errorf("%s: status is %s, want failed", o.name, f.Meta().Status())
		}
	}
}

func testHooksOfCancelled(t *testing.T, w *world) {
	m := w.manager()
	for _, o := range w.operations(t.TempDir()) {
		h := w.hold(o.requests[len(o.requests)-1], 1, false)
		var l hookLog
		f, err := o.begin(w.ctx, m, haul.WithSubscribers(l.subscriber("a"), l.subscriber("b")))
		if err != nil {
			t.Fatal(err)
		}
		<-h.reached
		f.Cancel()
		wantCanceled(t, o.name, f)
		l.check(t, "a", "b")
		o.untouched(t)
		w.nothingOpen(t)
	}
}

// wantCanceled fails the test unless a transfer was cancelled, for causes too.
func wantCanceled(t *testing.T, what string, f *haul.Future, causes ...error) {
	t.Helper()
	r, err := f.Result(context.Background())
	for _, cause := range append(causes, haul.ErrCanceled) {
		if !errors.Is(err, cause) {
			t.Errorf("%s: got result %v, error %v, want %v in it", what, r, err, cause)
		}
	}
	var te *haul.TransferError
	if !errors.As(err, &te) || f.Meta().Status() != haul.StatusCanceled {
		t.Errorf("%s: got a %T, status %s, want a *TransferError, canceled", what, err, f.Meta().Status())
	}
}

// crowd begins transfers, whose requests the server holds until the function it
// returns is called, until further ones must wait for their turn.
func (w *world) crowd(m *haul.Manager) (release func()) {
	gate := make(chan struct{})
	w.intercept(func(_ string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
		select {
		case <-gate:
			next.ServeHTTP(rw, r)
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	})
	for i := range 600 { // more than either engine runs at once, which is 512 at most
		if _, err := m.Delete(w.ctx, &s3.DeleteObjectInput{Bucket: &w.Bucket, Key: ptr("crowd-" + strconv.Itoa(i))}); err != nil {
			w.t.Fatal(err)
		}
	}
	return sync.OnceFunc(func() { close(gate) })
}

func testHooksOfWaiting(t *testing.T, w *world) {
	m := w.manager()
	all := w.operations(t.TempDir())
	release := w.crowd(m)
	defer release()
	for _, o := range all {
		var l hookLog
		f, err := o.begin(w.ctx, m, haul.WithSubscribers(l.subscriber("a"), l.subscriber("b")))
		if err != nil {
			t.Fatal(err)
		}
		if f.Meta().Status() != haul.StatusQueued {
			t.Fatalf("%s: status is %s, want queued", o.name, f.Meta().Status())
		}
		if !f.Cancel() {
			t.Errorf("%s: Cancel is false, want true", o.name)
		}
		wantCanceled(t, o.name, f)
		l.check(t, "a", "b")
		o.untouched(t)
	}
}

func testProgressOverRetries(t *testing.T, w *world) {
	m := w.manager()
	for _, o := range w.operations(t.TempDir()) {
		w.failOnce()
		var l hookLog
		f, err := o.begin(w.ctx, m, haul.WithSubscribers(l.subscriber("a")))
		r := w.must(haul.Wait(f, err))
		o.right(t)
		checkProgress(t, &l, o, f)
		if r.ExtraRequests == 0 {
			t.Errorf("%s: Result.ExtraRequests is 0 after retries", o.name)
		}
	}
}

// failOnce has the first request of each kind, and of each part, fail: with a
// 500 after its body was read, a GET after half of its answer was sent.
func (w *world) failOnce() {
	var mu sync.Mutex
	seen := map[string]int{} // guarded by mu
	w.intercept(func(op string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
		key := op + r.URL.Query().Get("partNumber")
		mu.Lock()
		seen[key]++
		n := seen[key]
		mu.Unlock()
		switch {
		case op == "GetObject" && n <= 2:
			next.ServeHTTP(&cutWriter{ResponseWriter: rw, left: slice + 100}, r)
		case n == 1 && op != "GetObject" && op != "HeadObject":
			refuse(rw, r, http.StatusInternalServerError, "InternalError")
		default:
			next.ServeHTTP(rw, r)
		}
	})
}

// cutWriter breaks the connection after a number of bytes of the body, or
// before the last byte.
type cutWriter struct {
	http.ResponseWriter
	left   int64
	length int64
}

func (c *cutWriter) WriteHeader(status int) {
	c.length, _ = strconv.ParseInt(c.Header().Get("Content-Length"), 10, 64) // 0: nothing to cut
	c.left = min(c.left, c.length-1)
	c.ResponseWriter.WriteHeader(status)
}

func (c *cutWriter) Write(p []byte) (int, error) {
	if c.length == 0 || int64(len(p)) <= c.left {
		c.left -= int64(len(p))
		return c.ResponseWriter.Write(p)
	}
	_, _ = c.ResponseWriter.Write(p[:c.left]) // it is broken off now anyhow
	_ = http.NewResponseController(c.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

func testInputInOnQueued(t *testing.T, w *world) {
	m := w.manager()
	change := haul.SubscriberFuncs{
		Queued: func(f *haul.Future) error {
			in := f.Meta().Input().(*s3.PutObjectInput)
			in.ContentType, in.Tagging = ptr("text/x-hook"), ptr("a=b")
			in.Metadata = map[string]string{"who": "hook"}
			in.ServerSideEncryption = types.ServerSideEncryptionAes256
			return nil
		},
		Progress: func(f *haul.Future, _ int64) {
			if err := f.Meta().Input().(*s3.PutObjectInput).Body; err != nil {
				t.Error("Input().Body is set")
			}
		},
	}
	for _, size := range []int64{small, big} {
		in := w.put("changed")
		in.Metadata = map[string]string{"who": "caller"}
		w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(size)), in, haul.WithSubscribers(change))))
		o, _ := w.object("changed")
		if o.Header.Get("Content-Type") != "text/x-hook" || o.Header.Get("X-Amz-Meta-Who") != "hook" || len(o.Tags) != 1 {
			t.Errorf("%d bytes: got headers %v, tags %v, want what OnQueued set", size, o.Header, o.Tags)
		}
		if in.ContentType != nil || in.Tagging != nil || in.Metadata["who"] != "caller" {
			t.Errorf("%d bytes: the caller's input was changed: %+v", size, in)
		}
	}
	for _, r := range w.requests() {
		if r.Op == "PutObject" || r.Op == "CreateMultipartUpload" {
			if r.Header.Get("X-Amz-Server-Side-Encryption") != "AES256" {
				t.Errorf("%s: the encryption that OnQueued set is not there", r.Op)
			}
		}
	}
}

func testProvided(t *testing.T, w *world) {
	m := w.manager()
	w.seed("known", bigData(), nil)
	known, _ := w.object("known")
	provide := func(size int64, etag string) haul.TransferOption {
		return haul.WithSubscribers(haul.SubscriberFuncs{
			Queued: func(f *haul.Future) error {
				f.Meta().ProvideSize(size)
				f.Meta().ProvideETag(etag)
				return nil
			},
			Progress: func(f *haul.Future, _ int64) { // too late
				f.Meta().ProvideSize(size + 1)
				f.Meta().ProvideETag("late")
			},
		})
	}
	at := &memoryAt{b: make([]byte, big)}
	f, err := m.Download(w.ctx, w.get("known"), haul.ToWriterAt(at), provide(big, known.ETag))
	w.must(haul.Wait(f, err))
	same(t, "known", at.b, big)
	if f.Meta().Size() != big || f.Meta().ETag() != known.ETag {
		t.Errorf("Meta: got size %d, ETag %s, want %d, %s", f.Meta().Size(), f.Meta().ETag(), big, known.ETag)
	}
	var modified *haul.ObjectModifiedError
	_, err = haul.Wait(m.Download(w.ctx, w.get("known"), haul.ToWriterAt(at), provide(big, `"0123456789abcdef0123456789abcdef"`)))
	if !errors.As(err, &modified) {
		t.Errorf("another ETag: got %v, want an *ObjectModifiedError", err)
	}
	_, err = haul.Wait(m.Download(w.ctx, w.get("known"), haul.ToWriterAt(at), provide(big+1, known.ETag)))
	if err == nil {
		t.Error("another size: got success, want an error")
	}
	w.forget() // these
	s, err := m.Upload(w.ctx, haul.FromReader(io.MultiReader(newPattern(small))), w.put("stream"), provide(small, ""))
	r := w.must(haul.Wait(s, err))
	if r.Requests != 1 || r.Size != small {
		t.Errorf("stream of a provided size: got %d bytes in %d requests, want %d in 1", r.Size, r.Requests, small)
	}
	for _, r := range w.requests() {
		if r.ContentLength != small {
			t.Errorf("stream of a provided size: got Content-Length %d, want %d", r.ContentLength, small)
		}
	}
}

func testValues(t *testing.T, w *world) {
	type key struct{}
	m := w.manager()
	got := make(chan any, 1)
	sub := haul.SubscriberFuncs{
		Queued: func(f *haul.Future) error { f.Meta().SetValue(key{}, "mine"); return nil },
		Done:   func(f *haul.Future) { got <- f.Meta().Value(key{}) },
	}
	for want := range uint64(3) {
		f, err := m.Upload(w.ctx, haul.FromBytes(nil), w.put(w.engine.name+"/value"), haul.WithSubscribers(sub))
		w.must(haul.Wait(f, err))
		if f.ID() != want || f.Meta().TransferID() != want {
			t.Errorf("id: got %d and %d, want %d", f.ID(), f.Meta().TransferID(), want)
		}
		if v := <-got; v != "mine" || f.Meta().Value("other") != nil {
			t.Errorf("value: got %v, want mine", v)
		}
	}
}
