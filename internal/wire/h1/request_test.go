package h1_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/haul-s3/haul/internal/testbody"
	"github.com/haul-s3/haul/internal/wire"
	"github.com/haul-s3/haul/internal/wire/h1"
)

// raw returns what a request is on the wire, by lines, those of the header in
// order.
func raw(t *testing.T, r *wire.Request) string {
	t.Helper()
	lines := make(chan []string, 1)
	s := serve(t, nil, func(p *peer) {
		var head []string
		for {
			line, err := p.r.ReadString('\n')
			if line = strings.TrimSuffix(line, "\r\n"); err != nil || line == "" {
				break
			}
			head = append(head, line)
		}
		slices.Sort(head[1:])
		lines <- head
		p.say(strings.Replace(ok, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
	})
	host := r.Host
	if r.Host == "" {
		r.Host = s.host
	}
	wantOK(t, do(t.Context(), newClient(t, h1.Config{}), r), "ok")
	out := strings.Join(<-lines, "|")
	if host == "" {
		out = strings.ReplaceAll(out, s.host, "HOST")
	}
	return out
}

func TestRequests(t *testing.T) {
	for name, c := range map[string]struct {
		r    wire.Request
		want string
	}{
		"get":          {wire.Request{Method: "GET", Path: "/"}, "GET / HTTP/1.1|Host: HOST"},
		"query":        {wire.Request{Method: "DELETE", Path: "/b/k", RawQuery: "uploadId=a%2Bb"}, "DELETE /b/k?uploadId=a%2Bb HTTP/1.1|Host: HOST"},
		"put-nothing":  {wire.Request{Method: "PUT", Path: "/b/k"}, "PUT /b/k HTTP/1.1|Content-Length: 0|Host: HOST"},
		"post-nothing": {wire.Request{Method: "POST", Path: "/b/k", RawQuery: "uploads"}, "POST /b/k?uploads HTTP/1.1|Content-Length: 0|Host: HOST"},
		"put":          {wire.Request{Method: "PUT", Path: "/b/k", Body: strings.NewReader("some"), ContentLength: 4}, "PUT /b/k HTTP/1.1|Content-Length: 4|Host: HOST"},
		"odd-path":     {wire.Request{Method: "GET", Path: "//b//./..%2F/é\"^`{|}[a]:@!$&'()*+,;=~"}, "GET //b//./..%2F/é\"^`{|}[a]:@!$&'()*+,;=~ HTTP/1.1|Host: HOST"},
		"header": {wire.Request{Method: "GET", Path: "/", Header: http.Header{"Range": {"bytes=0-1"}, "x-amz-meta-a": {"b", "c\t\xe4"}, "Empty": {""}}},
			"GET / HTTP/1.1|Empty: |Host: HOST|Range: bytes=0-1|x-amz-meta-a: b|x-amz-meta-a: c\t\xe4"},
		"ours": {wire.Request{Method: "GET", Path: "/", Header: http.Header{"Host": {"x"}, "Content-Length": {"5"}, "Transfer-Encoding": {"chunked"},
			"Connection": {"close"}, "Expect": {"100-continue"}}}, "GET / HTTP/1.1|Host: HOST"},
	} {
		t.Run(name, func(t *testing.T) {
			c.r.Scheme = "http"
			if got := raw(t, &c.r); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// What would become another request, or two, is refused before anything is
// dialled.
func TestBadRequests(t *testing.T) {
	client := newClient(t, h1.Config{})
	for name, change := range map[string]func(r *wire.Request){
		"scheme":        func(r *wire.Request) { r.Scheme = "ftp" },
		"no-method":     func(r *wire.Request) { r.Method = "" },
		"method":        func(r *wire.Request) { r.Method = "GET /" },
		"no-host":       func(r *wire.Request) { r.Host = "" },
		"host-space":    func(r *wire.Request) { r.Host = "a b" },
		"host-line":     func(r *wire.Request) { r.Host = "a\r\nb" },
		"host-path":     func(r *wire.Request) { r.Host = "a/b" },
		"host-user":     func(r *wire.Request) { r.Host = "a@b" },
		"no-path":       func(r *wire.Request) { r.Path = "" },
		"relative-path": func(r *wire.Request) { r.Path = "b/k" },
		"path-space":    func(r *wire.Request) { r.Path = "/a b" },
		"path-line":     func(r *wire.Request) { r.Path = "/a\r\nb" },
		"path-query":    func(r *wire.Request) { r.Path = "/a?b" },
		"query-space":   func(r *wire.Request) { r.RawQuery = "a b" },
		"query-line":    func(r *wire.Request) { r.RawQuery = "a\nb" },
		"name":          func(r *wire.Request) { r.Header = http.Header{"A b": {"c"}} },
		"value-line":    func(r *wire.Request) { r.Header = http.Header{"A": {"b\r\nc: d"}} },
		"value-nul":     func(r *wire.Request) { r.Header = http.Header{"A": {"b\x00"}} },
		"length":        func(r *wire.Request) { r.ContentLength = -1 },
		"no-body":       func(r *wire.Request) { r.ContentLength = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			r := get("127.0.0.1:1")
			change(r)
			if got := do(t.Context(), client, r); got.err == nil || strings.Contains(got.err.Error(), "dial") {
				t.Errorf("got %+v, want the request refused", got)
			}
		})
	}
}

// counted is a body that says how it was read.
type counted struct {
	io.Reader
	memory       []byte
	file         *os.File
	offset, left int64
	lent, sent   int64
	failAt       int64
}

func (c *counted) Lend(limit int) ([]byte, error) {
	b := c.memory[:min(limit, len(c.memory))]
	c.memory = c.memory[len(b):]
	c.lent += int64(len(b))
	if c.failAt > 0 && c.lent > c.failAt {
		return nil, errStopped
	}
	return b, nil
}

func (c *counted) Section() (*os.File, int64, int64) {
	if c.file == nil {
		return nil, 0, 0
	}
	return c.file, c.offset, c.left
}

func (c *counted) Call(fn func() (int, error)) (int, error) { return fn() }

func (c *counted) Sent(n int) error {
	c.offset += int64(n)
	c.left -= int64(n)
	c.sent += int64(n)
	if c.failAt > 0 && c.sent > c.failAt {
		return errStopped
	}
	return nil
}

// fill returns bytes that tell where they stand.
func fill(n int) []byte {
	b := make([]byte, n)
	testbody.Fill(b, 3, 0)
	return b
}

// echo answers with what it was sent, and closes.
func echo(p *peer) {
	if b, err := io.ReadAll(p.head().Body); err == nil {
		p.say("HTTP/1.1 200 OK\r\n\r\n" + string(b))
	}
}

// Memory is sent as it lies there, and what is not in memory is read.
func TestLentBody(t *testing.T) {
	schemes(t, func(t *testing.T, scheme string, certificate, trust *tlsConfig) {
		data := fill(3 << 20)
		s := serve(t, certificate, echo)
		body := &counted{Reader: bytes.NewReader(data[2<<20:]), memory: data[:2<<20]}
		r := put(s.host, body, int64(len(data)))
		r.Scheme = scheme
		wantOK(t, do(t.Context(), newClient(t, h1.Config{TLS: trust}), r), string(data))
		if body.lent != 2<<20 {
			t.Errorf("%d bytes were lent, want %d", body.lent, 2<<20)
		}
		r.Body = &counted{memory: data, failAt: 1 << 20}
		if got := do(t.Context(), newClient(t, h1.Config{TLS: trust}), r); got.err != errStopped {
			t.Errorf("got %v, want %v", got.err, errStopped)
		}
	})
}

// A piece of a file is sent from where it is, with the file's own offset left
// alone, and over TLS it is read.
func TestFiledBody(t *testing.T) {
	data := fill(5 << 20)
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const off, n = 1<<20 + 7, 3<<20 + 1
	schemes(t, func(t *testing.T, scheme string, certificate, trust *tlsConfig) {
		s := serve(t, certificate, echo)
		body := &counted{Reader: io.NewSectionReader(f, off, n), file: f, offset: off, left: n}
		r := put(s.host, body, n)
		r.Scheme = scheme
		wantOK(t, do(t.Context(), newClient(t, h1.Config{TLS: trust}), r), string(data[off:off+n]))
		if scheme == "http" && h1.CanSendFile != (body.sent == n) || scheme == "https" && body.sent != 0 {
			t.Errorf("%d bytes were sent by the system", body.sent)
		}
		if at, err := f.Seek(0, io.SeekCurrent); err != nil || at != 0 {
			t.Errorf("the file's offset is %d, %v, want 0", at, err)
		}
	})
	t.Run("shorter-than-it-was", func(t *testing.T) {
		s := serve(t, nil, echo)
		body := &counted{Reader: strings.NewReader(""), file: f, offset: 4 << 20, left: 2 << 20}
		got := do(t.Context(), newClient(t, h1.Config{}), put(s.host, body, 2<<20))
		if got.err == nil || !strings.Contains(got.err.Error(), "request body ended") {
			t.Errorf("got %v, want an error of the body's end", got.err)
		}
	})
	t.Run("fails", func(t *testing.T) {
		if !h1.CanSendFile {
			t.Skip("files are not sent by this system")
		}
		s := serve(t, nil, echo)
		body := &counted{file: f, left: 5 << 20, failAt: 1 << 20}
		if got := do(t.Context(), newClient(t, h1.Config{}), put(s.host, body, 5<<20)); got.err != errStopped {
			t.Errorf("got %v, want %v", got.err, errStopped)
		}
	})
	t.Run("refused-early", func(t *testing.T) {
		s := serve(t, nil, func(p *peer) { p.head(); p.say(denied) })
		body := &counted{Reader: zeros{}, file: f, left: 5 << 20}
		if got := do(t.Context(), newClient(t, h1.Config{}), put(s.host, body, 100<<20)); got.err != nil || got.status != 403 {
			t.Errorf("got status %d, %v, want 403", got.status, got.err)
		}
	})
}
