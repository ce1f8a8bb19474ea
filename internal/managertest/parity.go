package managertest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	haulengine "github.com/haul-s3/haul/engine"
)

// parityTests are the rows of the comparison of s3transfer's two managers, the
// regular and the CRT one: what differs between them must not differ between
// haul's engines, so each row has a test that runs on both.
var parityTests = []conformanceTest{
	{name: "row-4.01-copy", shown: []string{"copy-and-delete", "copy-keeps-tags"}, run: testCopyInParallel},
	{name: "row-4.02-bandwidth-cap", shown: []string{"bandwidth-limit"}},
	{name: "row-4.03-options-are-honoured-or-refused", run: testOptionsHonoured},
	{name: "row-4.04-one-threshold", run: testThreshold},
	{name: "row-4.05-no-head-before-a-download", run: testNoHead},
	{name: "row-4.06-size-and-etag", shown: []string{"size-and-etag-provided"}},
	{name: "row-4.07-client-and-options", run: testClientIsTheCallers},
	{name: "row-4.08-error-of-a-cancel", shown: []string{"cancel-by-context"}},
	{name: "row-4.09-everything-from-the-client", run: both(testTwoServers, testOtherRegion)},
	{name: "row-4.10-process-lock", run: testProcessLock},
	{name: "row-4.11-admission", shown: []string{"queue-full"}},
	{name: "row-4.12-progress", shown: []string{"hooks-of-a-success", "progress-over-retries"}},
	{name: "row-4.13-on-queued", run: testOnQueuedGoroutine},
	{name: "row-4.14-on-done", shown: []string{"panic-in-each-hook", "set-error-in-on-done"}, run: testOnDoneTells},
	{name: "row-4.15-result-after-everything", shown: []string{"fault-04-result-comes-before-the-rename"}, run: testResultAfterHooks},
	{name: "row-4.16-sinks", run: testSinkContracts},
	{name: "row-4.17-sources", shown: []string{"fault-14-callers-reader-is-closed"}, run: testSourceOffset},
	{name: "row-4.18-special-files", shown: []string{"fault-10-special-file-is-replaced"}},
	{name: "row-4.19-default-checksum", shown: []string{"checksums-when-required"}},
	{name: "row-4.20-validation", shown: []string{"checksums", "damage-on-the-way-down"}},
	{name: "row-4.21-object-changes", run: testObjectChanges},
	{name: "row-4.22-content-range", run: testContentRange},
	{name: "row-4.23-retries", run: testOnePolicy},
	{name: "row-4.24-memory-limit", shown: []string{"memory-limit"}},
	{name: "row-4.25-pause-and-resume", run: testResume},
	{name: "row-4.26-input-is-copied", shown: []string{"fault-11-input-is-changed", "input-is-not-changed"}},
	{name: "row-4.27-anonymous", run: testAnonymous},
	{name: "row-4.28-s3-express", run: testExpress},
	{name: "row-4.29-multi-region-access-point", run: testMultiRegion},
	{name: "row-4.30-object-lambda", run: testObjectLambda},
	{name: "row-4.31-shutdown", shown: []string{"shutdown-with-an-ended-context", "shutdown-now"}},
	{name: "row-4.32-one-at-a-time", run: testOneAtATime},
	{name: "row-4.33-streams", shown: []string{"fault-20-stream-is-read-out-of-order", "memory-limit"}, run: testStreams},
	{name: "row-4.34-range-and-part-number", shown: []string{"range"}, run: testPartNumber},
}

// DecidedOtherwise are the rows whose target haul doesn't have, or not wholly,
// by the name of the row's test, with the reason. docs/semantics.md
// has it in short.
var DecidedOtherwise = map[string]string{
	"row-4.04-one-threshold": "There is no threshold of its own for downloads. A download's first request is the whole object's, " +
		"whatever its size, so a small object is one request under any threshold, and a second knob would change nothing that can be measured.",
	"row-4.07-client-and-options": "A Manager doesn't hand out its client or its options. Who made it has both: NewManager takes an " +
		"engine client, NewFromClient and NewClassic an S3 client, and an options value that could be read back would invite changing it.",
	"row-4.12-progress": "Granularity and interval can't be set. OnProgress comes at most once a slice (256 KiB), and who wants it " +
		"seldom polls Meta.Transferred instead, which costs no call at all.",
	"row-4.13-on-queued": "OnQueued runs on the caller's goroutine, not on one of the Manager's. A hook may change the input, and the " +
		"caller then sees the transfer as the hooks left it when the call returns; a goroutine for each waiting transfer is not needed.",
	"row-4.14-on-done": "OnDone gets the Future and no event of its own. Future.Outcome has the Result with its checksum and how it was " +
		"validated, Result.Output the SDK's own output, and the error status, code and request id.",
	"row-4.25-pause-and-resume": "Only haul's engine resumes. The plain SDK tells too little of what arrived; NewClassic refuses WithResume rather than begin without it.",
	"row-4.30-object-lambda":    "There is no option to allow Object Lambda. Its answers can't be read by ranges or compared with checksums; the SDK's own client serves.",
	"row-4.32-one-at-a-time": "There is no mode in which everything runs on the caller's goroutine. Options.Concurrency of 1 sends one " +
		"request at a time, and haul.Wait blocks; goroutines need no mode for debuggers.",
}

// both runs tests one after the other.
func both(tests ...func(*testing.T, *world)) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		for i, test := range tests {
			t.Run(strconv.Itoa(i+1), func(t *testing.T) { test(t, w.in(t)) })
		}
	}
}

func testCopyInParallel(t *testing.T, w *world) {
	m := w.manager()
	o := w.operation("copy-parts")
	var two sync.WaitGroup
	two.Add(2)
	var n atomic.Int32
	w.intercept(func(op string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
		if op == "UploadPartCopy" && n.Add(1) <= 2 { // each waits for the other
			two.Done()
			two.Wait()
		}
		next.ServeHTTP(rw, r)
	})
	f, err := o.begin(w.ctx, m)
	w.must(haul.Wait(f, err))
	o.right(t)
}

func testOptionsHonoured(t *testing.T, w *world) {
	// Part size, threshold, concurrency.
	m := w.manager(func(o *haul.Options) { o.PartSize, o.MultipartThreshold, o.Concurrency = part+1, 2*part, 2 })
	w.Fake.Reset()
	most := w.watchParallel()
	w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(3*part)), w.put("options"))))
	for _, r := range w.Fake.Requests() {
		if r.Op == "UploadPart" && r.Query.Get("partNumber") == "1" && r.ContentLength != part+1 {
			t.Errorf("PartSize: got %d bytes, want %d", r.ContentLength, part+1)
		}
	}
	if n := most.Load(); n > 2 {
		t.Errorf("Concurrency: got %d requests at once, want at most 2", n)
	}
	w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(2*part-1)), w.put("options"))))
	if n := w.Fake.Count("PutObject"); n != 1 {
		t.Errorf("MultipartThreshold: got %d PutObject, want 1", n)
	}
	// Parts kept.
	w.intercept(func(op string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
		if op == "CompleteMultipartUpload" {
			refuse(rw, r, http.StatusForbidden, "AccessDenied")
			return
		}
		next.ServeHTTP(rw, r)
	})
	keep := w.manager(func(o *haul.Options) { o.LeavePartsOnError = true })
	_, err := haul.Wait(keep.Upload(w.ctx, haul.FromBytes(bigData()), w.put("options")))
	var te *haul.TransferError
	if open := w.Fake.Uploads(); len(open) != 1 || !errors.As(err, &te) || te.UploadID != open[0].ID {
		t.Errorf("LeavePartsOnError: got uploads %v, error %v, want one upload and its id", open, err)
	}
	w.discardUploads()
	// What can't be honoured is refused.
	for name, fn := range map[string]func(o *haul.Options){
		"PartSize":          func(o *haul.Options) { o.PartSize = -1 },
		"Concurrency":       func(o *haul.Options) { o.Concurrency = -1 },
		"MaxBandwidth":      func(o *haul.Options) { o.MaxBandwidth = -1 },
		"MaxQueued":         func(o *haul.Options) { o.MaxQueued = -1 },
		"MaxAttempts":       func(o *haul.Options) { o.MaxAttempts = -1 },
		"StallTimeout":      func(o *haul.Options) { o.StallTimeout = -1 },
		"ChecksumAlgorithm": func(o *haul.Options) { o.ChecksumAlgorithm = "CRC99" },
	} {
		if _, err := w.engine.make(w.client(), fn); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("bad %s: got %v, want an error that names it", name, err)
		}
	}
	if _, err := haul.NewClassic(w.client(), func(o *haul.Options) { o.Engine = &haulengine.Options{} }); err == nil {
		t.Error("Options.Engine of NewClassic: got success, want an error")
	}
}

// watchParallel counts how many requests the server has at once, at most.
func (w *world) watchParallel() *atomic.Int32 {
	var now, most atomic.Int32
	w.intercept(func(_ string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		b, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(strings.NewReader(string(b)))
		now.Add(-1) // before the client can know of the answer
		next.ServeHTTP(rw, r)
	})
	return &most
}

func testThreshold(t *testing.T, w *world) {
	m := w.manager(func(o *haul.Options) { o.MultipartThreshold = 2 * part })
	for size, want := range map[int64]int{2*part - 1: 1, 2 * part: 2} {
		up := w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(size)), w.put("threshold"))))
		down := w.must(haul.Wait(m.Download(w.ctx, w.get("threshold"), haul.ToWriterAt(&memoryAt{b: make([]byte, size)}))))
		cp := w.must(haul.Wait(m.Copy(w.ctx, &s3.CopyObjectInput{Bucket: &w.Bucket, Key: ptr("threshold-copy"), CopySource: ptr(copySource(w.Bucket, "threshold"))})))
		if up.Parts != want || down.Parts != want || cp.Parts != want {
			t.Errorf("%d bytes: got %d parts up, %d down, %d copied, want %d", size, up.Parts, down.Parts, cp.Parts, want)
		}
	}
}

func testNoHead(t *testing.T, w *world) {
	m := w.manager()
	for _, size := range []int64{0, small, big} {
		w.Fake.Put(w.Bucket, "headless", data(size), nil)
		w.Fake.Reset()
		w.must(haul.Wait(m.Download(w.ctx, w.get("headless"), haul.ToWriter(io.Discard))))
		requests := w.Fake.Requests()
		if n := w.Fake.Count("GetObject"); n != len(requests) || size < part && n != 1 {
			t.Errorf("%d bytes: got %d requests, %d of them GetObject, want only these, and one for a small object", size, len(requests), n)
		}
	}
}

func testClientIsTheCallers(t *testing.T, w *world) {
	c := w.client(w.ownTransport)
	for range 2 { // one client serves two managers, one after the other and after each other's end
		m := w.managerOf(c)
		w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(small)), w.put("shared"))))
		if err := m.Shutdown(w.ctx); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.HeadObject(w.ctx, &s3.HeadObjectInput{Bucket: &w.Bucket, Key: ptr("shared")}); err != nil {
		t.Errorf("the client after the managers' end: %v", err)
	}
}

func testProcessLock(t *testing.T, w *world) {
	name := "haul-conformance-" + w.engine.name
	l, err := haul.AcquireProcessLock(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := haul.AcquireProcessLock(name); !errors.Is(err, haul.ErrLockHeld) {
		t.Errorf("second acquire: got %v, want ErrLockHeld", err)
	}
	// The lock is for those who want one: managers don't look at it.
	for range 2 {
		w.must(haul.Wait(w.manager().Upload(w.ctx, haul.FromBytes(nil), w.put(w.engine.name+"/locked"))))
	}
	if err := l.Release(); err != nil {
		t.Errorf("Release: %v", err)
	}
	if l, err = haul.AcquireProcessLock(name); err != nil {
		t.Fatalf("acquire after Release: %v", err)
	}
	if err := l.Release(); err != nil {
		t.Errorf("Release: %v", err)
	}
}

func testOnQueuedGoroutine(t *testing.T, w *world) {
	m := w.manager()
	calls := 0 // without a lock: the race detector would tell of another goroutine
	queued := haul.SubscriberFuncs{Queued: func(f *haul.Future) error {
		calls++
		if s := f.Meta().Status(); s != haul.StatusQueued {
			t.Errorf("status in OnQueued: got %s, want queued", s)
		}
		return nil
	}}
	for want := 2; want <= 6; want += 2 {
		f, err := m.Upload(w.ctx, haul.FromBytes(nil), w.put(w.engine.name+"/queued"), haul.WithSubscribers(queued, queued))
		if err != nil || calls != want {
			t.Errorf("when Upload returned: got %d calls of OnQueued, error %v, want %d", calls, err, want)
		}
		w.must(f.Result(w.ctx))
	}
}

func testOnDoneTells(t *testing.T, w *world) {
	m := w.manager()
	for _, o := range w.operations(t.TempDir()) {
		var r *haul.Result
		var err error
		f, berr := o.begin(w.ctx, m, haul.WithSubscribers(haul.SubscriberFuncs{Done: func(f *haul.Future) { r, err = f.Outcome() }}))
		got := w.must(haul.Wait(f, berr))
		if err != nil || r != got {
			t.Errorf("%s: Outcome in OnDone: got %v, %v, want the transfer's result", o.name, r, err)
			continue
		}
		if out, err := r.Output(); err != nil || out == nil {
			t.Errorf("%s: Output: got %v, %v, want the SDK's output", o.name, out, err)
		}
		if moved := o.name != "delete" && !strings.HasPrefix(o.name, "copy"); moved && (!r.Checksum.Validated || r.Checksum.Algorithm == "" || r.Checksum.How == "") {
			t.Errorf("%s: got checksum %+v, want it validated", o.name, r.Checksum)
		}
	}
	var failure error
	_, err := haul.Wait(m.Download(w.ctx, w.get("there-is-none"), haul.ToWriter(io.Discard), haul.WithSubscribers(haul.SubscriberFuncs{
		Done: func(f *haul.Future) { _, failure = f.Outcome() },
	})))
	var answer interface {
		HTTPStatusCode() int
		ServiceRequestID() string
	}
	if !errors.As(failure, &answer) || answer.HTTPStatusCode() != http.StatusNotFound || answer.ServiceRequestID() == "" || failure != err {
		t.Errorf("failure in OnDone: got %v, want status 404 and a request id in it", failure)
	}
}

func testResultAfterHooks(t *testing.T, w *world) {
	m := w.manager()
	inside, leave := make(chan struct{}), make(chan struct{})
	f, err := m.Upload(w.ctx, haul.FromBytes(nil), w.put(w.engine.name+"/after"), haul.WithSubscribers(haul.SubscriberFuncs{
		Done: func(*haul.Future) { close(inside); <-leave },
	}))
	if err != nil {
		t.Fatal(err)
	}
	<-inside
	if _, err := f.Outcome(); err != nil || f.IsDone() {
		t.Errorf("while OnDone runs: got outcome %v, IsDone %t, want success, false", err, f.IsDone())
	}
	close(leave)
	w.must(f.Result(w.ctx))
}

func testResume(t *testing.T, w *world) {
	m := w.manager()
	names := []string{"upload-parts"}
	if w.Wrap != nil { // a download comes too quickly to be stopped otherwise
		names = append(names, "download-parts")
	}
	for _, name := range names {
		o := w.operation(name)
		resume := haul.WithResume(t.TempDir())
		if w.engine.name == "classic" {
			_, err := o.begin(w.ctx, m, resume)
			var te *haul.TransferError
			if !errors.As(err, &te) || !strings.Contains(err.Error(), "resume") {
				t.Errorf("%s: got %v, want resuming refused at once", name, err)
			}
			continue
		}
		if w.Wrap != nil {
			w.intercept(hangGets)
		}
		f, err := o.begin(w.ctx, m, resume, haul.WithConcurrency(1), haul.WithSubscribers(cancelAfter(part+slice)))
		if err != nil {
			t.Fatal(err)
		}
		wantCanceled(t, name, f)
		if w.Wrap != nil {
			w.Wrap(nil)
		}
		f, err = o.begin(w.ctx, m, resume)
		r := w.must(haul.Wait(f, err))
		o.right(t)
		if r.Resumed < part || r.Size != big {
			t.Errorf("%s taken up again: got %d bytes resumed of %d, want at least %d of %d", name, r.Resumed, r.Size, part, big)
		}
		w.nothingOpen(t)
	}
}

// hangGets has an answer to a GET stop within its second part, or all of it
// might have come before a cancel is noticed.
func hangGets(op string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
	if op == "GetObject" {
		rw = &hangingWriter{rw, r.Context(), part + 2*slice}
	}
	next.ServeHTTP(rw, r)
}

func testOneAtATime(t *testing.T, w *world) {
	m := w.manager(func(o *haul.Options) { o.Concurrency = 1 })
	for _, o := range w.operations(t.TempDir()) {
		most := w.watchParallel()
		f, err := o.begin(w.ctx, m)
		w.must(haul.Wait(f, err))
		o.right(t)
		// An ordered writer's first lane reads while another one fetches what follows.
		if n := most.Load(); n > 1 {
			t.Errorf("%s: got %d requests at once, want 1", o.name, n)
		}
	}
}

func testStreams(t *testing.T, w *world) {
	m := w.manager()
	for _, size := range []int64{0, 1, part - 1, part, part + 1, big} {
		w.Fake.Reset()
		w.must(haul.Wait(m.Upload(w.ctx, haul.FromReader(io.MultiReader(newPattern(size))), w.put("streams"))))
		o, _ := w.Fake.Object(w.Bucket, "streams")
		same(t, fmt.Sprintf("stream of %d bytes", size), o.Data, size)
		if n := len(w.Fake.Requests()); size < part && n != 1 {
			t.Errorf("stream of %d bytes: got %d requests, want 1", size, n)
		}
	}
}
