package managertest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// recorder is an S3 that exists only as a RoundTripper: it notes each request
// and gives an answer that every client is content with. Any host will do, so
// that requests to Amazon's own endpoints can be looked at.
type recorder struct {
	size int64 // of every object

	mu     sync.Mutex
	seen   []sent        // guarded by mu
	ranged int           // ranges asked for; guarded by mu
	enough chan struct{} // closed when all ranges but the first were asked for
}

// sent is a request as it was handed over for sending.
type sent struct {
	request *http.Request // its body is used up
	body    []byte        // the beginning of it
}

// documentMax is more than any document of the golden requests has.
const documentMax = 64 << 10

// blank is what all objects of the golden requests consist of.
var blank = make([]byte, large)

// parts is how many parts the recorder's objects have.
func (r *recorder) parts() int { return int((r.size + goldenPart - 1) / goldenPart) }

const goldenPart = 5 << 20

func newRecorder(size int64) *recorder { return &recorder{size: size, enough: make(chan struct{})} }

// RoundTrip notes a request and answers it.
func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	var body []byte
	if q.Body != nil {
		var err error
		if body, err = io.ReadAll(io.LimitReader(q.Body, documentMax)); err != nil {
			return nil, err
		}
		if _, err = io.Copy(io.Discard, q.Body); err != nil {
			return nil, err
		}
		q.Body.Close()
	}
	if !strings.Contains(q.Header.Get("Authorization"), "accept-encoding") {
		q = q.Clone(q.Context())
		q.Header.Del("Accept-Encoding") // unsigned: net/http's exchange adds it, not whoever formed the request
	}
	r.mu.Lock()
	r.seen = append(r.seen, sent{q.Clone(context.WithoutCancel(q.Context())), body})
	r.mu.Unlock()
	a := r.answer(q)
	a.Request, a.Proto, a.ProtoMajor, a.ProtoMinor = q, "HTTP/1.1", 1, 1
	return a, nil
}

func (r *recorder) answer(q *http.Request) *http.Response {
	h := http.Header{"Etag": {`"etag"`}, "Content-Type": {"text/plain"}}
	query := q.URL.Query()
	switch {
	case q.Method == http.MethodGet && query.Has("session"):
		return xmlAnswer(h, sessionAnswer)
	case q.Method == http.MethodGet && query.Has("tagging"):
		return xmlAnswer(h, "<Tagging><TagSet></TagSet></Tagging>")
	case q.Method == http.MethodGet, q.Method == http.MethodHead:
		return r.object(q, h)
	case query.Has("uploads"):
		return xmlAnswer(h, "<InitiateMultipartUploadResult><UploadId>up+load/id==</UploadId></InitiateMultipartUploadResult>")
	case q.Method == http.MethodPost:
		return xmlAnswer(h, `<CompleteMultipartUploadResult><ETag>"etag"</ETag></CompleteMultipartUploadResult>`)
	case q.Header.Get("X-Amz-Copy-Source") != "" && query.Has("partNumber"):
		return xmlAnswer(h, `<CopyPartResult><ETag>"etag"</ETag></CopyPartResult>`)
	case q.Header.Get("X-Amz-Copy-Source") != "":
		return xmlAnswer(h, `<CopyObjectResult><ETag>"etag"</ETag></CopyObjectResult>`)
	case q.Method == http.MethodDelete:
		return &http.Response{StatusCode: http.StatusNoContent, Header: h, Body: http.NoBody}
	}
	return xmlAnswer(h, "")
}

const sessionAnswer = `<CreateSessionResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Credentials>
<SessionToken>session-token</SessionToken><SecretAccessKey>session-secret</SecretAccessKey>
<AccessKeyId>SESSIONKEY</AccessKeyId><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></CreateSessionResult>`

func xmlAnswer(h http.Header, body string) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Header: h, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body))}
}

// object answers a GET or a HEAD. The answer to a whole GET doesn't move on
// before the other lanes have asked for their ranges, so that the requests of a
// download are always the same.
func (r *recorder) object(q *http.Request, h http.Header) *http.Response {
	a := &http.Response{StatusCode: http.StatusOK, Header: h, ContentLength: r.size, Body: http.NoBody}
	first, last := int64(0), r.size-1
	ranged := q.Header.Get("Range") != ""
	if ranged {
		fmt.Sscanf(q.Header.Get("Range"), "bytes=%d-%d", &first, &last)
		a.StatusCode, a.ContentLength = http.StatusPartialContent, last-first+1
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, r.size))
		r.mu.Lock()
		if r.ranged++; r.ranged == r.parts()-1 {
			close(r.enough)
		}
		r.mu.Unlock()
	}
	h.Set("Content-Length", strconv.FormatInt(a.ContentLength, 10))
	if q.Method == http.MethodHead {
		return a
	}
	b := blank[:a.ContentLength]
	a.Body = io.NopCloser(bytes.NewReader(b))
	if !ranged && r.parts() > 1 {
		a.Body = io.NopCloser(&patient{q.Context(), r.enough, bytes.NewReader(b)})
	}
	return a
}

// patient gives nothing before its time has come.
type patient struct {
	ctx  context.Context
	when <-chan struct{}
	io.Reader
}

func (p *patient) Read(b []byte) (int, error) {
	select {
	case <-p.when:
	case <-p.ctx.Done():
		return 0, context.Cause(p.ctx)
	}
	return p.Reader.Read(b)
}

// requests are those noted, in an order that doesn't depend on the lanes.
func (r *recorder) requests() []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := slices.Clone(r.seen)
	slices.SortStableFunc(out, func(a, b sent) int { return strings.Compare(a.id(), b.id()) })
	return out
}

// order is that of a transfer.
var order = []string{"session", "head", "get", "copy", "uploads", "part", "post", "put", "delete"}

// id tells the requests of a transfer apart.
func (s sent) id() string {
	q := s.request.URL.Query()
	kind := strings.ToLower(s.request.Method)
	switch {
	case q.Has("session"):
		kind = "session"
	case q.Has("uploads"):
		kind = "uploads"
	case q.Has("partNumber") && q.Has("uploadId"):
		kind = "part"
	}
	return fmt.Sprintf("%02d %s %5s %s %s", slices.Index(order, kind), kind, q.Get("partNumber"), s.request.Header.Get("Range"), s.request.URL.Path)
}
