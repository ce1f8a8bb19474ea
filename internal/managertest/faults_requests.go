package managertest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/plan"
)

func testCopyOwners(t *testing.T, w *world) {
	m := w.manager()
	for _, name := range []string{"copy", "copy-parts"} {
		w.operations(t.TempDir()) // makes the sources
		w.Fake.Reset()
		source := "source-small"
		if name == "copy-parts" {
			source = "source-big"
		}
		w.must(haul.Wait(m.Copy(w.ctx, &s3.CopyObjectInput{
			Bucket: &w.Bucket, Key: ptr("owned"), CopySource: ptr(copySource(w.Bucket, source)),
			ExpectedBucketOwner: ptr("111111111111"), ExpectedSourceBucketOwner: ptr("222222222222"),
		})))
		for _, r := range w.Fake.Requests() {
			owner, sourceOwner := r.Header.Get("X-Amz-Expected-Bucket-Owner"), r.Header.Get("X-Amz-Source-Expected-Bucket-Owner")
			want := "111111111111"
			if r.Op == "HeadObject" || r.Op == "GetObjectTagging" {
				want = "222222222222" // it goes to the source
			}
			if owner != want {
				t.Errorf("%s of %s: got expected owner %q, want %q", r.Op, r.Key, owner, want)
			}
			if copies := r.Op == "CopyObject" || r.Op == "UploadPartCopy"; copies && sourceOwner != "222222222222" {
				t.Errorf("%s: got expected owner of the source %q, want 222222222222", r.Op, sourceOwner)
			}
		}
	}
}

func testCopyKeeps(t *testing.T, w *world) {
	m := w.manager()
	for _, size := range []int64{small, big} {
		w.seed("keeps", data(size), http.Header{
			"Content-Type": {"text/x-kept"}, "Cache-Control": {"no-store"}, "Content-Disposition": {"inline"},
			"X-Amz-Meta-Who": {"source"}, "X-Amz-Tagging": {"a=b&c=d"},
		})
		in := func() *s3.CopyObjectInput {
			return &s3.CopyObjectInput{Bucket: &w.Bucket, Key: ptr("kept"), CopySource: ptr(copySource(w.Bucket, "keeps"))}
		}
		w.must(haul.Wait(m.Copy(w.ctx, in())))
		o, _ := w.object("kept")
		sameAs(t, "copy", o.Data, size)
		if h := o.Header; h.Get("Content-Type") != "text/x-kept" || h.Get("Cache-Control") != "no-store" ||
			h.Get("Content-Disposition") != "inline" || h.Get("X-Amz-Meta-Who") != "source" || len(o.Tags) != 2 {
			t.Errorf("%d bytes: got headers %v, tags %v, want those of the source", size, h, o.Tags)
		}
		replace := in()
		replace.MetadataDirective, replace.TaggingDirective = types.MetadataDirectiveReplace, types.TaggingDirectiveReplace
		replace.ContentType, replace.Metadata, replace.Tagging = ptr("text/x-new"), map[string]string{"new": "yes"}, ptr("e=f")
		w.must(haul.Wait(m.Copy(w.ctx, replace)))
		o, _ = w.object("kept")
		if h := o.Header; h.Get("Content-Type") != "text/x-new" || h.Get("X-Amz-Meta-Who") != "" || h.Get("X-Amz-Meta-New") != "yes" ||
			len(o.Tags) != 1 || o.Tags[0].Key != "e" {
			t.Errorf("%d bytes with REPLACE: got headers %v, tags %v, want the new ones", size, h, o.Tags)
		}
	}
}

// zeros is a stream of zeros.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func testGrowingParts(t *testing.T, w *world) {
	// What the plan reaches: the limits of memory and of parts are the only ones.
	const first, memory = 8 << 20, 2 << 30
	if got := plan.Reach(first, plan.Ceiling(memory, first)); got < 2<<40 {
		t.Errorf("parts of %d bytes under a memory limit of %d reach %d bytes, want more than 2 TiB", first, memory, got)
	}
	if testing.Short() || w.engine.over != "" {
		t.Skip("takes seconds")
	}
	const parts = 253 // the size doubles after 250
	var mu sync.Mutex
	sizes := map[string]int64{} // guarded by mu
	w.intercept(func(op string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
		switch op {
		case "UploadPart": // the server has no room for them
			n, _ := io.Copy(io.Discard, r.Body)
			mu.Lock()
			sizes[r.URL.Query().Get("partNumber")] = n
			mu.Unlock()
			rw.Header().Set("ETag", `"0123456789abcdef0123456789abcdef"`)
		case "CompleteMultipartUpload":
			_, _ = io.Copy(io.Discard, r.Body)
			fmt.Fprint(rw, `<CompleteMultipartUploadResult><ETag>"0123456789abcdef0123456789abcdef-253"</ETag></CompleteMultipartUploadResult>`)
		default:
			next.ServeHTTP(rw, r)
		}
	})
	m := w.manager(func(o *haul.Options) { o.MemoryLimit = 16 * part })
	w.must(haul.Wait(m.Upload(w.ctx, haul.FromReader(io.LimitReader(zeros{}, 250*part+2*2*part+1)), w.put("growing"))))
	w.discardUploads()
	mu.Lock()
	defer mu.Unlock()
	if sizes["250"] != part || sizes["251"] != 2*part || sizes["253"] != 1 || len(sizes) != parts {
		t.Errorf("sizes of the parts 250, 251, 253: got %d, %d, %d of %d parts, want %d, %d, 1 of %d",
			sizes["250"], sizes["251"], sizes["253"], len(sizes), part, 2*part, parts)
	}
}

// brokenAnswers are ways in which an answer to a GET can break.
var brokenAnswers = map[string]func(next http.Handler, rw http.ResponseWriter, r *http.Request){
	"closed-in-the-body": func(next http.Handler, rw http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&cutWriter{ResponseWriter: rw, left: slice + 100}, r)
	},
	"reset-before-the-answer": func(_ http.Handler, rw http.ResponseWriter, _ *http.Request) { reset(rw, "") },
	"closed-before-the-answer": func(http.Handler, http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	},
	"half-a-head": func(_ http.Handler, rw http.ResponseWriter, _ *http.Request) {
		reset(rw, "HTTP/1.1 200 OK\r\nContent-Le")
	},
	"no-http": func(_ http.Handler, rw http.ResponseWriter, _ *http.Request) { reset(rw, "SSH-2.0-what\r\n\r\n") },
}

// reset writes bytes as they are and resets the connection.
func reset(rw http.ResponseWriter, raw string) {
	c, _, err := rw.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(c, raw) // it is broken anyhow
	if tcp, ok := c.(*net.TCPConn); ok && raw == "" {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

func testBrokenAnswers(t *testing.T, w *world) {
	m := w.manager()
	for name, broken := range brokenAnswers {
		for _, operation := range []string{"download", "download-parts", "download-ordered"} {
			o := w.operation(operation)
			var n atomic.Int32
			w.intercept(func(_ string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
				if n.Add(1) <= 2 {
					broken(next, rw, r)
					return
				}
				next.ServeHTTP(rw, r)
			})
			f, err := o.begin(w.ctx, m)
			if _, err = haul.Wait(f, err); err != nil {
				t.Errorf("%s of %s: %v", name, operation, err)
				continue
			}
			o.right(t)
		}
	}
}

// strictReader fails the test when it is read by two goroutines at once.
type strictReader struct {
	t      *testing.T
	r      io.Reader
	inside atomic.Int32
}

func (s *strictReader) Read(p []byte) (int, error) {
	if s.inside.Add(1) != 1 {
		s.t.Error("the stream is read by two at once")
	}
	defer s.inside.Add(-1)
	if len(p) > 100_000 {
		p = p[:100_000] // reads are short, as of a network
	}
	return s.r.Read(p)
}

func testStreamInOrder(t *testing.T, w *world) {
	const size = 8*part + 9
	m := w.manager(func(o *haul.Options) { o.MemoryLimit = 6 * part })
	second := make(chan struct{})
	var once sync.Once
	w.intercept(func(op string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("partNumber") {
		case "1": // is overtaken
			select {
			case <-second:
			case <-w.ctx.Done():
			}
		case "2":
			once.Do(func() { close(second) })
		}
		next.ServeHTTP(rw, r)
	})
	src := &strictReader{t: t, r: newPattern(size)}
	w.must(haul.Wait(m.Upload(w.ctx, haul.FromReader(src), w.put("in-order"))))
	o, _ := w.Fake.Object(w.Bucket, "in-order")
	same(t, "stream", o.Data, size)
}

// with200 answers 200 with an error in the body, as S3 does where it began its
// answer before it knew the outcome.
func with200(rw http.ResponseWriter, r *http.Request, code string) {
	_, _ = io.Copy(io.Discard, r.Body) // a body that breaks off is the client's affair
	fmt.Fprintf(rw, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\n  <Error><Code>%s</Code><Message>as the test wants it</Message></Error>", code)
}

func test200WithError(t *testing.T, w *world) {
	m := w.manager(func(o *haul.Options) { o.MaxAttempts = 3 })
	for _, c := range [][2]string{{"upload-parts", "CompleteMultipartUpload"}, {"upload-stream", "CompleteMultipartUpload"},
		{"copy", "CopyObject"}, {"copy-parts", "UploadPartCopy"}, {"copy-parts", "CompleteMultipartUpload"}} {
		for _, times := range []int32{1, 1000} {
			o := w.operation(c[0])
			var n atomic.Int32
			w.intercept(func(op string, next http.Handler, rw http.ResponseWriter, r *http.Request) {
				if op == c[1] && n.Add(1) <= times {
					with200(rw, r, "InternalError")
					return
				}
				next.ServeHTTP(rw, r)
			})
			f, err := o.begin(w.ctx, m)
			_, err = haul.Wait(f, err)
			what := strings.Join(c[:], " of ")
			if times == 1 {
				if err != nil {
					t.Errorf("%s, once: got %v, want success", what, err)
					continue
				}
				o.right(t)
				continue
			}
			var e *haul.RetriesExceededError
			if apiCode(err) != "InternalError" || !errors.As(err, &e) || e.Attempts != 3 {
				t.Errorf("%s: got %v, want InternalError after 3 attempts", what, err)
			}
			o.untouched(t)
			w.nothingOpen(t)
		}
	}
}
