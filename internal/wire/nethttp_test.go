package wire_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/haul-s3/haul/internal/wire"
)

// seen is what a server saw of a request.
type seen struct {
	uri, host     string
	proto         string
	contentLength string
	encodings     []string
	body          string
	remote        string
}

// recorder is a server that tells what it saw.
func recorder(t *testing.T) (*httptest.Server, <-chan seen) {
	t.Helper()
	ch := make(chan seen, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		ch <- seen{r.RequestURI, r.Host, r.Proto, r.Header.Get("Content-Length"), r.TransferEncoding, string(b), r.RemoteAddr}
		_, _ = io.WriteString(w, "answer")
	}))
	t.Cleanup(server.Close)
	return server, ch
}

func newExchange(t *testing.T, change func(*http.Transport)) *wire.NetHTTP {
	t.Helper()
	transport, err := wire.NewTransport(wire.Config{MaxIdle: 10})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(transport)
	}
	n := wire.NewNetHTTP(transport)
	t.Cleanup(n.CloseIdle)
	return n
}

func request(server *httptest.Server, path string) *wire.Request {
	scheme, host, _ := strings.Cut(server.URL, "://")
	return &wire.Request{Method: http.MethodGet, Scheme: scheme, Host: host, Path: path, Header: http.Header{}}
}

// mustDo sends a request and reads its answer to the end.
func mustDo(t *testing.T, n *wire.NetHTTP, r *wire.Request) (status int, body string) {
	t.Helper()
	resp, err := n.Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	return resp.Status, string(b)
}

// What is signed is what arrives: directly, and as an absolute URL at a proxy.
func TestPathsByteForByte(t *testing.T) {
	server, requests := recorder(t)
	proxyURL, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	exchanges := map[string]*wire.NetHTTP{
		"direct": newExchange(t, nil),
		"proxy":  newExchange(t, func(h *http.Transport) { h.Proxy = http.ProxyURL(proxyURL) }),
		"plain":  wire.NewNetHTTP(&http.Transport{}),
	}
	for _, path := range []string{
		"/", "/b", "/b/a%20b", "/b/a+b", "/b/a%2Bb", "/b/a%2Fb", "/b//a", "/b/a/", "/b/%3Fa", "/b/%23a", "/b/%25", "//", "//b/a", "///a",
		"/b/%C3%A9", "/b/%c3%a9", "/b/./a", "/b/../a", "/b/%2E%2E/a", "/b/a:b@c,d;e=f&g", "/b/!'()*", "/b/a~b", "/b/%7Eb", "/b/[a]",
		"/b/é", "/b/\"a\"", "/b/^`{|}",
	} {
		for _, query := range []string{"", "partNumber=1&uploadId=a%2Bb%3D%2F", "delete=", "acl"} {
			for name, n := range exchanges {
				r := request(server, path)
				r.RawQuery = query
				r.Header.Set("Range", "bytes=0-0")
				mustDo(t, n, r)
				got := <-requests
				want := path
				if query != "" {
					want += "?" + query
				}
				uri := got.uri
				// net/url would escape these anew, so that they go in absolute form.
				if name == "proxy" || strings.ContainsAny(path, "é\"^`") {
					uri = strings.TrimPrefix(uri, server.URL)
				}
				if uri != want {
					t.Errorf("%s: got %q on the wire, want %q", name, got.uri, want)
				}
				if name == "proxy" && uri == got.uri {
					t.Errorf("proxy: got %q, want an absolute URL", got.uri)
				}
				if got.host != r.Host || got.proto != "HTTP/1.1" {
					t.Errorf("%s: got host %q over %s, want %q over HTTP/1.1", name, got.host, got.proto, r.Host)
				}
			}
		}
	}
}

func TestContentLength(t *testing.T) {
	server, requests := recorder(t)
	n := newExchange(t, nil)
	big := strings.Repeat("0123456789abcdef", 1<<16)
	for name, tc := range map[string]struct {
		method string
		body   io.Reader
		length int64
		want   string // the Content-Length that arrives
	}{
		"get":            {http.MethodGet, nil, 0, ""},
		"delete":         {http.MethodDelete, nil, 0, ""},
		"put-nothing":    {http.MethodPut, nil, 0, "0"},
		"put-empty":      {http.MethodPut, strings.NewReader(""), 0, "0"},
		"post-nothing":   {http.MethodPost, nil, 0, "0"},
		"put-some":       {http.MethodPut, strings.NewReader("some"), 4, "4"},
		"put-much":       {http.MethodPut, strings.NewReader(big), int64(len(big)), "1048576"},
		"put-of-unknown": {http.MethodPut, io.LimitReader(strings.NewReader(big), 100), 100, "100"},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(server, "/b/k")
			r.Method, r.Body, r.ContentLength, r.Header = tc.method, tc.body, tc.length, nil
			mustDo(t, n, r)
			got := <-requests
			if got.contentLength != tc.want || len(got.encodings) != 0 || int64(len(got.body)) != tc.length {
				t.Errorf("got Content-Length %q, transfer encodings %v, %d bytes, want %q, none, %d",
					got.contentLength, got.encodings, len(got.body), tc.want, tc.length)
			}
		})
	}
}

// A body of another length than was announced is an error, never a request
// that is cut short or goes on for ever.
func TestBodyOfAnotherLength(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer server.Close()
	n := newExchange(t, nil)
	for _, length := range []int64{3, 5} {
		r := request(server, "/b/k")
		r.Method, r.Body, r.ContentLength = http.MethodPut, strings.NewReader("some"), length
		if resp, err := n.Do(t.Context(), r); err == nil && length > 4 {
			t.Errorf("4 bytes announced as %d: got status %d, want an error", length, resp.Status)
		}
	}
}

func TestAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		case "/gzip":
			if got := r.Header.Get("Accept-Encoding"); got != "identity" {
				t.Errorf("got Accept-Encoding %q, want identity", got)
			}
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "as it is")
		case "/stream":
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, "of unknown length")
		case "/head":
			w.Header().Set("Content-Length", "1000")
		}
	}))
	defer server.Close()
	n := newExchange(t, nil)
	for _, tc := range []struct {
		path, method string
		status       int
		body         string
		length       int64
	}{
		{"/redirect", http.MethodPut, 307, "", 0},
		{"/gzip", http.MethodGet, 200, "as it is", 8},
		{"/stream", http.MethodGet, 200, "of unknown length", -1},
		{"/head", http.MethodHead, 200, "", 1000},
	} {
		r := request(server, tc.path)
		r.Method = tc.method
		resp, err := n.Do(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.Status != tc.status || string(b) != tc.body || resp.ContentLength != tc.length {
			t.Errorf("%s: got %d, %q, length %d, %v, want %d, %q, length %d", tc.path, resp.Status, b, resp.ContentLength, err, tc.status, tc.body, tc.length)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The connection is there for the next request if the answer was read to its
// last byte, the end of file not among what was read; and not if it wasn't.
func TestConnectionsAreKept(t *testing.T) {
	server, requests := recorder(t)
	n := newExchange(t, nil)
	visit := func(read int) string {
		resp, err := n.Do(t.Context(), request(server, "/b/k"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(resp.Body, make([]byte, read)); err != nil {
			t.Error(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		return (<-requests).remote
	}
	whole := len("answer")
	first := visit(whole)
	for range 5 {
		if got := visit(whole); got != first {
			t.Errorf("after a whole answer: got the connection from %s, want %s again", got, first)
		}
	}
	if got := visit(whole - 1); got != first {
		t.Errorf("got the connection from %s, want %s again", got, first)
	}
	second := visit(whole)
	if second == first {
		t.Errorf("after half an answer: got the connection from %s again, want another", first)
	}
	n.CloseIdle()
	if got := visit(whole); got == second {
		t.Errorf("after CloseIdle: got the connection from %s again, want another", second)
	}
}

// hasty is a server that answers as soon as it has a request's head, and closes
// the connection, so that it is reset: there is a body that it hasn't read.
func hasty(t *testing.T, wrap func(net.Conn) net.Conn) (host string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			raw, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer raw.Close()
				conn := wrap(raw)
				head := make([]byte, 0, 4<<10)
				for !bytes.Contains(head, []byte("\r\n\r\n")) {
					n, err := conn.Read(head[len(head):cap(head)])
					if err != nil {
						return
					}
					head = head[:len(head)+n]
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\nConnection: close\r\n\r\nrefused")
			}()
		}
	}()
	return listener.Addr().String()
}

// The answer is reported, not the broken pipe.
func TestEarlyAnswerAndReset(t *testing.T) {
	certificate := httptest.NewUnstartedServer(nil)
	certificate.StartTLS()
	defer certificate.Close()
	insecure, err := wire.NewTransport(wire.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	for scheme, tc := range map[string]struct {
		n    *wire.NetHTTP
		wrap func(net.Conn) net.Conn
	}{
		"http":  {newExchange(t, nil), func(c net.Conn) net.Conn { return c }},
		"https": {wire.NewNetHTTP(insecure), func(c net.Conn) net.Conn { return tlsServer(c, certificate) }},
	} {
		t.Run(scheme, func(t *testing.T) {
			host := hasty(t, tc.wrap)
			for range 30 {
				r := &wire.Request{Method: http.MethodPut, Scheme: scheme, Host: host, Path: "/b/k", ContentLength: 1 << 40, Body: endless{}}
				if status, body := mustDo(t, tc.n, r); status != 403 || body != "refused" {
					t.Errorf("got %d, %q, want 403, %q", status, body, "refused")
				}
			}
		})
	}
}

// endless is a body without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// watched is an endless body that may be read only until it is closed by the
// test.
type watched struct {
	t     *testing.T
	reads atomic.Int64
	over  atomic.Bool
}

func (w *watched) Read(p []byte) (int, error) {
	w.check()
	w.reads.Add(1)
	clear(p)
	w.check()
	return len(p), nil
}

func (w *watched) check() {
	if w.over.Load() {
		w.t.Error("the body is read after the exchange has ended")
	}
}

var errStopped = errors.New("stopped by the test")

// Once Do has returned an error nobody is in the request's body, nor once the
// answer's body is closed.
func TestNobodyReadsTheBodyAfterwards(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/early" {
			_ = http.NewResponseController(w).EnableFullDuplex()
			w.WriteHeader(http.StatusForbidden)
			w.(http.Flusher).Flush()
		}
		buf := make([]byte, 1<<10)
		for { // slowly, so that the body is being written all the time
			select {
			case <-release:
				return
			case <-r.Context().Done():
				return
			default:
			}
			if _, err := r.Body.Read(buf); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	defer close(release)
	n := newExchange(t, nil)
	for i := range 6 {
		for _, path := range []string{"/early", "/late"} {
			ctx, cancel := context.WithCancelCause(t.Context())
			w := &watched{t: t}
			r := request(server, path)
			r.Method, r.ContentLength = http.MethodPut, 1<<40
			r.Body = io.MultiReader(io.LimitReader(w, int64(i)<<16), &canceller{cancel, path == "/late"}, w)
			resp, err := n.Do(ctx, r)
			switch {
			case path == "/late" && !errors.Is(err, errStopped):
				t.Fatalf("got %v, want %v", err, errStopped)
			case path == "/early" && err != nil:
				t.Fatal(err)
			case path == "/early":
				if err := resp.Body.Close(); err != nil {
					t.Error(err)
				}
			}
			w.over.Store(true)
			cancel(nil)
		}
	}
}

// canceller is an empty reader that cancels when it is reached.
type canceller struct {
	cancel context.CancelCauseFunc
	armed  bool
}

func (c *canceller) Read([]byte) (int, error) {
	if c.armed {
		c.cancel(errStopped)
	}
	return 0, io.EOF
}

// A cancel ends Do, and a read of the answer, with its cause.
func TestCancel(t *testing.T) {
	arrived := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "begun")
			w.(http.Flusher).Flush()
		}
		arrived <- struct{}{}
		<-r.Context().Done()
	}))
	defer server.Close()
	n := newExchange(t, nil)

	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-arrived
		cancel(errStopped)
	}()
	if _, err := n.Do(ctx, request(server, "/head")); !errors.Is(err, errStopped) {
		t.Errorf("Do: got %v, want %v", err, errStopped)
	}

	ctx, cancel = context.WithCancelCause(t.Context())
	resp, err := n.Do(ctx, request(server, "/body"))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-arrived
		cancel(errStopped)
	}()
	if b, err := io.ReadAll(resp.Body); !errors.Is(err, errStopped) || string(b) != "begun" {
		t.Errorf("read: got %q, %v, want %q, %v", b, err, "begun", errStopped)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}

	if _, err := n.Do(ctx, request(server, "/head")); !errors.Is(err, errStopped) {
		t.Errorf("Do with an ended context: got %v, want %v", err, errStopped)
	}
}

// An answer that breaks off is never taken for a whole one.
func TestAnswerThatBreaksOff(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/length" {
			w.Header().Set("Content-Length", "1000")
		}
		_, _ = io.WriteString(w, "begun")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	n := newExchange(t, nil)
	for _, path := range []string{"/length", "/chunked"} {
		resp, err := n.Do(t.Context(), request(server, path))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("%s: got %q and no error, want one", path, b)
		}
		_ = resp.Body.Close()
	}
}

// roundTripper is a transport of the user's.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestUsersTransport(t *testing.T) {
	own := errors.New("error of the user's transport")
	n := wire.NewNetHTTP(roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path != "/b/a b" || r.URL.EscapedPath() != "/b/a%20b" || r.Host != "h:9000" || r.URL.Host != "h:9000" {
			return nil, fmt.Errorf("got path %q of %q", r.URL.Path, r.Host)
		}
		return nil, own
	}))
	n.CloseIdle() // there is nothing to close
	ctx, cancel := context.WithCancelCause(t.Context())
	r := &wire.Request{Method: http.MethodGet, Scheme: "http", Host: "h:9000", Path: "/b/a%20b"}
	if _, err := n.Do(ctx, r); !errors.Is(err, own) {
		t.Errorf("got %v, want %v", err, own)
	}
	cancel(errStopped)
	if _, err := n.Do(ctx, r); !errors.Is(err, own) || !errors.Is(err, errStopped) {
		t.Errorf("after a cancel: got %v, want %v and %v", err, errStopped, own)
	}
}

// TestStoredEncoding gets an object that is stored with gzip as it is stored,
// also over a transport that would decompress what it has asked for.
func TestStoredEncoding(t *testing.T) {
	var stored bytes.Buffer
	z := gzip.NewWriter(&stored)
	if _, err := z.Write(bytes.Repeat([]byte("word "), 1000)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(stored.Bytes())
	}))
	defer server.Close()
	n := wire.NewNetHTTP(&http.Transport{})
	t.Cleanup(n.CloseIdle)
	r := request(server, "/b/k")
	resp, err := n.Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Equal(got, stored.Bytes()) || resp.ContentLength != int64(stored.Len()) {
		t.Errorf("got %d bytes of %d, %v, want the %d that are stored", len(got), resp.ContentLength, err, stored.Len())
	}
	if len(r.Header) > 0 {
		t.Errorf("the caller's header has become %v", r.Header)
	}
}
