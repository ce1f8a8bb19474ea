package s3fake_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/haul-s3/haul/internal/s3fake"
)

// fake is a server with the bucket "b", and a client for it.
type fake struct {
	*s3fake.Server
	t   *testing.T
	url string
}

func start(t *testing.T, o s3fake.Options) *fake {
	t.Helper()
	s := s3fake.New(o, "b")
	ts := httptest.NewServer(s)
	t.Cleanup(ts.Close)
	return &fake{Server: s, t: t, url: ts.URL}
}

// answer is an HTTP response with its body, and with the error document's code if it is one.
type answer struct {
	status int
	header http.Header
	body   []byte
	code   string
}

// plain is a client that neither asks for gzip nor takes it off.
var plain = &http.Client{Transport: &http.Transport{DisableCompression: true}}

// do sends a request. target is the raw request line's path and query; headers are names and values in turn.
func (f *fake) do(method, target string, body []byte, headers ...string) answer {
	f.t.Helper()
	r, err := http.NewRequest(method, f.url, bytes.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	r.URL.RawPath, r.URL.RawQuery, _ = strings.Cut(target, "?")
	if r.URL.Path, err = url.PathUnescape(r.URL.RawPath); err != nil {
		f.t.Fatal(err)
	}
	if r.Method == "GET" || r.Method == "HEAD" {
		r.Body = nil
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	resp, err := plain.Do(r)
	if err != nil {
		f.t.Fatalf("%s %s: %v", method, target, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatalf("%s %s: read the answer: %v", method, target, err)
	}
	var document struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
	}
	if strings.Contains(string(text), "<Error>") {
		if err := xml.Unmarshal(text, &document); err != nil {
			f.t.Fatalf("%s %s: error document %q: %v", method, target, text, err)
		}
	}
	return answer{resp.StatusCode, resp.Header, text, document.Code}
}

// want fails the test unless the answer has that status and error code.
func (a answer) want(t *testing.T, what string, status int, code string) answer {
	t.Helper()
	if a.status != status || a.code != code {
		t.Errorf("%s: got %d %q (%s), want %d %q", what, a.status, a.code, a.body, status, code)
	}
	if a.header.Get("X-Amz-Request-Id") == "" || a.header.Get("X-Amz-Id-2") == "" {
		t.Errorf("%s: got no request ids, want both", what)
	}
	return a
}

// wantHeader fails the test unless the answer has these headers; names and values in turn, "" means absent.
func (a answer) wantHeader(t *testing.T, what string, pairs ...string) {
	t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		if got := a.header.Get(pairs[i]); got != pairs[i+1] {
			t.Errorf("%s: header %s: got %q, want %q", what, pairs[i], got, pairs[i+1])
		}
	}
}
