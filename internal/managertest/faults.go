package managertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"weak"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"github.com/haul-s3/haul"
)

// faultTests are the known faults of Python's s3transfer 0.17, regular and CRT,
// one test each that shows that haul hasn't got it. docs/from-s3transfer.md
// lists them for users, under the same numbers.
var faultTests = []conformanceTest{
	{name: "fault-01-shutdown-with-cancel-raises", shown: []string{"shutdown-now"}},
	{name: "fault-02-file-layer-cannot-be-given", run: testFileLayer},
	{name: "fault-03-error-of-the-rename-is-lost", run: testRenameFails},
	{name: "fault-04-result-comes-before-the-rename", run: testResultAfterRename},
	{name: "fault-05-panic-in-on-done-hangs-shutdown", run: testDonePanics},
	{name: "fault-06-two-bad-hooks-leak-a-slot", run: testBothHooksBad},
	{name: "fault-07-failed-serialization-is-never-done", run: testSerializationFails},
	{name: "fault-08-transfers-are-kept-for-ever", run: testNothingKept},
	{name: "fault-09-interrupted-shutdown-is-swallowed", shown: []string{"shutdown-with-an-ended-context"}},
	{name: "fault-10-special-file-is-replaced", run: testSpecialFiles},
	{name: "fault-11-input-is-changed", run: testInputServesAgain},
	{name: "fault-12-cancel-before-the-start-deadlocks", run: testCancelThenSetError},
	{name: "fault-13-waiting-stops-at-the-first-failure", run: testWaitsPastFailure},
	{name: "fault-14-callers-reader-is-closed", run: testNothingClosed},
	{name: "fault-15-abort-lacks-payer-and-owner", run: testAbortHeaders},
	{name: "fault-16-owner-of-the-target-on-the-source", run: testCopyOwners},
	{name: "fault-17-copy-in-parts-loses-metadata", run: testCopyKeeps},
	{name: "fault-18-stream-ends-at-part-10000", run: testGrowingParts},
	{name: "fault-19-broken-answer-is-not-retried", run: testBrokenAnswers},
	{name: "fault-20-stream-is-read-out-of-order", run: testStreamInOrder},
	{name: "fault-21-error-in-a-200-is-success", run: test200WithError},
}

// tellingFS is the system's file layer; it counts calls and may interfere.
type tellingFS struct {
	haul.OSFS
	opens, temps, renames, removes atomic.Int32
	rename                         func() error // before the rename; nil: nothing
}

func (f *tellingFS) Open(name string) (haul.File, error) {
	f.opens.Add(1)
	return f.OSFS.Open(name)
}

func (f *tellingFS) CreateTemp(dir, prefix string) (haul.File, error) {
	f.temps.Add(1)
	return f.OSFS.CreateTemp(dir, prefix)
}

func (f *tellingFS) Rename(from, to string) error {
	f.renames.Add(1)
	if f.rename != nil {
		if err := f.rename(); err != nil {
			return err
		}
	}
	return f.OSFS.Rename(from, to)
}

func (f *tellingFS) Remove(name string) error {
	f.removes.Add(1)
	return f.OSFS.Remove(name)
}

// upAndDown uploads a file of a size and returns the path for a download of it.
func (w *world) upAndDown(m *haul.Manager, key string, size int64) (path string) {
	w.t.Helper()
	dir := w.t.TempDir()
	from := filepath.Join(dir, "from")
	if err := os.WriteFile(from, data(size), 0o666); err != nil {
		w.t.Fatal(err)
	}
	w.must(m.UploadFile(w.ctx, from, w.Bucket, key))
	to := filepath.Join(dir, "to")
	if err := os.Mkdir(to, 0o777); err != nil {
		w.t.Fatal(err)
	}
	return filepath.Join(to, "target")
}

func testFileLayer(t *testing.T, w *world) {
	layer := &tellingFS{}
	m := w.manager(func(o *haul.Options) { o.FS = layer })
	path := w.upAndDown(m, w.engine.name+"/layer", part+1)
	w.must(m.DownloadFile(w.ctx, w.Bucket, w.engine.name+"/layer", path))
	if o, c, r := layer.opens.Load(), layer.temps.Load(), layer.renames.Load(); o != 1 || c != 1 || r != 1 {
		t.Errorf("file layer: got %d opens, %d temporary files, %d renames, want 1 of each", o, c, r)
	}
}

func testRenameFails(t *testing.T, w *world) {
	refused := &fs.PathError{Op: "rename", Path: "target", Err: fs.ErrPermission}
	layer := &tellingFS{rename: func() error { return refused }}
	m := w.manager(func(o *haul.Options) { o.FS = layer })
	for _, size := range []int64{0, small, part + 1} {
		path := w.upAndDown(m, w.engine.name+"/rename", size)
		if err := os.WriteFile(path, old, 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := m.DownloadFile(w.ctx, w.Bucket, w.engine.name+"/rename", path)
		if !errors.Is(err, refused) {
			t.Errorf("%d bytes: got %v, want %v", size, err, refused)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, old) {
			t.Errorf("%d bytes: the old file was touched (%v)", size, err)
		}
		onlyFile(t, filepath.Dir(path), "target")
		// A folder in the place of the target is refused at once.
		if _, err := m.DownloadFile(w.ctx, w.Bucket, w.engine.name+"/rename", filepath.Dir(path)); err == nil {
			t.Error("download to a folder: got success, want an error")
		}
	}
}

func testResultAfterRename(t *testing.T, w *world) {
	reached, release := make(chan struct{}), make(chan struct{})
	layer := &tellingFS{rename: func() error {
		close(reached)
		<-release
		return nil
	}}
	m := w.manager(func(o *haul.Options) { o.FS = layer })
	path := w.upAndDown(m, w.engine.name+"/after-rename", small)
	var onDone []byte
	sub := haul.SubscriberFuncs{Done: func(*haul.Future) { onDone, _ = os.ReadFile(path) }}
	f, err := m.Download(w.ctx, w.get(w.engine.name+"/after-rename"), haul.ToFile(path), haul.WithSubscribers(sub))
	if err != nil {
		t.Fatal(err)
	}
	<-reached
	if _, err := f.Outcome(); f.IsDone() || !errors.Is(err, haul.ErrNotDone) {
		t.Errorf("before the rename: got IsDone %t, outcome %v, want ErrNotDone", f.IsDone(), err)
	}
	close(release)
	w.must(f.Result(w.ctx))
	same(t, "file in OnDone", onDone, small)
}

func testDonePanics(t *testing.T, w *world) {
	bad := haul.SubscriberFuncs{Done: func(*haul.Future) { panic("on purpose") }}
	m := w.manager(quiet, func(o *haul.Options) { o.MaxQueued = 2 })
	for range 300 { // more than run at once: a slot that is never given back shows
		if _, err := m.Upload(w.ctx, haul.FromBytes(nil), w.put(w.engine.name+"/done-panics"), haul.WithSubscribers(bad)); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Shutdown(w.ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func testBothHooksBad(t *testing.T, w *world) {
	refused := errors.New("refused")
	var done atomic.Int32
	bad := haul.SubscriberFuncs{
		Queued: func(*haul.Future) error { return refused },
		Done:   func(*haul.Future) { done.Add(1); panic("on purpose") },
	}
	m := w.manager(quiet, func(o *haul.Options) { o.MaxQueued = 1 })
	for range 300 {
		f, err := m.Upload(w.ctx, haul.FromBytes(nil), w.put("both"), haul.WithSubscribers(bad))
		if _, err = haul.Wait(f, err); !errors.Is(err, refused) {
			t.Fatalf("got %v, want %v", err, refused)
		}
	}
	if n := done.Load(); n != 300 {
		t.Errorf("OnDone: got %d calls, want 300", n)
	}
	if err := m.Shutdown(w.ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func testSerializationFails(t *testing.T, w *world) {
	broken := errors.New("the request can't be formed")
	m := w.manager()
	fail := haul.WithS3Options(func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, func(*middleware.Stack) error { return broken })
	})
	set := errors.New("set in OnDone")
	for _, size := range []int64{small, part + 1} {
		var inHook error
		hook := haul.SubscriberFuncs{Done: func(f *haul.Future) { inHook = f.SetError(errors.Join(set, broken)) }}
		f, err := m.Upload(w.ctx, haul.FromBytes(data(size)), w.put("never"), fail, haul.WithSubscribers(hook))
		_, err = haul.Wait(f, err)
		if !errors.Is(err, broken) || !errors.Is(err, set) || inHook != nil || !f.IsDone() {
			t.Errorf("%d bytes: got %v, SetError %v, done %t, want %v and %v", size, err, inHook, f.IsDone(), broken, set)
		}
	}
}

func testNothingKept(t *testing.T, w *world) {
	m := w.manager()
	var kept []weak.Pointer[haul.Future]
	begin := func() {
		f, err := m.Upload(w.ctx, haul.FromBytes(nil), w.put(w.engine.name+"/kept"))
		w.must(haul.Wait(f, err))
		kept = append(kept, weak.Make(f))
	}
	for range 50 {
		begin()
	}
	alive := 0
	for range 100 { // goroutines that have just ended may hold some still
		runtime.GC()
		alive = 0
		for _, p := range kept {
			if p.Value() != nil {
				alive++
			}
		}
		if alive <= 1 {
			return // the last one may be on a stack
		}
		runtime.Gosched()
	}
	t.Errorf("%d of %d transfers are in memory after their end", alive, len(kept))
}

func testSpecialFiles(t *testing.T, w *world) {
	m := w.manager()
	key := w.engine.name + "/special"
	w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(big)), w.put(key))))
	w.must(m.DownloadFile(w.ctx, w.Bucket, key, os.DevNull))
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%s after a download to it: %v, %v, want the device", os.DevNull, info, err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "fifo")
	if !makeFIFO(t, path) {
		return
	}
	got := make(chan []byte, 1)
	go func() {
		b, _ := os.ReadFile(path) // what is missing shows below
		got <- b
	}()
	w.must(m.DownloadFile(w.ctx, w.Bucket, key, path))
	same(t, "fifo", <-got, big)
	onlyFile(t, dir, "fifo")
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		t.Errorf("after a download to it: %v, %v, want a FIFO", info, err)
	}
	// And the way up.
	go func() { _ = os.WriteFile(path, data(small), 0) }()
	w.must(m.UploadFile(w.ctx, path, w.Bucket, key))
	var b bytes.Buffer
	w.must(haul.Wait(m.Download(w.ctx, w.get(key), haul.ToWriter(&b))))
	same(t, "upload of a fifo", b.Bytes(), small)
}

func testInputServesAgain(t *testing.T, w *world) {
	m := w.manager()
	w.seed("unchanged", bigData(), nil)
	put := func() *s3.PutObjectInput {
		in := w.put("unchanged-up")
		in.Metadata = map[string]string{"a": "b"}
		return in
	}
	get := func() *s3.GetObjectInput { return w.get("unchanged") }
	cp := func() *s3.CopyObjectInput {
		return &s3.CopyObjectInput{Bucket: &w.Bucket, Key: ptr("unchanged-copy"), CopySource: ptr(copySource(w.Bucket, "unchanged")),
			Metadata: map[string]string{"a": "b"}, MetadataDirective: "REPLACE"}
	}
	del := func() *s3.DeleteObjectInput {
		return &s3.DeleteObjectInput{Bucket: &w.Bucket, Key: ptr("unchanged-copy")}
	}
	p, g, c, d := put(), get(), cp(), del()
	for range 2 { // the same input serves again
		w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(small)), p)))
		w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(bigData()), p)))
		w.must(haul.Wait(m.Download(w.ctx, g, haul.ToWriter(io.Discard))))
		w.must(haul.Wait(m.Copy(w.ctx, c)))
		w.must(haul.Wait(m.Delete(w.ctx, d)))
	}
	for _, pair := range [][2]any{{p, put()}, {g, get()}, {c, cp()}, {d, del()}} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("input: got %+v after the transfers, want %+v", pair[0], pair[1])
		}
	}
}

func testCancelThenSetError(t *testing.T, w *world) {
	m := w.manager()
	own := errors.New("set in OnDone")
	release := w.crowd(m)
	defer release()
	f, err := m.Upload(w.ctx, haul.FromBytes(nil), w.put("waiting"), haul.WithSubscribers(haul.SubscriberFuncs{
		Done: func(f *haul.Future) {
			if f.Cancel() {
				t.Error("Cancel in OnDone: got true")
			}
			if err := f.SetError(own); err != nil {
				t.Errorf("SetError in OnDone: %v", err)
			}
		},
	}))
	if err != nil {
		t.Fatal(err)
	}
	f.Cancel()
	if _, err := f.Result(w.ctx); !errors.Is(err, own) {
		t.Errorf("got %v, want %v", err, own)
	}
}

func testWaitsPastFailure(t *testing.T, w *world) {
	m := w.manager()
	o := w.operation("upload-parts")
	h := w.hold("UploadPart", 1, false)
	failed, err := m.Download(w.ctx, w.get("there-is-none"), haul.ToWriter(io.Discard))
	if _, err = haul.Wait(failed, err); !isNoSuchKey(err) {
		t.Fatalf("got %v, want NoSuchKey", err)
	}
	for range 3 {
		if _, err := m.Download(w.ctx, w.get("there-is-none"), haul.ToWriter(io.Discard)); err != nil {
			t.Fatal(err)
		}
	}
	f, err := o.begin(w.ctx, m)
	if err != nil {
		t.Fatal(err)
	}
	<-h.reached
	down := make(chan error, 1)
	go func() { down <- m.Shutdown(w.ctx) }()
	close(h.release)
	if err := <-down; err != nil || !f.IsDone() {
		t.Errorf("Shutdown: got %v, transfer done %t, want nil, true", err, f.IsDone())
	}
	o.right(t)
}

// closing counts how often it is closed.
type closing struct {
	io.Reader
	io.ReaderAt
	io.Writer
	io.WriterAt
	closed atomic.Int32
}

func (c *closing) Close() error {
	c.closed.Add(1)
	return nil
}

func testNothingClosed(t *testing.T, w *world) {
	m := w.manager()
	key := w.engine.name + "/closing"
	for _, size := range []int64{0, small, part + 1} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "f"), data(size), 0o666); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(filepath.Join(dir, "f"))
		if err != nil {
			t.Fatal(err)
		}
		c := &closing{Reader: newPattern(size), ReaderAt: bytes.NewReader(data(size)), Writer: io.Discard, WriterAt: &memoryAt{b: make([]byte, size)}}
		pipe := struct {
			io.Reader
			io.Closer
		}{c.Reader, c}
		w.must(haul.Wait(m.Upload(w.ctx, haul.FromReader(pipe), w.put(key))))
		w.must(haul.Wait(m.Upload(w.ctx, haul.FromReaderAt(c, size), w.put(key))))
		w.must(haul.Wait(m.Upload(w.ctx, haul.FromReader(file), w.put(key))))
		w.must(haul.Wait(m.Download(w.ctx, w.get(key), haul.ToWriter(c))))
		w.must(haul.Wait(m.Download(w.ctx, w.get(key), haul.ToWriterAt(c))))
		if n := c.closed.Load(); n != 0 {
			t.Errorf("%d bytes: what the caller gave was closed %d times", size, n)
		}
		if err := file.Close(); err != nil { // it was open until now
			t.Errorf("%d bytes: close of the caller's file: %v", size, err)
		}
	}
}

func testAbortHeaders(t *testing.T, w *world) {
	m := w.manager()
	w.intercept(func(op string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
		if op == "UploadPart" {
			refuse(rw, r, http.StatusForbidden, "AccessDenied")
			return
		}
		next.ServeHTTP(rw, r)
	})
	in := w.put("abort")
	in.RequestPayer, in.ExpectedBucketOwner = "requester", ptr("123456789012")
	_, err := haul.Wait(m.Upload(w.ctx, haul.FromBytes(bigData()), in))
	if apiCode(err) != "AccessDenied" {
		t.Errorf("got %v, want AccessDenied", err)
	}
	w.nothingOpen(t)
	aborts := 0
	for _, r := range w.Fake.Requests() {
		if r.Op != "AbortMultipartUpload" {
			continue
		}
		aborts++
		if r.Header.Get("X-Amz-Request-Payer") != "requester" || r.Header.Get("X-Amz-Expected-Bucket-Owner") != "123456789012" {
			t.Errorf("abort: got headers %v, want payer and owner", r.Header)
		}
	}
	if aborts == 0 {
		t.Error("there was no abort")
	}
	// An abort that fails is told, with the id of what is left.
	w.intercept(func(op string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
		if op == "UploadPart" || op == "AbortMultipartUpload" {
			refuse(rw, r, http.StatusForbidden, "AccessDenied")
			return
		}
		next.ServeHTTP(rw, r)
	})
	_, err = haul.Wait(m.Upload(context.WithoutCancel(w.ctx), haul.FromBytes(bigData()), in))
	var te *haul.TransferError
	open := w.Fake.Uploads()
	if len(open) != 1 || !errors.As(err, &te) || te.UploadID != open[0].ID || !strings.Contains(strings.ToLower(err.Error()), "abort") {
		t.Errorf("got %v, uploads %v, want the failed abort and the upload's id in the error", err, open)
	}
	w.discardUploads()
}
