package haul_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/driver"
)

// fakeDriver is the unit's own seam: each transfer does what the test says.
type fakeDriver struct {
	parallel int
	do       func(ctx context.Context, job *driver.Job, ev driver.Events) (*driver.Outcome, error)
	started  atomic.Int32
	closed   atomic.Int32
	forget   bool // keep no jobs

	mu   sync.Mutex
	jobs []*driver.Job // guarded by mu
}

func (d *fakeDriver) Transfer(ctx context.Context, job *driver.Job, ev driver.Events) (*driver.Outcome, error) {
	d.started.Add(1)
	if !d.forget {
		d.mu.Lock()
		d.jobs = append(d.jobs, job)
		d.mu.Unlock()
	}
	if d.do == nil {
		return &driver.Outcome{}, nil
	}
	return d.do(ctx, job, ev)
}

func (d *fakeDriver) Parallel() int { return d.parallel }

func (d *fakeDriver) Close(context.Context) error {
	d.closed.Add(1)
	return nil
}

// untilCanceled is a transfer that only a cancel ends.
func untilCanceled(ctx context.Context, _ *driver.Job, _ driver.Events) (*driver.Outcome, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func newManager(t *testing.T, d *fakeDriver, optFns ...func(*haul.Options)) *haul.Manager {
	t.Helper()
	if d.parallel == 0 {
		d.parallel = 4
	}
	m, err := haul.NewOnDriver(d, optFns...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func put() *s3.PutObjectInput {
	return &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String("key")}
}

func upload(t *testing.T, m *haul.Manager, subs ...haul.Subscriber) *haul.Future {
	t.Helper()
	f, err := m.Upload(t.Context(), haul.FromBytes([]byte("hello")), put(), haul.WithSubscribers(subs...))
	if err != nil {
		t.Fatalf("Upload: %v", err)
	}
	return f
}

func shutdown(t *testing.T, m *haul.Manager) {
	t.Helper()
	if err := m.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown: got %v, want nil", err)
	}
	if n := haul.Active(m); n != 0 {
		t.Errorf("transfers the Manager knows after Shutdown: got %d, want 0", n)
	}
}

func wantErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
	var te *haul.TransferError
	if got != nil && !errors.As(got, &te) {
		t.Errorf("%s: got a %T, want a *TransferError", what, got)
	}
}

func wantSteps(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("steps: got %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("steps: got %q, want %q", got, want)
		}
	}
}

// steps is a list that hooks on several goroutines add to.
type steps struct {
	mu   sync.Mutex
	list []string // guarded by mu
}

func (s *steps) add(step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, step)
}

func (s *steps) get() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.list...)
}

func TestResultHasWhatTheDriverTold(t *testing.T) {
	d := &fakeDriver{do: func(_ context.Context, _ *driver.Job, ev driver.Events) (*driver.Outcome, error) {
		ev.Found(5, `"etag"`)
		ev.Open("upload")
		ev.Progress(5)
		o := &driver.Outcome{ETag: `"etag"`, VersionID: "v", Size: 5, ContentType: "text/plain", Parts: 2,
			Checksum: driver.Checksum{Algorithm: "CRC32", Type: "FULL_OBJECT", Value: "AAAAAA==", Validated: true, How: "so"},
			Counters: driver.Counters{Requests: 3, ExtraRequests: 2, ExtraBytes: 1}}
		o.Output = func() (any, error) { return &s3.PutObjectOutput{}, nil }
		return o, nil
	}}
	m := newManager(t, d)
	defer shutdown(t, m)
	f := upload(t, m)
	r, err := haul.Wait(f, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.ETag != `"etag"` || r.VersionID != "v" || r.Size != 5 || r.Parts != 2 || r.Requests != 3 || r.ExtraRequests != 2 ||
		r.ExtraBytes != 1 || r.Checksum.Algorithm != "CRC32" || !r.Checksum.Validated || r.ContentType != "text/plain" {
		t.Errorf("Result: got %+v, want the driver's outcome", r)
	}
	if out, err := r.Output(); err != nil || out == nil {
		t.Errorf("Output: got %v, %v, want a *s3.PutObjectOutput", out, err)
	}
	meta := f.Meta()
	if meta.Operation() != "Upload" || meta.Bucket() != "bucket" || meta.Key() != "key" || meta.Size() != 5 || meta.ETag() != `"etag"` ||
		meta.UploadID() != "upload" || meta.Transferred() != 5 || meta.Status() != haul.StatusSucceeded || meta.TransferID() != f.ID() {
		t.Errorf("Meta: got %+v, want what the driver told", meta)
	}
}

func TestDriverFailureBecomesTransferError(t *testing.T) {
	cause := errors.New("no such luck")
	d := &fakeDriver{do: func(context.Context, *driver.Job, driver.Events) (*driver.Outcome, error) {
		return nil, &driver.Failure{UploadID: "u", Part: 3, Attempt: 2, Err: cause}
	}}
	m := newManager(t, d)
	defer shutdown(t, m)
	f := upload(t, m)
	_, err := haul.Wait(f, nil)
	var te *haul.TransferError
	if !errors.As(err, &te) || te.Op != "Upload" || te.Bucket != "bucket" || te.Key != "key" || te.UploadID != "u" || te.Part != 3 || te.Attempt != 2 || te.Err != cause {
		t.Errorf("error: got %#v, want a TransferError with upload id u, part 3, attempt 2", err)
	}
	const text = `upload of key "key" in bucket "bucket": upload id u: part 3: attempt 2: no such luck`
	if err.Error() != text {
		t.Errorf("text: got %q, want %q", err, text)
	}
	if f.Meta().Status() != haul.StatusFailed {
		t.Errorf("status: got %s, want failed", f.Meta().Status())
	}
}

func TestInputIsNeverChanged(t *testing.T) {
	d := &fakeDriver{}
	m := newManager(t, d)
	defer shutdown(t, m)
	in := put()
	in.Metadata = map[string]string{"a": "b"}
	sub := haul.SubscriberFuncs{Queued: func(f *haul.Future) error {
		c := f.Meta().Input().(*s3.PutObjectInput)
		c.ContentType = aws.String("text/plain")
		c.Metadata["c"] = "d"
		return nil
	}}
	if _, err := haul.Wait(m.Upload(t.Context(), haul.FromReader(bytes.NewReader(nil)), in, haul.WithSubscribers(sub))); err != nil {
		t.Fatal(err)
	}
	if in.ContentType != nil || len(in.Metadata) != 1 || in.ChecksumAlgorithm != "" || in.Body != nil || in.ContentLength != nil {
		t.Errorf("caller's input: got %+v, want it unchanged", in)
	}
	sent := d.jobs[0].Calls.Input("PutObject").(*s3.PutObjectInput)
	if aws.ToString(sent.ContentType) != "text/plain" || sent.Metadata["c"] != "d" {
		t.Errorf("PutObject: got content type %v, metadata %v, want what OnQueued set", sent.ContentType, sent.Metadata)
	}
}

func TestProvidedSizeAndETagReachTheDriver(t *testing.T) {
	d := &fakeDriver{}
	m := newManager(t, d)
	defer shutdown(t, m)
	sub := haul.SubscriberFuncs{Queued: func(f *haul.Future) error {
		f.Meta().ProvideSize(7)
		f.Meta().ProvideETag(`"e"`)
		f.Meta().SetValue("mine", 1)
		return nil
	}}
	in := &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")}
	f, err := m.Download(t.Context(), in, haul.ToWriter(new(bytes.Buffer)), haul.WithSubscribers(sub))
	if _, err := haul.Wait(f, err); err != nil {
		t.Fatal(err)
	}
	if j := d.jobs[0]; j.Size != 7 || j.ETag != `"e"` {
		t.Errorf("job: got size %d, ETag %s, want 7, \"e\"", j.Size, j.ETag)
	}
	if f.Meta().Value("mine") != 1 || f.Meta().Value("other") != nil {
		t.Errorf("values: got %v and %v, want 1 and nil", f.Meta().Value("mine"), f.Meta().Value("other"))
	}
	f.Meta().ProvideSize(9)
	if n := f.Meta().Size(); n == 9 {
		t.Error("size provided after OnQueued: got 9, want it ignored")
	}
}

func TestResultAndOutcomeBeforeTheEnd(t *testing.T) {
	m := newManager(t, &fakeDriver{do: untilCanceled})
	f := upload(t, m)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err := f.Result(ctx)
	wantErr(t, "Result", err, haul.ErrNotDone)
	wantErr(t, "Result", err, cause)
	_, err = f.Outcome()
	wantErr(t, "Outcome", err, haul.ErrNotDone)
	wantErr(t, "SetError", f.SetError(cause), haul.ErrNotDone)
	if f.IsDone() {
		t.Error("IsDone: got true, want false")
	}
	if !f.Cancel() || f.Cancel() {
		t.Error("Cancel: want true from the first call and false from the second")
	}
	_, err = f.Result(context.Background())
	wantErr(t, "Result", err, haul.ErrCanceled)
	wantErr(t, "Result", err, context.Canceled)
	if f.Cancel() || f.Meta().Status() != haul.StatusCanceled {
		t.Errorf("after the end: status %s, want canceled and Cancel false", f.Meta().Status())
	}
	shutdown(t, m)
}

func get() *s3.GetObjectInput {
	return &s3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("key")}
}
