package managertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	haulengine "github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/testbody"
	"github.com/haul-s3/haul/serialize"
)

func testQueueFull(t *testing.T, w *world) {
	m := w.manager(func(o *haul.Options) { o.MaxQueued = 1 })
	release, blocked := w.fillQueue(m)
	defer release()
	// A call outside of hooks blocks until its context ends.
	if err := blocked; !errors.Is(err, haul.ErrCanceled) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Upload with a full queue: got %v, want ErrCanceled and the context's cause", err)
	}
	// In a hook it doesn't.
	inside := make(chan error, 1)
	cancelled := make(chan *haul.Future, 1)
	other := w.manager()
	f, err := other.Upload(w.ctx, haul.FromBytes(nil), w.put("hook"), haul.WithSubscribers(haul.SubscriberFuncs{
		Queued: func(f *haul.Future) error {
			var err error
			for i := 0; err == nil && i < 10_000; i++ { // turns may have come free meanwhile
				_, err = m.Upload(w.ctx, haul.FromBytes(nil), w.put("inside"))
			}
			inside <- err
			cancelled <- f
			return nil
		},
	}))
	if err != nil {
		t.Fatal(err)
	}
	var te *haul.TransferError
	if err := <-inside; !errors.Is(err, haul.ErrQueueFull) || !errors.As(err, &te) {
		t.Errorf("Upload in a hook with a full queue: got %v, want a *TransferError with ErrQueueFull", err)
	}
	(<-cancelled).Cancel()
	release()
	<-f.Done()
	// There is room again.
	w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(nil), w.put("room"))))
}

// fillQueue begins transfers whose requests the server holds until one has to
// wait for a place in the queue, and gives up when its context ends.
func (w *world) fillQueue(m *haul.Manager) (release func(), blocked error) {
	gate := make(chan struct{})
	w.intercept(func(_ string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
		select {
		case <-gate:
			next.ServeHTTP(rw, r)
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	})
	ended, cancel := context.WithTimeout(w.ctx, 0)
	defer cancel()
	for i := range 10_000 {
		in := &s3.DeleteObjectInput{Bucket: &w.Bucket, Key: ptr(fmt.Sprintf("queue-%d", i))}
		f, err := m.Delete(w.ctx, in)
		if err != nil {
			w.t.Fatal(err)
		}
		if f.Meta().Status() != haul.StatusQueued {
			continue
		}
		// Its place may be taken by now, or it waits; only then the next call does.
		if f, blocked = m.Delete(ended, in); blocked != nil {
			break
		}
		<-f.Done()
	}
	return sync.OnceFunc(func() { close(gate) }), blocked
}

func testManySmall(t *testing.T, w *world) {
	count := 2000
	if testing.Short() || w.engine.over != "" {
		count = 300
	}
	m := w.manager()
	key := func(i int) string { return fmt.Sprintf("%s/many/%d", w.engine.name, i) }
	wait := func(begin func(i int) (*haul.Future, error)) {
		t.Helper()
		all := make([]*haul.Future, count)
		for i := range all {
			f, err := begin(i)
			if err != nil {
				t.Fatal(err)
			}
			all[i] = f
		}
		for _, f := range all {
			w.must(f.Result(w.ctx))
		}
	}
	wait(func(i int) (*haul.Future, error) {
		return m.Upload(w.ctx, haul.FromBytes(data(int64(i%300))), w.put(key(i)))
	})
	got := make([]bytes.Buffer, count)
	wait(func(i int) (*haul.Future, error) { return m.Download(w.ctx, w.get(key(i)), haul.ToWriter(&got[i])) })
	for i := range got {
		same(t, key(i), got[i].Bytes(), int64(i%300))
	}
	wait(func(i int) (*haul.Future, error) {
		return m.Delete(w.ctx, &s3.DeleteObjectInput{Bucket: &w.Bucket, Key: ptr(key(i))})
	})
}

// hugeParts is the number of parts of the huge transfer, more than either
// engine has under way at once.
const hugeParts = 600

func testNoStarving(t *testing.T, w *world) {
	const smalls = 20
	m := w.manager()
	w.Fake.Synthetic(w.Bucket, "huge", hugeParts*part, seed)
	arrived := make(chan string, hugeParts+smalls)
	next := make(chan struct{})
	w.huge(arrived, next)
	f, err := m.Copy(w.ctx, &s3.CopyObjectInput{Bucket: &w.Bucket, Key: ptr("huge-copy"), CopySource: ptr(copySource(w.Bucket, "huge"))})
	if err != nil {
		t.Fatal(err)
	}
	<-arrived // it has begun
	var all []*haul.Future
	for i := range smalls {
		f, err := m.Upload(w.ctx, haul.FromBytes(data(100)), w.put(fmt.Sprintf("small-%d", i)))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	// Each part that is let go frees a lane, whose next request is awaited.
	released := 0
	for seen := 0; seen < smalls; {
		select {
		case next <- struct{}{}:
			released++
		case what := <-arrived:
			if what == "small" {
				seen++
			}
		}
		if released == hugeParts {
			t.Fatalf("all %d parts of the huge transfer went before the small ones", hugeParts)
		}
	}
	close(next)
	for _, f := range all {
		w.must(f.Result(w.ctx))
	}
	w.must(f.Result(w.ctx))
}

// huge answers for a server on which a copy of many parts takes no room: each
// part is told to arrived, and waits for next. Other uploads are told as small.
func (w *world) huge(arrived chan<- string, next <-chan struct{}) {
	w.intercept(func(op string, handler http.Handler, rw http.ResponseWriter, r *http.Request) {
		switch {
		case op == "PutObject":
			arrived <- "small"
			handler.ServeHTTP(rw, r)
		case op == "CreateMultipartUpload":
			fmt.Fprint(rw, `<InitiateMultipartUploadResult><UploadId>huge</UploadId></InitiateMultipartUploadResult>`)
		case op == "UploadPartCopy":
			select {
			case arrived <- "huge":
			case <-r.Context().Done():
				return
			}
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
			fmt.Fprint(rw, `<CopyPartResult><ETag>"0123456789abcdef0123456789abcdef"</ETag></CopyPartResult>`)
		case op == "CompleteMultipartUpload":
			_, _ = io.Copy(io.Discard, r.Body)
			fmt.Fprint(rw, `<CompleteMultipartUploadResult><ETag>"0123456789abcdef0123456789abcdef-600"</ETag></CompleteMultipartUploadResult>`)
		default:
			handler.ServeHTTP(rw, r)
		}
	})
}

func testBandwidth(t *testing.T, w *world) {
	m := w.manager(func(o *haul.Options) { o.MaxBandwidth = 64 << 20 })
	at := &memoryAt{b: make([]byte, big)}
	w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(bigData()), w.put("limited"))))
	var l hookLog
	down, err := m.Download(w.ctx, w.get("limited"), haul.ToWriterAt(at), haul.WithSubscribers(l.subscriber("a")))
	if err != nil {
		t.Fatal(err)
	}
	up, err := m.Upload(w.ctx, haul.FromReader(newPattern(big)), w.put("limited-too"))
	w.must(haul.Wait(up, err))
	w.must(down.Result(w.ctx))
	same(t, "limited", at.b, big)
	m.SetMaxBandwidth(0)
	w.must(haul.Wait(m.Download(w.ctx, w.get("limited-too"), haul.ToWriterAt(at))))
	// One that would take hours can be cancelled, and one that waits is freed
	// when the limit is lifted.
	m.SetMaxBandwidth(100)
	slow, err := m.Upload(w.ctx, haul.FromBytes(bigData()), w.put("slow"))
	if err != nil {
		t.Fatal(err)
	}
	freed, err := m.Upload(w.ctx, haul.FromBytes(data(small)), w.put("freed"))
	if err != nil {
		t.Fatal(err)
	}
	slow.Cancel()
	wantCanceled(t, "slow", slow, context.Canceled)
	m.SetMaxBandwidth(0)
	w.must(freed.Result(w.ctx))
}

func testMemoryLimit(t *testing.T, w *world) {
	if testing.Short() {
		t.Skip("takes more than a second")
	}
	const limit = 4 * part
	const size = 10 * part
	m := w.manager(func(o *haul.Options) { o.MemoryLimit = limit })
	t.Run("pipe", func(t *testing.T) { w.in(t).pipeWithin(m, limit, size) })
	t.Run("ordered-writer", func(t *testing.T) { w.in(t).writerWithin(m, limit, size) })
	if w.engine.name != "engine" {
		return
	}
	t.Run("stats", func(t *testing.T) {
		c, err := haulengine.New(haulengine.Options{MemoryLimit: limit})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(w.ctx)
		m, err := haul.NewManager(c, serialize.New(w.client()), func(o *haul.Options) { o.PartSize, o.MultipartThreshold = part, part })
		if err != nil {
			t.Fatal(err)
		}
		var most atomic.Int64
		sample := haul.SubscriberFuncs{Progress: func(*haul.Future, int64) {
			n := c.Stats().MemoryInUse
			for most.Load() < n && !most.CompareAndSwap(most.Load(), n) {
			}
		}}
		w.must(haul.Wait(m.Upload(w.ctx, haul.FromReader(io.MultiReader(newPattern(size))), w.put("stats"), haul.WithSubscribers(sample))))
		w.must(haul.Wait(m.Download(w.ctx, w.get("stats"), haul.ToWriter(io.Discard), haul.WithSubscribers(sample))))
		if err := m.Shutdown(w.ctx); err != nil {
			t.Fatal(err)
		}
		if n := most.Load(); n == 0 || n > limit {
			t.Errorf("most memory in use: got %d bytes, want more than 0 and at most %d", n, limit)
		}
		if n := c.Stats().MemoryInUse; n != 0 {
			t.Errorf("memory in use at the end: got %d bytes, want 0", n)
		}
	})
}

// pipeWithin uploads a stream of unknown length, and fails the test if more was
// ever read than was sent and may be held.
func (w *world) pipeWithin(m *haul.Manager, limit, size int64) {
	var sent, over atomic.Int64
	w.intercept(func(op string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
		if op == "UploadPart" { // its answer is what frees the room
			b, err := io.ReadAll(r.Body)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			r.Body = io.NopCloser(bytes.NewReader(b))
			sent.Add(r.ContentLength)
		}
		next.ServeHTTP(rw, r)
	})
	src := &countedReader{r: newPattern(size), each: func(read int64) {
		if ahead := read - sent.Load() - limit; ahead > over.Load() {
			over.Store(ahead)
		}
	}}
	w.must(haul.Wait(m.Upload(w.ctx, haul.FromReader(src), w.put("pipe"))))
	if n := over.Load(); n > 0 {
		w.t.Errorf("%d bytes more were read than were sent and may be held", n)
	}
	o, _ := w.Fake.Object(w.Bucket, "pipe")
	same(w.t, "pipe", o.Data, size)
}

// countedReader tells how many bytes were read. It belongs to one goroutine.
type countedReader struct {
	r    io.Reader
	read int64
	each func(read int64)
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.read += int64(n)
	c.each(c.read)
	return n, err
}

// writerWithin downloads to an ordered writer that is slow at first, and fails
// the test if more was ever asked for than was written and may be held.
func (w *world) writerWithin(m *haul.Manager, limit, size int64) {
	w.Fake.Synthetic(w.Bucket, "ordered", size, seed)
	var asked, written, over atomic.Int64
	several := make(chan struct{})
	var severalOnce sync.Once
	w.intercept(func(op string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
		var from, to int64
		if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to); op == "GetObject" && n == 2 {
			n := asked.Add(to + 1 - from)
			if n >= 2*part {
				severalOnce.Do(func() { close(several) })
			}
			if ahead := n - written.Load() - limit - part; ahead > over.Load() {
				over.Store(ahead)
			}
		}
		next.ServeHTTP(rw, r)
	})
	var first sync.Once
	off := int64(0)
	dst := writerFunc(func(p []byte) (int, error) {
		first.Do(func() { <-several })
		if bad, ok := testbody.Check(p, seed, off); !ok {
			return 0, fmt.Errorf("byte %d is not what it should be", bad)
		}
		off += int64(len(p))
		written.Store(off)
		return len(p), nil
	})
	w.must(haul.Wait(m.Download(w.ctx, w.get("ordered"), haul.ToWriter(dst))))
	if n := over.Load(); n > 0 {
		w.t.Errorf("%d bytes more were asked for than were written and may be held", n)
	}
	if off != size {
		w.t.Errorf("got %d bytes, want %d", off, size)
	}
}

// writerFunc is a writer made of a function.
type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
