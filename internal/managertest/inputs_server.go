package managertest

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"

	"github.com/haul-s3/haul/internal/s3fake"
)

// pliant answers for a server that would rightly refuse telling values: writes
// as if they had been done, and reads by the server behind it, which doesn't
// see the values.
type pliant struct {
	values []string
	fail   string // an operation to refuse, or ""
	target string // the key that is written

	mu   sync.Mutex
	seen []seenRequest // guarded by mu
}

func (p *pliant) requests() []seenRequest {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

// serve notes a request and answers it.
func (p *pliant) serve(behind http.Handler, w http.ResponseWriter, r *http.Request) {
	bucket, key, _ := s3fake.SplitAddress(r, "")
	op := s3fake.OpName(r.Method, bucket != "", key != "", r.URL.Query(), r.Header)
	reads := op == "GetObject" || op == "HeadObject" || op == "GetObjectTagging"
	if reads || key == p.target {
		p.mu.Lock()
		p.seen = append(p.seen, seenRequest{op, r.Header.Clone(), r.URL.Query()})
		p.mu.Unlock()
	}
	if reads {
		p.strip(r)
		behind.ServeHTTP(w, r)
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	if op == p.fail {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, "<Error><Code>AccessDenied</Code><Message>refused by the test</Message></Error>")
		return
	}
	w.Header().Set("Etag", `"written"`)
	if answer, ok := writeAnswers[op]; ok {
		fmt.Fprint(w, answer)
		return
	}
	if op == "ListParts" {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "<Error><Code>NoSuchUpload</Code></Error>")
	}
}

var writeAnswers = map[string]string{
	"CreateMultipartUpload":   "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
	"CompleteMultipartUpload": `<CompleteMultipartUploadResult><ETag>"written"</ETag></CompleteMultipartUploadResult>`,
	"CopyObject":              `<CopyObjectResult><ETag>"written"</ETag></CopyObjectResult>`,
	"UploadPartCopy":          `<CopyPartResult><ETag>"written"</ETag></CopyPartResult>`,
}

// strip takes the telling values out of a request.
func (p *pliant) strip(r *http.Request) {
	for name, values := range r.Header {
		if name != "Range" && slices.ContainsFunc(values, func(v string) bool { return slices.Contains(p.values, v) }) {
			r.Header.Del(name)
		}
	}
	query := r.URL.Query()
	for name, values := range query {
		if slices.ContainsFunc(values, func(v string) bool { return slices.Contains(p.values, v) }) {
			query.Del(name)
		}
	}
	r.URL.RawQuery = query.Encode()
}
