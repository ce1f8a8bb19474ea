package managertest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/testbody"
)

// transferTests move bytes: every kind of source and sink, every size class,
// odd keys.
var transferTests = []conformanceTest{
	{name: "sources-sinks-sizes", run: testSourcesSinksSizes},
	{name: "unusual-keys", run: testUnusualKeys},
	{name: "plain-keys", run: testPlainKeys},
	{name: "small-object-is-one-request", run: testOneRequest},
	{name: "stored-encoding", run: testStoredEncoding},
	{name: "copy-and-delete", run: testCopyAndDelete},
	{name: "range", run: testRange},
}

// slice is the engine's buffer, whose edges are worth a test.
const slice = 256 << 10

// sizes are the size classes: with parts and threshold of 5 MiB.
var sizes = []int64{0, 1, slice - 1, slice, slice + 1, part - 1, part, part + 1, 3*part + 7}

// sourceKinds makes every kind of source of the same bytes.
func sourceKinds(dir string, b []byte) map[string]func() haul.Source {
	path := filepath.Join(dir, fmt.Sprintf("source-%d", len(b)))
	return map[string]func() haul.Source{
		"file":      func() haul.Source { _ = os.WriteFile(path, b, 0o666); return haul.FromFile(path) },
		"reader-at": func() haul.Source { return haul.FromReaderAt(bytes.NewReader(b), int64(len(b))) },
		"seeker":    func() haul.Source { return haul.FromReader(bytes.NewReader(b)) },
		"pipe":      func() haul.Source { return haul.FromReader(io.MultiReader(bytes.NewReader(b))) },
		"bytes":     func() haul.Source { return haul.FromBytes(b) },
	}
}

// sinkOf is a sink and what it holds in the end.
type sinkOf struct {
	sink haul.Sink
	held func() ([]byte, error)
}

func sinkKinds(dir string, size int64) map[string]func() sinkOf {
	path := filepath.Join(dir, "target")
	return map[string]func() sinkOf{
		"file": func() sinkOf { return sinkOf{haul.ToFile(path), func() ([]byte, error) { return os.ReadFile(path) }} },
		"file-direct": func() sinkOf {
			return sinkOf{haul.ToFile(path, haul.WithDirectIO()), func() ([]byte, error) { return os.ReadFile(path) }}
		},
		"writer-at": func() sinkOf {
			w := &memoryAt{b: make([]byte, size)}
			return sinkOf{haul.ToWriterAt(w), func() ([]byte, error) { return w.b, nil }}
		},
		"writer": func() sinkOf {
			w := &bytes.Buffer{}
			return sinkOf{haul.ToWriter(w), func() ([]byte, error) { return w.Bytes(), nil }}
		},
	}
}

// memoryAt is memory that is written by position, and refuses what is beyond.
type memoryAt struct {
	mu sync.Mutex
	b  []byte
}

func (m *memoryAt) WriteAt(p []byte, off int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if off < 0 || off+int64(len(p)) > int64(len(m.b)) {
		return 0, fmt.Errorf("write of %d bytes at %d, beyond %d", len(p), off, len(m.b))
	}
	return copy(m.b[off:], p), nil
}

func testSourcesSinksSizes(t *testing.T, w *world) {
	m := w.manager()
	dir := t.TempDir()
	for _, size := range sizes {
		if testing.Short() && size > part+1 {
			continue
		}
		b := data(size)
		for source, make := range sourceKinds(dir, b) {
			key := fmt.Sprintf("%s-%s-%d", w.engine.name, source, size)
			r := w.must(haul.Wait(m.Upload(w.ctx, make(), w.put(key))))
			if r.Size != size {
				t.Errorf("%s of %d bytes: Result.Size is %d", source, size, r.Size)
			}
			for sink, make := range sinkKinds(dir, size) {
				s := make()
				r := w.must(haul.Wait(m.Download(w.ctx, w.get(key), s.sink)))
				got, err := s.held()
				if err != nil {
					t.Fatal(err)
				}
				same(t, fmt.Sprintf("%s to %s of %d bytes", source, sink, size), got, size)
				if !r.Checksum.Validated {
					t.Errorf("%s to %s of %d bytes: not validated: %s", source, sink, size, r.Checksum.How)
				}
			}
		}
	}
}

// same compares bytes with the suite's pattern.
func same(t *testing.T, what string, got []byte, size int64) {
	t.Helper()
	if int64(len(got)) != size {
		t.Fatalf("%s: got %d bytes, want %d", what, len(got), size)
	}
	if off, ok := testbody.Check(got, seed, 0); !ok {
		t.Fatalf("%s: byte %d is not what was sent", what, off)
	}
}

// plainKeys are what every server takes.
var plainKeys = []string{"a", "a b", "a+b", "ä/ö/日本", "a%20b", "a?b=c&d", "a#b", "a=b;c,d:e@f!g'h(i)*j~k", "a\"b<c>d", strings.Repeat("x/", 60) + "end"}

// unusualKeys are those that servers or clients like to change.
var unusualKeys = append([]string{
	"a//b", "/leading", "trailing/", "//", "a/./b", "a/../b", "%", "%2F", "a\\b", "a\tb",
	strings.Repeat("k", 1024), strings.Repeat("ü", 512), "partNumber=1&uploadId=x", "\u00e9 e\u0301",
}, plainKeys...)

func testUnusualKeys(t *testing.T, w *world) {
	m := w.manager()
	for _, key := range unusualKeys {
		roundTrip(t, w, m, key)
	}
}

func testPlainKeys(t *testing.T, w *world) {
	m := w.manager()
	for _, key := range plainKeys {
		roundTrip(t, w, m, w.engine.name+"/plain/"+key)
	}
}

// roundTrip uploads, in one request and in parts, downloads, copies and
// deletes.
func roundTrip(t *testing.T, w *world, m *haul.Manager, key string) {
	t.Helper()
	for _, size := range []int64{10, part + 1} {
		w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(size)), w.put(key))))
		if w.Fake != nil {
			if _, ok := w.Fake.Object(w.Bucket, key); !ok {
				t.Errorf("key %q is stored under another name", key)
			}
		}
		var b bytes.Buffer
		w.must(haul.Wait(m.Download(w.ctx, w.get(key), haul.ToWriter(&b))))
		same(t, fmt.Sprintf("key %q", key), b.Bytes(), size)
	}
	w.must(haul.Wait(m.Delete(w.ctx, &s3.DeleteObjectInput{Bucket: &w.Bucket, Key: &key})))
}

func testOneRequest(t *testing.T, w *world) {
	m := w.manager()
	for _, size := range []int64{0, 1, part - 1} {
		w.forget()
		up := w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(size)), w.put("small"))))
		down := w.must(haul.Wait(m.Download(w.ctx, w.get("small"), haul.ToWriter(io.Discard))))
		if up.Requests != 1 || down.Requests != 1 {
			t.Errorf("%d bytes: got %d requests up and %d down, want 1 each way", size, up.Requests, down.Requests)
		}
		if n := len(w.requests()); w.Fake != nil && n != 2 {
			t.Errorf("%d bytes up and down took %d requests, want 2", size, n)
		}
	}
}

// testStoredEncoding gets an object that is stored with gzip as it is stored,
// also over the client's own transport, which could decompress it.
func testStoredEncoding(t *testing.T, w *world) {
	var stored bytes.Buffer
	z := gzip.NewWriter(&stored)
	_, _ = z.Write(make([]byte, small)) // into memory
	_ = z.Close()
	w.seed("zipped", stored.Bytes(), http.Header{"Content-Encoding": {"gzip"}})
	for name, m := range map[string]*haul.Manager{"usual": w.manager(), "own": w.managerOf(w.Client(w.ownTransport))} {
		var b bytes.Buffer
		r := w.must(haul.Wait(m.Download(w.ctx, w.get("zipped"), haul.ToWriter(&b))))
		if !bytes.Equal(b.Bytes(), stored.Bytes()) || r.Size != int64(stored.Len()) {
			t.Errorf("%s transport: got %d bytes, Size %d, want the %d that are stored", name, b.Len(), r.Size, stored.Len())
		}
	}
}

func testCopyAndDelete(t *testing.T, w *world) {
	m := w.manager()
	for _, size := range []int64{0, 100, 2*part + 3} {
		from, to := w.engine.name+"/copy from+ü", w.engine.name+"/copy to"
		in := w.put(from)
		in.Metadata = map[string]string{"who": "me"}
		in.ContentType = ptr("text/x-test")
		w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(size)), in)))
		r := w.must(haul.Wait(m.Copy(w.ctx, &s3.CopyObjectInput{
			Bucket: &w.Bucket, Key: &to, CopySource: ptr(copySource(w.Bucket, from)),
		})))
		if r.Size != size {
			t.Errorf("Result.Size is %d, want %d", r.Size, size)
		}
		var b bytes.Buffer
		got := w.must(haul.Wait(m.Download(w.ctx, w.get(to), haul.ToWriter(&b))))
		same(t, "copy", b.Bytes(), size)
		if got.ContentType != "text/x-test" || got.Metadata["who"] != "me" {
			t.Errorf("%d bytes: the copy has content type %q and metadata %v", size, got.ContentType, got.Metadata)
		}
		for _, key := range []string{from, to} {
			w.must(haul.Wait(m.Delete(w.ctx, &s3.DeleteObjectInput{Bucket: &w.Bucket, Key: &key})))
			if _, err := haul.Wait(m.Download(w.ctx, w.get(key), haul.ToWriter(io.Discard))); !isNoSuchKey(err) {
				t.Errorf("after Delete: got %v, want NoSuchKey", err)
			}
		}
	}
}

func testRange(t *testing.T, w *world) {
	m := w.manager()
	const size = 3*part + 7
	key := w.engine.name + "/range"
	w.must(haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(size)), w.put(key))))
	for _, c := range []struct {
		header     string
		off, bytes int64
	}{
		{"bytes=0-0", 0, 1}, {"bytes=5-14", 5, 10}, {fmt.Sprintf("bytes=%d-%d", part-3, 2*part+9), part - 3, part + 13},
		{"bytes=8-", 8, size - 8}, {"bytes=-9", size - 9, 9},
	} {
		in := w.get(key)
		in.Range = &c.header
		at := &memoryAt{b: make([]byte, c.bytes)}
		r := w.must(haul.Wait(m.Download(w.ctx, in, haul.ToWriterAt(at))))
		if off, ok := testbody.Check(at.b, seed, c.off); !ok || r.Size != c.bytes {
			t.Errorf("%s: byte %d is wrong, or size %d isn't %d", c.header, off, r.Size, c.bytes)
		}
	}
}
