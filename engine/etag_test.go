package engine_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/crashfs"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/s3fake"
)

// byETag makes a download one of an object whose checksum nobody asks for.
func byETag(job *driver.Job) *driver.Job {
	job.Checksum = driver.ChecksumPlan{ValidateETag: true}
	job.Calls.(driver.InputMap)[s3api.GetObject].(*s3.GetObjectInput).ChecksumMode = ""
	if head, ok := job.Calls.(driver.InputMap)[s3api.HeadObject].(*s3.HeadObjectInput); ok {
		head.ChecksumMode = ""
	}
	return job
}

// etagWorld is a world whose ETags are MD5s, with an object k.
func etagWorld(t *testing.T, content []byte) *world {
	w := newWorld(t, engine.Options{})
	w.server = s3fake.New(s3fake.Options{}, "b")
	w.server.Put("b", "k", content, nil)
	return w
}

// TestETagMends fetches again what doesn't have the MD5 that the ETag is.
func TestETagMends(t *testing.T) {
	want := content(3<<20 + 1)
	w := etagWorld(t, want)
	var answers atomic.Int64
	w.between(func(h http.Handler, rw http.ResponseWriter, r *http.Request) {
		if answers.Add(1) == 1 {
			rw = &flipWriter{ResponseWriter: rw}
		}
		h.ServeHTTP(rw, r)
	})
	path := filepath.Join(t.TempDir(), "f")
	ev := &events{}
	out, err := w.driver.Transfer(t.Context(), byETag(downloadJob("k", body.ToFile(path, body.FileOptions{}))), ev)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, want) || !out.Checksum.Validated || out.Checksum.Algorithm != checksum.MD5 || out.ExtraBytes == 0 {
		t.Errorf("got %d bytes, %+v, %d bytes more than once; want all of them validated at the second time", len(got), out.Checksum, out.ExtraBytes)
	}
	if ev.sum.Load() != int64(len(want)) || !ev.negative.Load() {
		t.Errorf("progress: got a sum of %d, want %d, and back once", ev.sum.Load(), len(want))
	}
}

// TestETagOfAResumedDownload compares what two transfers have fetched.
func TestETagOfAResumedDownload(t *testing.T) {
	want := content(512<<10 + 5)
	w := etagWorld(t, want)
	for n := 2; n < 30; n++ {
		fsys := crashfs.New("/d", "/j")
		fsys.StopAt(n)
		_, _ = w.driver.Transfer(t.Context(), byETag(resumedDownload(fsys, "k", "/d/f", "/j")), &events{})
		fsys.Restart(survivors("everything"))
		out, err := w.driver.Transfer(t.Context(), byETag(resumedDownload(fsys, "k", "/d/f", "/j")), &events{})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := fsys.ReadFile("/d/f"); !bytes.Equal(got, want) || !out.Checksum.Validated || out.Checksum.Algorithm != checksum.MD5 {
			t.Fatalf("power gone at sync %d: got %d bytes, %+v; want them validated", n, len(got), out.Checksum)
		}
		if out.Resumed > 0 {
			return
		}
	}
	t.Error("downloads that took something up: got none, want one")
}

// blindFS is a file layer whose temporary files can't be read.
type blindFS struct{ body.OS }

type blindFile struct{ body.File }

var errBlind = errors.New("unreadable sector")

func (blindFS) CreateTemp(dir, prefix string) (body.File, error) {
	f, err := body.OS{}.CreateTemp(dir, prefix)
	return blindFile{f}, err
}

func (blindFile) ReadAt([]byte, int64) (int, error) { return 0, errBlind }

// TestETagOfAnUnreadableFile is a failure: what was to be proven can't be, for
// a reason that harms the file.
func TestETagOfAnUnreadableFile(t *testing.T) {
	w := etagWorld(t, content(3<<20))
	path := filepath.Join(t.TempDir(), "f")
	job := byETag(downloadJob("k", body.ToFile(path, body.FileOptions{})))
	job.FS = blindFS{}
	_, err := w.driver.Transfer(t.Context(), job, &events{})
	if !errors.Is(err, errBlind) || !strings.Contains(err.Error(), "read back") {
		t.Errorf("got %v, want %v", err, errBlind)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the target: got %v, want none", err)
	}
}

// shortReader is an io.WriterAt of the caller's that reads less than it was
// given.
type shortReader struct{ *writerAt }

func (s shortReader) ReadAt(p []byte, off int64) (int, error) {
	if off > 1<<20 {
		return 0, io.EOF
	}
	return copy(p, s.b[off:]), nil
}

// TestETagOfAWriterThatReadsLess says why nothing was proven.
func TestETagOfAWriterThatReadsLess(t *testing.T) {
	want := content(3 << 20)
	w := etagWorld(t, want)
	out := shortReader{&writerAt{make([]byte, len(want))}}
	got, err := w.driver.Transfer(t.Context(), byETag(downloadJob("k", body.ToWriterAt(out))), &events{})
	if err != nil || got.Checksum.Validated || !strings.Contains(got.Checksum.How, "EOF") || !bytes.Equal(out.b, want) {
		t.Errorf("got %+v, %v; want why it was not validated", got, err)
	}
}
