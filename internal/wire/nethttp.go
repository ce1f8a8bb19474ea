package wire

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"
)

// NetHTTP is an Exchange over an http.RoundTripper: full compatibility, with
// proxies and with the user's own transports.
//
// An answer that comes before the body was sent is reported if the
// RoundTripper reports it. Over a transport of NewTransport it does, also where
// the server then resets the connection; a plain http.Transport may lose the
// answer to the broken pipe in that case.
type NetHTTP struct{ rt http.RoundTripper }

// NewNetHTTP returns an exchange over rt, which must follow no redirects (a
// RoundTripper doesn't).
func NewNetHTTP(rt http.RoundTripper) *NetHTTP { return &NetHTTP{rt} }

// Do sends one request over the RoundTripper.
func (n *NetHTTP) Do(ctx context.Context, r *Request) (*Response, error) {
	body := &requestBody{r: r.Body}
	hr := (&http.Request{
		Method: r.Method, Host: r.Host, Header: r.Header, URL: requestURL(r),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	asIs(hr)
	if r.Body != nil && r.ContentLength > 0 {
		hr.ContentLength, hr.Body = r.ContentLength, body
	}
	resp, err := n.rt.RoundTrip(hr)
	if err != nil {
		_ = body.Close() // a transport may still be reading it
		return nil, withCause(ctx, err)
	}
	return &Response{
		Status: resp.StatusCode, Header: resp.Header, ContentLength: resp.ContentLength,
		Body: &responseBody{ctx: ctx, rc: resp.Body, sent: body},
	}, nil
}

// asIs asks for the stored bytes. A transport that finds no Accept-Encoding asks
// for gzip by itself, and then decompresses objects that are stored so.
func asIs(r *http.Request) {
	const name, identity = "Accept-Encoding", "identity"
	switch {
	case r.Header == nil:
		r.Header = http.Header{name: {identity}}
	case r.Header[name] == nil:
		r.Header = r.Header.Clone() // the caller's
		r.Header[name] = []string{identity}
	}
}

// CloseIdle closes idle connections, where the RoundTripper can.
func (n *NetHTTP) CloseIdle() {
	if c, ok := n.rt.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// requestURL is the request's URL in a form that net/url passes on byte for
// byte as it was signed, to a server ("/path") and to a proxy
// ("http://host/path") alike.
func requestURL(r *Request) *url.URL {
	u := &url.URL{Scheme: r.Scheme, Host: r.Host, RawPath: r.Path, RawQuery: r.RawQuery}
	if path, err := url.PathUnescape(r.Path); err == nil {
		if u.Path = path; u.EscapedPath() == r.Path {
			return u
		}
	}
	// net/url would escape this path anew, so it goes as it is. With the host
	// before it no part of it can be taken for one.
	return &url.URL{Scheme: r.Scheme, Host: r.Host, Opaque: "//" + r.Host + r.Path, RawQuery: r.RawQuery}
}

// withCause makes the reason of a cancelled context visible in a transport's
// error, which may or may not tell.
func withCause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return errors.Join(cause, err)
	}
	return err
}

// requestBody is the request's body as net/http wants it. After Close nobody is
// in the caller's reader, whatever the transport still does.
type requestBody struct {
	mu     sync.Mutex // held during a read
	r      io.Reader
	closed bool // guarded by mu
}

func (b *requestBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.r.Read(p)
}

// Close waits for a read that is under way, and lets no other begin.
func (b *requestBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

// responseBody reports the cause of a cancelled context and, once closed, that
// the request's body is done with too.
type responseBody struct {
	ctx  context.Context // the exchange's: its life is this body's
	rc   io.ReadCloser
	sent *requestBody
}

func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.rc.Read(p)
	if err != nil && err != io.EOF {
		err = withCause(b.ctx, err)
	}
	return n, err
}

func (b *responseBody) Close() error {
	err := b.rc.Close()
	_ = b.sent.Close()
	return err
}
