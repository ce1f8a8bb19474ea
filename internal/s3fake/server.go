// Package s3fake is an in-memory S3 for tests: an http.Handler which is as strict as S3 is, or stricter, and which
// remembers every request as it came.
//
// Keys are kept raw: any sequence of up to 1,024 bytes, decoded once and never cleaned. Checksums, digests, lengths,
// aws-chunked framing, part sizes, conditions and SSE-C keys are all checked, and a request that breaks a rule gets
// the error document that S3 would send. Signatures are not verified unless Options.Verify does it.
//
// A request's way: parseAddress, newRecord, Server.Before, authorize, the handler of its operation. The operations
// are in handlers, and what each does is in the file named for its subject.
package s3fake

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Options says how a Server behaves. The zero value is a useful server.
type Options struct {
	// Domain turns on virtual-host style: a request to the host "bucket.<Domain>" is for that bucket. Other hosts
	// are served in path style, always.
	Domain string
	// Region is the region a signature's credential scope must name, and the location of the buckets. Empty: any
	// scope is taken, and the location is us-east-1.
	Region string
	// Owner is the account id that x-amz-expected-bucket-owner must name where it is sent. Empty: any.
	Owner string
	// RequireAuth refuses requests without a signature. It isn't verified; see Verify.
	RequireAuth bool
	// Verify judges a signed request before it is served; an error is answered with 403 SignatureDoesNotMatch.
	// bodyHash is the value of x-amz-content-sha256. It is called on the request's goroutine and must not read the
	// body. Nil: every signature is good.
	Verify func(r *http.Request, bodyHash string) error
	// MinPartSize is the least size in bytes of a part that is not the last. 0 means S3's own 5 MiB.
	MinPartSize int64
	// NoMD5 makes ETags from CRC64NVME, the size and a counter, since MD5 takes most of the time in tests of large
	// bodies. Such an ETag looks like another but is no MD5.
	NoMD5 bool
	// Discard counts and checks the bodies of PutObject and UploadPart, but keeps only their size. Reading such an
	// object back is an InternalError.
	Discard bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Server is a fake S3. Its methods may be called from any goroutine.
type Server struct {
	// Before, if set, sees each request before the server does. If it returns true it has answered. It is called on
	// the request's goroutine and must be set before requests arrive. rec is not to be changed.
	Before func(rec *Record, w http.ResponseWriter, r *http.Request) (handled bool)

	options Options // immutable, defaults filled in

	mu       sync.Mutex // guards all below; never held while a body is read or written
	buckets  map[string]*bucket
	uploads  map[string]*upload    // by id, open ones
	finished map[string]*completed // by id, for a Complete that is sent again
	records  []*record
	serial   uint64 // of versions, uploads, ETags and request ids
}

var _ http.Handler = (*Server)(nil)

// New returns a server with these buckets. It is served by httptest.NewServer or any http.Server, without a ServeMux
// in between: that would clean the paths.
func New(o Options, buckets ...string) *Server {
	if o.MinPartSize == 0 {
		o.MinPartSize = 5 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{options: o, buckets: map[string]*bucket{}, uploads: map[string]*upload{}, finished: map[string]*completed{}}
	for _, name := range buckets {
		s.CreateBucket(name)
	}
	return s
}

// call is one request being served. It belongs to the request's goroutine.
type call struct {
	address
	s     *Server
	w     http.ResponseWriter
	r     *http.Request
	rec   *record
	query url.Values
}

// handlers are the operations that the server has.
var handlers = map[string]func(*call) error{
	"AbortMultipartUpload":    (*call).abortMultipartUpload,
	"CompleteMultipartUpload": (*call).completeMultipartUpload,
	"CopyObject":              (*call).copyObject,
	"CreateBucket":            (*call).createBucket,
	"CreateMultipartUpload":   (*call).createMultipartUpload,
	"CreateSession":           (*call).createSession,
	"DeleteBucket":            (*call).deleteBucket,
	"DeleteObject":            (*call).deleteObject,
	"DeleteObjects":           (*call).deleteObjects,
	"GetBucketLocation":       (*call).getBucketLocation,
	"GetObject":               (*call).getObject,
	"GetObjectAttributes":     (*call).getObjectAttributes,
	"GetObjectTagging":        (*call).getObjectTagging,
	"HeadBucket":              (*call).headBucket,
	"HeadObject":              (*call).getObject,
	"ListBuckets":             (*call).listBuckets,
	"ListMultipartUploads":    (*call).listMultipartUploads,
	"ListObjectsV2":           (*call).listObjectsV2,
	"ListParts":               (*call).listParts,
	"PutBucketVersioning":     (*call).putBucketVersioning,
	"PutObject":               (*call).putObject,
	"PutObjectTagging":        (*call).putObjectTagging,
	"UploadPart":              (*call).uploadPart,
	"UploadPartCopy":          (*call).uploadPartCopy,
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, addressErr := parseAddress(r, s.options.Domain)
	rec := s.newRecord(r, a)
	c := &call{address: a, s: s, w: &recordingWriter{ResponseWriter: w, s: s, rec: rec}, r: r, rec: rec, query: rec.Query}
	h := c.w.Header()
	id := s.nextSerial()
	h.Set("X-Amz-Request-Id", fmt.Sprintf("FAKE%012X", id))
	h.Set("X-Amz-Id-2", fmt.Sprintf("fake/host+id/%016x=", id))
	h.Set("Server", "AmazonS3")
	if s.Before != nil && s.Before(&rec.Record, c.w, r) {
		return
	}
	err := addressErr
	if err == nil {
		err = c.serve()
	}
	if err != nil && err != errGone {
		c.drain()
		c.writeError(err)
	}
}

func (c *call) serve() error {
	if err := c.authorize(); err != nil {
		return err
	}
	handle, ok := handlers[c.rec.Op]
	if !ok {
		return fail("NotImplemented", "A header or query you provided implies functionality that is not implemented", "Operation", c.rec.Op)
	}
	if c.r.Header.Get("X-Amz-Request-Payer") == "requester" {
		c.w.Header().Set("X-Amz-Request-Charged", "requester")
	}
	return handle(c)
}

// drain reads what is left of a body before an error is answered, so that a client which first sends all and then
// listens gets the answer and not a reset. A client that waits for 100 Continue is not asked to send.
func (c *call) drain() {
	if c.r.Header.Get("Expect") == "" || c.rec.read.Load() > 0 {
		io.Copy(io.Discard, c.r.Body) // whatever breaks here breaks the answer too
	}
}

func (s *Server) nextSerial() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nextSerialLocked()
}

func (s *Server) nextSerialLocked() uint64 {
	s.serial++
	return s.serial
}
