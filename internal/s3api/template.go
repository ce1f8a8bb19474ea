package s3api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// AuthScheme says how a request is signed.
type AuthScheme string

// The signing schemes that the SDK's endpoint rules choose between.
const (
	AuthNone         AuthScheme = "none"          // anonymous
	AuthSigV4        AuthScheme = "sigv4"         // AWS Signature Version 4
	AuthSigV4Express AuthScheme = "sigv4-express" // the same with an S3 Express session token
	AuthSigV4A       AuthScheme = "sigv4a"        // asymmetric, for multi-region access points
)

// Credentials are what a request is signed with. The zero value is anonymous.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	// Expires is when they end; zero means never or unknown.
	Expires time.Time
}

// CredentialsFunc returns the credentials of the moment. It may be called from
// any goroutine and is called for every attempt, so it should cache. refresh
// asks for new ones because the last were refused as expired.
type CredentialsFunc func(ctx context.Context, refresh bool) (Credentials, error)

// Template is what one SDK call serializes to, just before it is signed: the
// resolved endpoint, the headers, how to sign and with what. It is immutable
// once made; the engine derives the requests of a transfer from it with Clone.
type Template struct {
	Op     Operation
	Method string
	// URL has scheme, host, the escaped path (RawPath/Path as sent) and the
	// query, strictly encoded.
	URL *url.URL
	// Header has what the SDK would send, without Host, Content-Length,
	// Authorization, X-Amz-Date, X-Amz-Content-Sha256 and what belongs to a
	// single SDK attempt (Amz-Sdk-*).
	Header http.Header
	// Body is the body of operations whose body is XML; nil for those whose
	// body is the object's.
	Body []byte

	// Auth, SigningName and SigningRegion say how the request is signed. For
	// AuthSigV4A SigningRegion is the region set.
	Auth          AuthScheme
	SigningName   string
	SigningRegion string
	// Credentials is the source of credentials; nil with AuthNone.
	Credentials CredentialsFunc

	// Reregion returns the same template for another region, resolved by the
	// endpoint rules again, after S3 has answered that the bucket lives there.
	// With a custom endpoint only the signing region changes. Nil when the
	// serializer can't.
	Reregion func(ctx context.Context, region string) (*Template, error)
}

// Clone returns a copy whose URL and Header may be changed freely. Its Body may
// be replaced, and not written to.
func (t *Template) Clone() *Template {
	c := *t
	u := *t.URL
	c.URL = &u
	if c.Header = t.Header.Clone(); c.Header == nil {
		c.Header = http.Header{}
	}
	return &c
}

// Response is an answer of S3 as the engine received it.
type Response struct {
	Status int
	Header http.Header
	// Body is the whole body of an answer that carries XML, or of an error, cut
	// at MaxBufferedBody; nil for a GetObject's bytes, which went to the sink.
	Body []byte
	// ContentLength is the length that the server announced, -1 if none.
	ContentLength int64
}

// MaxBufferedBody bounds what is read of an answer that is no object: S3's XML
// answers are a few kilobytes, and a hostile server must not fill the memory.
const MaxBufferedBody = 1 << 20

// MaxErrorBody bounds what is read of an error: the longest of S3's has the
// canonical request in it, of a few kilobytes, and a decoder may need a hundred
// times the size of what it reads.
const MaxErrorBody = 64 << 10

// HTTP returns the response in net/http's form, for those who decode it.
func (r *Response) HTTP() *http.Response {
	return &http.Response{
		StatusCode: r.Status, Status: strconv.Itoa(r.Status) + " " + http.StatusText(r.Status),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: r.Header, ContentLength: int64(len(r.Body)),
		Body: io.NopCloser(bytes.NewReader(r.Body)),
	}
}

// Serializer turns operations of the AWS SDK into request templates, and answers
// into the SDK's outputs and errors. Implementations are safe for concurrent use.
type Serializer interface {
	// Serialize resolves the endpoint and forms the unsigned request of one
	// operation; in is a pointer to the SDK's input of that operation. It sends
	// nothing, but may fetch credentials (S3 Express sessions do).
	Serialize(ctx context.Context, op Operation, in any) (*Template, error)
	// Decode returns the SDK's output of an answer with a 2xx status, or the
	// SDK's error for any other (and for a 200 that carries an error).
	Decode(ctx context.Context, op Operation, resp *Response) (out any, err error)
}
