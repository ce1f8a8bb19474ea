package s3fake

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
)

// Record is one request as the server saw it.
type Record struct {
	Op            string     // as OpName has it
	Bucket        string     // empty for requests to the service itself
	Key           string     // decoded, empty for requests to a bucket
	Method        string     //
	Path          string     // raw, as on the request line, without the query
	Query         url.Values // decoded
	Header        http.Header
	Host          string
	ContentLength int64 // -1: unknown
	BodyBytes     int64 // bytes of the request's body that were read, aws-chunked framing included
	Body          []byte
	Status        int // 0 until it is answered
	RemoteAddr    string
}

// record is the server's own copy, still changing while its request runs.
type record struct {
	Record              // immutable but for Body and Status, which Server.mu guards
	read   atomic.Int64 // body bytes so far
}

// Requests returns all requests since the start or the last Reset in the order they came in, unfinished ones included
// (their Status is 0). Body is set for XML bodies only, those of CompleteMultipartUpload for example. The headers are
// shared: look, but don't change them.
func (s *Server) Requests() []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Record, len(s.records))
	for i, r := range s.records {
		out[i] = r.Record
		out[i].BodyBytes = r.read.Load()
	}
	return out
}

// Count is the number of requests of the operation since the start or the last Reset.
func (s *Server) Count(op string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records {
		if r.Op == op {
			n++
		}
	}
	return n
}

// Reset forgets the requests so far. Buckets, objects and uploads stay.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = nil
}

// Clear forgets all objects and uploads, and the requests too. The buckets stay.
func (s *Server) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.buckets {
		clear(b.objects)
	}
	clear(s.uploads)
	clear(s.finished)
	s.records = nil
}

// newRecord notes a request and makes its body count.
func (s *Server) newRecord(r *http.Request, a address) *record {
	query := r.URL.Query()
	rec := &record{Record: Record{
		Op:     OpName(r.Method, a.bucket != "", a.key != "", query, r.Header),
		Bucket: a.bucket, Key: a.key, Method: r.Method, Path: a.path, Query: query, Header: r.Header.Clone(),
		Host: r.Host, ContentLength: r.ContentLength, RemoteAddr: r.RemoteAddr,
	}}
	r.Body = &countingBody{ReadCloser: r.Body, n: &rec.read}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records, rec)
	return rec
}

// countingBody counts the bytes read through it.
type countingBody struct {
	io.ReadCloser
	n *atomic.Int64
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n.Add(int64(n))
	return n, err
}

// recordingWriter notes the status before the client can see it.
type recordingWriter struct {
	http.ResponseWriter
	s       *Server
	rec     *record
	written bool
}

// Unwrap serves http.ResponseController.
func (w *recordingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recordingWriter) WriteHeader(status int) {
	if !w.written && status >= 200 {
		w.written = true
		w.s.mu.Lock()
		w.rec.Status = status
		w.s.mu.Unlock()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recordingWriter) Write(p []byte) (int, error) {
	if !w.written {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// objectOps names the requests to an object: by method, then by the query parameter that makes the difference. The
// first that fits counts.
var objectOps = map[string][]struct{ param, op string }{
	http.MethodPut: {{"uploadId", "UploadPart"}, {"tagging", "PutObjectTagging"}, {"acl", "PutObjectAcl"},
		{"retention", "PutObjectRetention"}, {"legal-hold", "PutObjectLegalHold"}, {"", "PutObject"}},
	http.MethodPost: {{"uploads", "CreateMultipartUpload"}, {"uploadId", "CompleteMultipartUpload"},
		{"restore", "RestoreObject"}, {"select", "SelectObjectContent"}},
	http.MethodDelete: {{"uploadId", "AbortMultipartUpload"}, {"tagging", "DeleteObjectTagging"}, {"", "DeleteObject"}},
	http.MethodGet: {{"uploadId", "ListParts"}, {"tagging", "GetObjectTagging"}, {"attributes", "GetObjectAttributes"},
		{"acl", "GetObjectAcl"}, {"retention", "GetObjectRetention"}, {"legal-hold", "GetObjectLegalHold"}, {"", "GetObject"}},
	http.MethodHead: {{"", "HeadObject"}},
}

// bucketOps does the same for requests to a bucket.
var bucketOps = map[string][]struct{ param, op string }{
	http.MethodPut:    {{"versioning", "PutBucketVersioning"}, {"", "CreateBucket"}},
	http.MethodPost:   {{"delete", "DeleteObjects"}},
	http.MethodDelete: {{"", "DeleteBucket"}},
	http.MethodGet: {{"session", "CreateSession"}, {"location", "GetBucketLocation"}, {"uploads", "ListMultipartUploads"},
		{"versioning", "GetBucketVersioning"}, {"versions", "ListObjectVersions"}, {"list-type", "ListObjectsV2"}, {"", "ListObjects"}},
	http.MethodHead: {{"", "HeadBucket"}},
}

// OpName is the name of the S3 operation that a request asks for, spelled as in the S3 API Reference; the method
// where S3 has no such operation. hasBucket and hasKey say what the request's address names.
func OpName(method string, hasBucket, hasKey bool, query url.Values, h http.Header) string {
	table := bucketOps
	switch {
	case hasKey:
		table = objectOps
	case !hasBucket && method == http.MethodGet:
		return "ListBuckets"
	case !hasBucket:
		return method
	}
	row := table[method]
	i := slices.IndexFunc(row, func(e struct{ param, op string }) bool { return e.param == "" || query.Has(e.param) })
	if i < 0 {
		return method
	}
	op := row[i].op
	if h.Get("X-Amz-Copy-Source") != "" {
		switch op {
		case "PutObject":
			return "CopyObject"
		case "UploadPart":
			return "UploadPartCopy"
		}
	}
	return op
}
