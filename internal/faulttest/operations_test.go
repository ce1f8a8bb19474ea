package faulttest

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/s3fault"
)

// operation is one kind of request, and a transfer in which it occurs.
type operation struct {
	name string
	// is says whether a fault may meet a call.
	is func(c *s3fault.Call) bool
	// sends, tells: the request, the answer has a body; object: it is an object's.
	sends, tells, object bool
	// cleans says that the transfer has failed already for another reason.
	cleans bool
	// unproven says that the store tells no checksum of these bytes.
	unproven bool
	options  func(o *haul.Options)
	rules    func() []*s3fault.Rule
	begin    func(ctx context.Context, s *stage) (*haul.Future, error)
	// right says whether the transfer has done what it should.
	right func(s *stage) bool
}

func is(op string) func(c *s3fault.Call) bool { return s3fault.Is(op) }

func isPart1(op string) func(c *s3fault.Call) bool {
	return func(c *s3fault.Call) bool { return c.Op == op && c.Part == 1 }
}

// inLastPiece is true of requests for a small object's last range, from any
// byte of it.
func inLastPiece(c *s3fault.Call) bool { return c.Op == "GetObject" && c.Start >= small-piece }

var operations = []operation{
	{name: "PutObject", is: is("PutObject"), sends: true, object: true, begin: putSmall, right: stored(smallData)},
	{name: "CreateMultipartUpload", is: is("CreateMultipartUpload"), tells: true, begin: putBig, right: stored(bigData)},
	{name: "UploadPart", is: isPart1("UploadPart"), sends: true, object: true, begin: putBig, right: stored(bigData)},
	{name: "CompleteMultipartUpload", is: is("CompleteMultipartUpload"), sends: true, tells: true, begin: putBig, right: stored(bigData)},
	{name: "AbortMultipartUpload", is: is("AbortMultipartUpload"), cleans: true, rules: partsDenied, begin: putBig, right: stored(bigData)},
	{name: "ListParts", is: is("ListParts"), tells: true, cleans: true, rules: partsDenied, begin: putBig, right: stored(bigData)},
	{name: "GetObject", is: is("GetObject"), tells: true, object: true, begin: get(""), right: fetched(smallData)},
	{name: "GetObject of a range", is: is("GetObject"), tells: true, object: true, unproven: true, begin: get("bytes=1000-200999"), right: fetched(smallData[1000:201_000])},
	{name: "GetObject of a part", is: inLastPiece, tells: true, object: true, options: inPieces, rules: firstLaneWaits, begin: get(""), right: fetched(smallData)},
	{name: "HeadObject", is: is("HeadObject"), begin: copyOf("small"), right: stored(smallData)},
	{name: "CopyObject", is: is("CopyObject"), tells: true, begin: copyOf("small"), right: stored(smallData)},
	{name: "UploadPartCopy", is: isPart1("UploadPartCopy"), tells: true, begin: copyOf("big"), right: stored(bigData)},
	{name: "DeleteObject", is: is("DeleteObject"), begin: remove, right: removed},
}

func inPieces(o *haul.Options) { o.PartSize, o.MultipartThreshold = piece, piece }

// partsDenied makes uploads fail, so that they are aborted.
func partsDenied() []*s3fault.Rule {
	return []*s3fault.Rule{{If: is("UploadPart"), F: s3fault.Fault{Name: "denied", Status: http.StatusForbidden, Code: "AccessDenied", ReadBody: true}}}
}

// firstLaneWaits holds the plain GET in its first piece until the last one is
// asked for, so that another lane has it.
func firstLaneWaits() []*s3fault.Rule {
	asked := make(chan struct{})
	var once sync.Once
	note := func(c *s3fault.Call) bool {
		if inLastPiece(c) {
			once.Do(func() { close(asked) })
		}
		return false
	}
	plain := func(c *s3fault.Call) bool { return c.Op == "GetObject" && c.Start < 0 }
	return []*s3fault.Rule{{If: note}, {If: plain, F: s3fault.Fault{Name: "held", Answer: func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		a := answerOf(r, pass)
		for name, values := range a.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(a.Code)
		body := a.Body.Bytes()
		_, _ = w.Write(body[:piece/2]) // a client that went away shows in the outcome
		_ = http.NewResponseController(w).Flush()
		patience := time.NewTimer(5 * time.Second)
		defer patience.Stop()
		select {
		case <-asked:
		case <-patience.C:
		case <-r.Context().Done():
		}
		_, _ = w.Write(body[piece/2:])
	}}}}
}

// answerOf is the store's own answer.
func answerOf(r *http.Request, pass http.Handler) *httptest.ResponseRecorder {
	a := httptest.NewRecorder()
	pass.ServeHTTP(a, r)
	return a
}

func putSmall(ctx context.Context, s *stage) (*haul.Future, error) {
	return s.manager.Upload(ctx, haul.FromBytes(smallData), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("target")})
}

func putBig(ctx context.Context, s *stage) (*haul.Future, error) {
	return s.manager.Upload(ctx, haul.FromFile(sourceFile), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("target")})
}

func get(r string) func(ctx context.Context, s *stage) (*haul.Future, error) {
	return func(ctx context.Context, s *stage) (*haul.Future, error) {
		in := &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("small")}
		if r != "" {
			in.Range = &r
		}
		return s.manager.Download(ctx, in, haul.ToFile(filepath.Join(s.dir, "target")))
	}
}

func copyOf(key string) func(ctx context.Context, s *stage) (*haul.Future, error) {
	return func(ctx context.Context, s *stage) (*haul.Future, error) {
		return s.manager.Copy(ctx, &s3.CopyObjectInput{Bucket: aws.String(bucket), Key: aws.String("target"), CopySource: aws.String(bucket + "/" + key)})
	}
}

func remove(ctx context.Context, s *stage) (*haul.Future, error) {
	return s.manager.Delete(ctx, &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("doomed")})
}

func stored(want []byte) func(s *stage) bool {
	return func(s *stage) bool {
		o, ok := s.fake.Object(bucket, "target")
		return ok && bytes.Equal(o.Data, want)
	}
}

func removed(s *stage) bool {
	_, ok := s.fake.Object(bucket, "doomed")
	return !ok
}

func fetched(want []byte) func(s *stage) bool {
	return func(s *stage) bool {
		got, err := os.ReadFile(filepath.Join(s.dir, "target"))
		return err == nil && bytes.Equal(got, want)
	}
}
