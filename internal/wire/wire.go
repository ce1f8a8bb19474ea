// Package wire carries HTTP/1.1 exchanges: one request, its body, its answer.
// Exchange is the seam; NetHTTP carries it over an http.RoundTripper, the
// user's own or one that New builds with haul's TLS settings and connection
// pool. Signing, retrying and S3 itself are not known here.
package wire

import (
	"context"
	"io"
	"net/http"
)

// Exchange sends requests and receives answers. It is safe for concurrent use.
type Exchange interface {
	// Do sends one request and returns its answer as soon as the head is there.
	// The caller closes the answer's Body, which gives the connection back if
	// it was read to its end and drops it if not. Do owns r.Body until it
	// returns, or, if the server answered before it had read all of it, until
	// the answer's Body is closed. When ctx ends, Do and a read of the answer's
	// body return promptly with context.Cause(ctx) in the error.
	Do(ctx context.Context, r *Request) (*Response, error)
	// CloseIdle closes the connections that carry nothing.
	CloseIdle()
}

// Preparer is an Exchange that can open connections before they are needed.
type Preparer interface {
	// Prepare sees to it that n connections to a host, idle or being opened, are
	// there, and opens at most one for that. It returns when that one is open,
	// or has failed, which is for a request to find out, or when ctx has ended.
	Prepare(ctx context.Context, scheme, host string, n int)
}

// Request is one request. The exchange doesn't change it and keeps nothing of
// it after Do.
type Request struct {
	Method   string
	Scheme   string // "http" or "https"
	Host     string // host, and port if it isn't the scheme's
	Path     string // escaped, byte for byte as it goes on the wire; begins with a slash
	RawQuery string // strictly encoded, without the question mark
	// Header has every header but Host and Content-Length.
	Header http.Header
	// ContentLength is the exact length of Body; 0 with a nil Body.
	ContentLength int64
	// Body is read once, in order. Nil for none. Do waits for a Read that is
	// under way, so a Read must return soon after ctx has ended.
	Body io.Reader
}

// Response is the head of an answer and its body.
type Response struct {
	Status        int
	Header        http.Header
	ContentLength int64 // -1: not announced
	Body          io.ReadCloser
}
