package engine_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/crashfs"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/s3fake"
)

// resumedDownload is a download of key to path that keeps a journal.
func resumedDownload(fsys body.FS, key, path, journals string) *driver.Job {
	job := downloadJob(key, body.ToFile(path, body.FileOptions{Durable: true}))
	job.FS, job.PartSize, job.Threshold, job.Concurrency = fsys, 64<<10, 64<<10, 2
	job.Resume = &driver.Resume{Dir: journals, Path: path, Batch: 128 << 10}
	job.Calls.(driver.InputMap)[s3api.HeadObject] = &s3.HeadObjectInput{Bucket: aws.String("b"), Key: aws.String(key), ChecksumMode: types.ChecksumModeEnabled}
	return job
}

// resumedUpload is an upload of path that keeps a journal.
func resumedUpload(fsys body.FS, path, key, journals string) *driver.Job {
	job := uploadJob(key, body.FromFile(path))
	job.FS, job.Concurrency = fsys, 2
	job.Resume = &driver.Resume{Dir: journals, Path: path, Batch: 1}
	return job
}

func survivors(mode string) func() bool {
	odd := false
	return func() bool {
		odd = !odd
		return mode == "everything" || mode == "every-other" && odd
	}
}

// TestDownloadSurvivesPowerLoss ends the power at every sync of a download: what
// has the target's name is whole at any time, and a second download ends with
// the right bytes, whatever survived of what was not synced.
func TestDownloadSurvivesPowerLoss(t *testing.T) {
	w := newWorld(t, engine.Options{})
	want := content(512<<10 + 5)
	w.server.Put("b", "k", want, nil)
	old := []byte("what was there before")
	for _, mode := range []string{"every-other", "nothing", "everything"} {
		t.Run(mode, func(t *testing.T) {
			if testing.Short() && mode != "every-other" {
				t.Skip("takes seconds")
			}
			resumed := 0
			for n := 1; ; n++ {
				fsys := crashfs.New("/d", "/j")
				fsys.WriteFile("/d/f", old)
				fsys.StopAt(n)
				_, err := w.driver.Transfer(t.Context(), resumedDownload(fsys, "k", "/d/f", "/j"), &events{})
				stopped := fsys.Stopped()
				if stopped == (err == nil) {
					t.Fatalf("power gone at sync %d (%v): got error %v", n, stopped, err)
				}
				fsys.Restart(survivors(mode))
				if now, err := fsys.ReadFile("/d/f"); err != nil || !bytes.Equal(now, old) && !bytes.Equal(now, want) {
					t.Fatalf("after power loss at sync %d: the target has %d bytes (%v), want the old or the new ones", n, len(now), err)
				}
				ev := &events{}
				out, err := w.driver.Transfer(t.Context(), resumedDownload(fsys, "k", "/d/f", "/j"), ev)
				if err != nil {
					t.Fatalf("after power loss at sync %d: got %v, want a download", n, err)
				}
				if now, _ := fsys.ReadFile("/d/f"); !bytes.Equal(now, want) || ev.sum.Load() != int64(len(want)) || !out.Checksum.Validated {
					t.Fatalf("after power loss at sync %d: got %d bytes, progress %d, %+v, want %d validated bytes", n, len(now), ev.sum.Load(), out.Checksum, len(want))
				}
				if names := fsys.Names(); mode == "nothing" && len(names) != 1 {
					t.Errorf("after power loss at sync %d: left behind %q, want the target only", n, names)
				}
				if out.Resumed > 0 {
					resumed++
				}
				if !stopped {
					break
				}
			}
			if resumed < 3 {
				t.Errorf("downloads that took something up: got %d, want several", resumed)
			}
		})
	}
}

func TestUploadSurvivesPowerLoss(t *testing.T) {
	if testing.Short() {
		t.Skip("sends some hundred megabytes")
	}
	w := newWorld(t, engine.Options{})
	want := content(2*s3api.MinPartSize + 7)
	for _, mode := range []string{"nothing", "everything", "every-other"} {
		t.Run(mode, func(t *testing.T) {
			resumed := 0
			for n := 1; ; n++ {
				fsys := crashfs.New("/d", "/j")
				fsys.WriteFile("/d/f", want)
				fsys.StopAt(n)
				_, err := w.driver.Transfer(t.Context(), resumedUpload(fsys, "/d/f", "k", "/j"), &events{})
				stopped := fsys.Stopped()
				fsys.Restart(survivors(mode))
				ev := &events{}
				out, err2 := w.driver.Transfer(t.Context(), resumedUpload(fsys, "/d/f", "k", "/j"), ev)
				if err2 != nil {
					t.Fatalf("power gone at sync %d (%v), then: got %v, want an upload", n, err, err2)
				}
				object, ok := w.server.Object("b", "k")
				if !ok || !bytes.Equal(object.Data, want) || ev.sum.Load() != int64(len(want)) || !out.Checksum.Validated {
					t.Fatalf("after power loss at sync %d: the object is wrong, or progress %d is not %d", n, ev.sum.Load(), len(want))
				}
				if open := w.server.Uploads(); len(open) > 0 {
					t.Fatalf("after power loss at sync %d: uploads left open: %v", n, open)
				}
				if names := fsys.Names(); len(names) != 1 {
					t.Errorf("after power loss at sync %d: left behind %q, want the source only", n, names)
				}
				if out.Resumed > 0 {
					resumed++
				}
				if !stopped {
					break
				}
			}
			if resumed == 0 {
				t.Error("uploads that took something up: got none")
			}
		})
	}
}

// brokenWorld is a world whose server refuses requests of one operation from the
// n-th on, until mended.
func brokenWorld(t *testing.T, op string, from int32) (w *world, mend func()) {
	w = newWorld(t, engine.Options{})
	var seen atomic.Int32
	var mended atomic.Bool
	w.between(func(h http.Handler, rw http.ResponseWriter, r *http.Request) {
		got := s3fake.OpName(r.Method, true, strings.Count(r.URL.Path, "/") > 1, r.URL.Query(), r.Header)
		if !mended.Load() && got == op && seen.Add(1) >= from {
			_, _ = io.Copy(io.Discard, r.Body)
			rw.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(rw, "<Error><Code>AccessDenied</Code></Error>")
			return
		}
		if !mended.Load() && got == "GetObject" && r.Header.Get("Range") == "" { // the ranges shall get their turn
			rw = &hangingWriter{rw, r.Context(), 200 << 10}
		}
		h.ServeHTTP(rw, r)
	})
	return w, func() { mended.Store(true) }
}

func writeSource(t *testing.T, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "source")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// brokenUpload sends want until the third part is refused, and returns where
// the journal is.
func brokenUpload(t *testing.T, want []byte) (w *world, path, journals string) {
	t.Helper()
	w, mend := brokenWorld(t, "UploadPart", 3)
	path, journals = writeSource(t, want), t.TempDir()
	job := resumedUpload(body.OS{}, path, "k", journals)
	job.Concurrency = 1 // so that two parts have been answered
	_, err := w.driver.Transfer(t.Context(), job, &events{})
	var failure *driver.Failure
	if !errors.As(err, &failure) || filepath.Dir(failure.Journal) != journals {
		t.Fatalf("broken upload: got %v, want an error that names a journal in %s", err, journals)
	}
	if n := len(w.server.Uploads()); n != 1 {
		t.Fatalf("open uploads after the failure: got %d, want 1", n)
	}
	mend()
	w.server.Reset()
	return w, path, journals
}

func TestUploadIsTakenUp(t *testing.T) {
	t.Parallel()
	want := content(4*s3api.MinPartSize + 7)
	w, path, journals := brokenUpload(t, want)
	ev := &events{}
	out, err := w.driver.Transfer(t.Context(), resumedUpload(body.OS{}, path, "k", journals), ev)
	if err != nil {
		t.Fatal(err)
	}
	object, _ := w.server.Object("b", "k")
	if !bytes.Equal(object.Data, want) || ev.sum.Load() != int64(len(want)) || !out.Checksum.Validated {
		t.Errorf("the object is wrong, or progress %d is not %d", ev.sum.Load(), len(want))
	}
	if out.Resumed != 2*s3api.MinPartSize || out.Afresh != "" || w.server.Count("UploadPart") != 3 || w.server.Count("CreateMultipartUpload") != 0 {
		t.Errorf("got %d bytes resumed, %q, %d parts sent, want two of five parts resumed",
			out.Resumed, out.Afresh, w.server.Count("UploadPart"))
	}
	if left, _ := os.ReadDir(journals); len(left) > 0 {
		t.Errorf("journals left after the success: %v, want none", left)
	}
}

func TestUploadIsBegunAfresh(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, w *world, path string, job *driver.Job)
		want   string
	}{
		"source-grew": {func(t *testing.T, _ *world, path string, _ *driver.Job) {
			if err := os.WriteFile(path, content(3*s3api.MinPartSize), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "its size was"},
		"source-touched": {func(t *testing.T, _ *world, path string, _ *driver.Job) {
			if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}, "modification time"},
		"source-replaced": {func(t *testing.T, _ *world, path string, _ *driver.Job) {
			info, err := os.Stat(path)
			b, rerr := os.ReadFile(path)
			if err := errors.Join(err, rerr, os.WriteFile(path+"2", b, 0o600), os.Chtimes(path+"2", info.ModTime(), info.ModTime()),
				os.Rename(path+"2", path)); err != nil {
				t.Fatal(err)
			}
		}, "another file"},
		"upload-gone": {func(t *testing.T, w *world, _ string, job *driver.Job) {
			u := w.server.Uploads()[0]
			r, err := http.NewRequest(http.MethodDelete, "/b/k?uploadId="+u.ID, nil)
			if err != nil {
				t.Fatal(err)
			}
			w.server.ServeHTTP(discardAnswer{http.Header{}}, r)
		}, "is gone"},
		"part-size": {func(_ *testing.T, _ *world, _ string, job *driver.Job) { job.PartSize += 1 << 20 }, "part size"},
		"request":   {func(_ *testing.T, _ *world, _ string, job *driver.Job) { job.Resume.Request = []byte("x") }, "request"},
		"checksum":  {func(_ *testing.T, _ *world, _ string, job *driver.Job) { job.Checksum.Algorithm = "CRC32" }, "settings"},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "request" {
				t.Skip("each sends some thirty megabytes")
			}
			w, path, journals := brokenUpload(t, content(3*s3api.MinPartSize+7))
			job := resumedUpload(body.OS{}, path, "k", journals)
			told := ""
			job.Resume.Afresh = func(why string) { told = why }
			c.change(t, w, path, job)
			if job.Checksum.Algorithm == "CRC32" {
				job.Calls.(driver.InputMap)[s3api.CreateMultipartUpload].(*s3.CreateMultipartUploadInput).ChecksumAlgorithm = types.ChecksumAlgorithmCrc32
			}
			out, err := w.driver.Transfer(t.Context(), job, &events{})
			if err != nil {
				t.Fatal(err)
			}
			if out.Resumed != 0 || !strings.Contains(out.Afresh, c.want) || told != out.Afresh {
				t.Errorf("got %d bytes resumed, %q (told %q), want none and %q", out.Resumed, out.Afresh, told, c.want)
			}
			now, err := os.ReadFile(path)
			if object, ok := w.server.Object("b", "k"); err != nil || !ok || !bytes.Equal(object.Data, now) {
				t.Errorf("the object is not the file (%v)", err)
			}
			if open := w.server.Uploads(); len(open) != 0 {
				t.Errorf("uploads left open: %v, want the old one aborted", open)
			}
		})
	}
}

// TestUploadCompletedUnseen ends a transfer whose CompleteMultipartUpload the
// store carries out, but whose answer never arrives.
func TestUploadCompletedUnseen(t *testing.T) {
	w := newWorld(t, engine.Options{})
	want := content(s3api.MinPartSize + 7)
	path, journals := writeSource(t, want), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	w.between(func(h http.Handler, rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Query().Has("uploadId") {
			h.ServeHTTP(discardAnswer{http.Header{}}, r)
			cancel()
			<-r.Context().Done()
			return
		}
		h.ServeHTTP(rw, r)
	})
	if _, err := w.driver.Transfer(ctx, resumedUpload(body.OS{}, path, "k", journals), &events{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("first upload: got %v, want %v", err, context.Canceled)
	}
	w.between(nil)
	w.server.Reset()
	ev := &events{}
	out, err := w.driver.Transfer(t.Context(), resumedUpload(body.OS{}, path, "k", journals), ev)
	if err != nil {
		t.Fatal(err)
	}
	if out.Resumed != int64(len(want)) || ev.sum.Load() != int64(len(want)) || !out.Checksum.Validated || out.ETag == "" || w.server.Count("UploadPart") > 0 {
		t.Errorf("got %d bytes resumed, progress %d, %d parts sent, ETag %q, want nothing sent again",
			out.Resumed, ev.sum.Load(), w.server.Count("UploadPart"), out.ETag)
	}
	if left, _ := os.ReadDir(journals); len(left) > 0 {
		t.Errorf("journals left: %v", left)
	}
}

type discardAnswer struct{ h http.Header }

func (d discardAnswer) Header() http.Header         { return d.h }
func (d discardAnswer) Write(p []byte) (int, error) { return len(p), nil }
func (d discardAnswer) WriteHeader(int)             {}

// TestUploadTrustsNothingUnverified removes and replaces parts behind the
// journal's back.
func TestUploadTrustsNothingUnverified(t *testing.T) {
	want := content(3*s3api.MinPartSize + 7)
	w, path, journals := brokenUpload(t, want)
	id := w.server.Uploads()[0].ID
	r, err := http.NewRequest(http.MethodPut, "/b/k?partNumber=1&uploadId="+id, bytes.NewReader(content(s3api.MinPartSize+1)))
	if err != nil {
		t.Fatal(err)
	}
	w.server.ServeHTTP(discardAnswer{http.Header{}}, r)
	out, err := w.driver.Transfer(t.Context(), resumedUpload(body.OS{}, path, "k", journals), &events{})
	if err != nil {
		t.Fatal(err)
	}
	if object, _ := w.server.Object("b", "k"); !bytes.Equal(object.Data, want) || out.Resumed != s3api.MinPartSize {
		t.Errorf("got %d bytes resumed, want one part, and the right object", out.Resumed)
	}
}

func TestUploadOfChangingSourceKeepsNothing(t *testing.T) {
	w := newWorld(t, engine.Options{})
	path, journals := writeSource(t, content(2*s3api.MinPartSize)), t.TempDir()
	w.between(func(h http.Handler, rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Query().Has("uploads") {
			if err := os.WriteFile(path, content(2*s3api.MinPartSize+1), 0o600); err != nil {
				t.Error(err)
			}
		}
		h.ServeHTTP(rw, r)
	})
	_, err := w.driver.Transfer(t.Context(), resumedUpload(body.OS{}, path, "k", journals), &events{})
	var changed *driver.SourceChangedError
	var failure *driver.Failure
	if !errors.As(err, &changed) || !errors.As(err, &failure) || failure.Journal != "" {
		t.Errorf("got %v, want a changed source and no journal", err)
	}
	left, _ := os.ReadDir(journals)
	if len(left) > 0 || len(w.server.Uploads()) > 0 {
		t.Errorf("left behind: journals %v, uploads %v, want nothing", left, w.server.Uploads())
	}
}

// brokenDownload fetches want until the server refuses, and leaves a journal.
func brokenDownload(t *testing.T, want []byte) (w *world, path, journals string) {
	t.Helper()
	w, mend := brokenWorld(t, "GetObject", 6)
	w.server.Put("b", "k", want, http.Header{"X-Amz-Checksum-Algorithm": {"CRC64NVME"}})
	path, journals = filepath.Join(t.TempDir(), "target"), t.TempDir()
	_, err := w.driver.Transfer(t.Context(), resumedDownload(body.OS{}, "k", path, journals), &events{})
	var failure *driver.Failure
	if !errors.As(err, &failure) || filepath.Dir(failure.Journal) != journals {
		t.Fatalf("broken download: got %v, want an error that names a journal in %s", err, journals)
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) != 1 {
		t.Fatalf("temporary files after the failure: got %v, want one", left)
	}
	mend()
	w.server.Reset()
	return w, path, journals
}

// hangingWriter writes some bytes of an answer and then none until its request
// is given up.
type hangingWriter struct {
	http.ResponseWriter
	ctx  context.Context
	left int
}

func (w *hangingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		_ = http.NewResponseController(w.ResponseWriter).Flush()
		<-w.ctx.Done()
		return 0, w.ctx.Err()
	}
	return w.ResponseWriter.Write(p)
}

func download(t *testing.T, w *world, job *driver.Job, want []byte) *driver.Outcome {
	t.Helper()
	ev := &events{}
	out, err := w.driver.Transfer(t.Context(), job, ev)
	if err != nil {
		t.Fatal(err)
	}
	path := job.Resume.Path
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) || ev.sum.Load() != int64(len(want)) || !out.Checksum.Validated {
		t.Errorf("got %d bytes (%v), progress %d, %+v, want %d validated bytes", len(got), err, ev.sum.Load(), out.Checksum, len(want))
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
		t.Errorf("temporary files left: %v", left)
	}
	if left, _ := os.ReadDir(job.Resume.Dir); len(left) > 0 {
		t.Errorf("journals left: %v", left)
	}
	return out
}

func TestDownloadIsTakenUp(t *testing.T) {
	want := content(64<<16 + 9)
	w, path, journals := brokenDownload(t, want)
	out := download(t, w, resumedDownload(body.OS{}, "k", path, journals), want)
	if out.Resumed == 0 || out.Resumed%(64<<10) != 0 || out.Afresh != "" {
		t.Errorf("got %d bytes resumed (%q), want some pieces", out.Resumed, out.Afresh)
	}
	var asked int
	for _, r := range w.server.Requests() {
		if r.Op == "GetObject" {
			asked++
		}
	}
	if missing := int((int64(len(want)) - out.Resumed + 64<<10 - 1) / (64 << 10)); asked != missing {
		t.Errorf("ranges asked for: got %d, want the %d that were missing", asked, missing)
	}
}

// TestDownloadTrustsNothingUnverified spoils the temporary file of a download
// of an object that has no checksum to find it out in the end.
func TestDownloadTrustsNothingUnverified(t *testing.T) {
	t.Parallel()
	want := content(64<<16 + 9)
	for name, spoil := range map[string]func(b []byte) []byte{
		"a-flipped-bit": func(b []byte) []byte { b[100] ^= 1; return b },
		"zeros":         func(b []byte) []byte { return make([]byte, len(b)) },
		"cut":           func(b []byte) []byte { return b[:70<<10] },
		"empty":         func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			w, path, journals := brokenDownload(t, want)
			temps, _ := filepath.Glob(path + ".*")
			b, err := os.ReadFile(temps[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(temps[0], spoil(b), 0o600); err != nil {
				t.Fatal(err)
			}
			job := resumedDownload(body.OS{}, "k", path, journals)
			job.Checksum = driver.ChecksumPlan{}
			out, err := w.driver.Transfer(t.Context(), job, &events{})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) || out.ExtraBytes != 0 {
				t.Errorf("got %d bytes (%v), %d of them twice; want the object's", len(got), err, out.ExtraBytes)
			}
		})
	}
}

func TestDownloadIsBegunAfresh(t *testing.T) {
	other := slices.Repeat([]byte("another "), 64<<10)
	for name, c := range map[string]struct {
		change func(t *testing.T, w *world, path string)
		object []byte
		want   string
	}{
		"object-changed": {func(_ *testing.T, w *world, _ string) { w.server.Put("b", "k", other, nil) }, other, "ETag"},
		"temporary-file-gone": {func(t *testing.T, _ *world, path string) {
			temps, _ := filepath.Glob(path + ".*")
			if err := os.Remove(temps[0]); err != nil {
				t.Fatal(err)
			}
		}, nil, "temporary file"},
		"temporary-file-is-a-link": {func(t *testing.T, _ *world, path string) {
			temps, _ := filepath.Glob(path + ".*")
			if err := errors.Join(os.Remove(temps[0]), os.Symlink("elsewhere", temps[0])); err != nil {
				t.Fatal(err)
			}
		}, nil, "temporary file"},
	} {
		t.Run(name, func(t *testing.T) {
			want := content(64<<16 + 9)
			w, path, journals := brokenDownload(t, want)
			if c.object != nil {
				want = c.object
			}
			c.change(t, w, path)
			out := download(t, w, resumedDownload(body.OS{}, "k", path, journals), want)
			if out.Resumed != 0 || !strings.Contains(out.Afresh, c.want) {
				t.Errorf("got %d bytes resumed, %q, want none and %q", out.Resumed, out.Afresh, c.want)
			}
		})
	}
}

// TestDownloadWithTornJournal cuts the journal at every byte: fewer pieces are
// believed, never other ones.
func TestDownloadWithTornJournal(t *testing.T) {
	want := content(10 << 16)
	w, path, journals := brokenDownload(t, want)
	names, _ := filepath.Glob(filepath.Join(journals, "*"))
	temps, _ := filepath.Glob(path + ".*")
	whole, err := os.ReadFile(names[0])
	temp, terr := os.ReadFile(temps[0])
	if err := errors.Join(err, terr); err != nil {
		t.Fatal(err)
	}
	step := 5 // the journal's own tests take every byte
	if testing.Short() {
		step = 97
	}
	for n := 0; n <= len(whole); n += step {
		if err := errors.Join(os.WriteFile(names[0], whole[:n], 0o600), os.WriteFile(temps[0], temp, 0o600)); err != nil {
			t.Fatal(err)
		}
		out, err := w.driver.Transfer(t.Context(), resumedDownload(body.OS{}, "k", path, journals), &events{})
		if err != nil {
			t.Fatalf("journal cut at byte %d: %v", n, err)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) || !out.Checksum.Validated {
			t.Fatalf("journal cut at byte %d: the file is wrong (%v)", n, err)
		}
	}
}

func TestDownloadCancelledIsTakenUp(t *testing.T) {
	w := newWorld(t, engine.Options{})
	want := content(64<<16 + 9)
	w.server.Put("b", "k", want, nil)
	path, journals := filepath.Join(t.TempDir(), "target"), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var served atomic.Int32
	w.between(func(h http.Handler, rw http.ResponseWriter, r *http.Request) {
		if served.Add(1) == 8 {
			cancel()
			<-r.Context().Done() // it can't end well
			return
		}
		h.ServeHTTP(rw, r)
	})
	job := resumedDownload(body.OS{}, "k", path, journals)
	if _, err := w.driver.Transfer(ctx, job, &events{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want a cancelled download", err)
	}
	w.between(nil)
	download(t, w, resumedDownload(body.OS{}, "k", path, journals), want)
}

// TestUploadOvertaken has a part of an earlier transfer arrive after the later
// one has sent it again.
func TestUploadOvertaken(t *testing.T) {
	want := content(3*s3api.MinPartSize + 7)
	w, path, journals := brokenUpload(t, want)
	id := w.server.Uploads()[0].ID
	w.between(func(h http.Handler, rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Query().Get("uploadId") == id && w.server.Count("CompleteMultipartUpload") == 0 {
			late, err := http.NewRequest(http.MethodPut, "/b/k?partNumber=3&uploadId="+id, bytes.NewReader(want[2*s3api.MinPartSize:3*s3api.MinPartSize]))
			if err != nil {
				t.Error(err)
			}
			h.ServeHTTP(discardAnswer{http.Header{}}, late)
		}
		h.ServeHTTP(rw, r)
	})
	out, err := w.driver.Transfer(t.Context(), resumedUpload(body.OS{}, path, "k", journals), &events{})
	if err != nil {
		t.Fatal(err)
	}
	if object, _ := w.server.Object("b", "k"); !bytes.Equal(object.Data, want) || !out.Checksum.Validated || w.server.Count("CompleteMultipartUpload") != 2 {
		t.Errorf("got %+v after %d Completes, want the right object after 2", out.Checksum, w.server.Count("CompleteMultipartUpload"))
	}
}
