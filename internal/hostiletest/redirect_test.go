package hostiletest

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/engine"
)

// TestRedirectsAreNotFollowed has a server send everyone elsewhere. Nobody must
// come there: what is signed is meant for one host.
func TestRedirectsAreNotFollowed(t *testing.T) {
	other := serve(t, text("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
	clients := map[string]func(*s3.Options){
		"usual":      nil,
		"own client": func(o *s3.Options) { o.HTTPClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} },
	}
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := serve(t, func(w io.Writer, r *http.Request) {
			fmt.Fprintf(w, "HTTP/1.1 %d Elsewhere\r\nLocation: %s%s\r\nContent-Length: 0\r\n\r\n", status, other.url, r.URL.RequestURI())
		})
		for kind, client := range clients {
			m := newManager(t, s.url, client)
			for name, begin := range transfers {
				if err := begin(t.Context(), m, t.TempDir()); err == nil {
					t.Errorf("%s over the %s, sent elsewhere with %d: got success, want an error", name, kind, status)
				}
			}
		}
	}
	if n := other.requests.Load(); n != 0 {
		t.Errorf("requests at the host that was redirected to: got %d, want 0", n)
	}
}

// hinter answers with a region, and notes the hosts that it stands for.
type hinter struct {
	hint func(r *http.Request) *http.Response

	mu    sync.Mutex
	hosts map[string]bool // guarded by mu
}

func (h *hinter) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	h.hosts[r.URL.Scheme+"://"+r.URL.Host+" "+r.Host] = true
	h.mu.Unlock()
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	return h.hint(r), nil
}

func answer(status int, header http.Header, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

// places are what a server may say of where a bucket is.
var places = map[string]bool{ // whether it is a region
	"eu-west-1": true, "us-gov-east-1": true,
	"evil.example/": false, "eu-west-1.evil.example": false, "evil.example#": false, "x@evil.example": false, "../eu-west-1": false,
	"eu-west-1/": false, "evil.example?": false, "eu-west-1\x00": false, "EU-WEST-1": false, "eu-west-1:80": false, "%2e%2e": false, "eu west 1": false, "": false,
	"eu-west-1\n": false, "eu-west-\uff11": false,
}

// TestRegionHints has a server name regions that would lead to other hosts.
func TestRegionHints(t *testing.T) {
	for place, good := range places {
		for way, hint := range map[string]func(*http.Request) *http.Response{
			"header": func(*http.Request) *http.Response {
				return answer(301, http.Header{"X-Amz-Bucket-Region": {place}}, "")
			},
			"body": func(*http.Request) *http.Response {
				return answer(400, http.Header{}, "<Error><Code>AuthorizationHeaderMalformed</Code><Region>"+place+
					"</Region><Endpoint>evil.example</Endpoint></Error>")
			},
		} {
			h := &hinter{hint: hint, hosts: map[string]bool{}}
			m := newManager(t, "", func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = nil, false },
				func(o *haul.Options) { o.Engine = &engine.Options{HTTP: h} })
			for name, begin := range transfers {
				if err := begin(t.Context(), m, t.TempDir()); err == nil {
					t.Errorf("%s with region %q: got success, want an error", name, place)
				}
			}
			want := map[string]bool{"https://bucket.s3.us-east-1.amazonaws.com bucket.s3.us-east-1.amazonaws.com": true}
			if good {
				host := "bucket.s3." + place + ".amazonaws.com"
				want["https://"+host+" "+host] = true
			}
			if fmt.Sprint(h.hosts) != fmt.Sprint(want) {
				t.Errorf("region %q in the %s: got requests to %v, want %v", place, way, h.hosts, want)
			}
		}
	}
}

// TestCertificatesAreVerified holds that nothing is sent to a server that can't
// prove who it is: with all defaults, over an own client, and with an empty
// tls.Config.
func TestCertificatesAreVerified(t *testing.T) {
	s := serveTLS(t)
	for kind, o := range map[string]*engine.Options{"defaults": nil, "options": {}, "tls": {TLS: &tls.Config{}}} {
		m := newManager(t, s.url, nil, func(h *haul.Options) { h.Engine = o })
		for name, begin := range transfers {
			if err := begin(t.Context(), m, t.TempDir()); err == nil || !strings.Contains(err.Error(), "certificate") {
				t.Errorf("%s, %s: got %v, want an error about the certificate", name, kind, err)
			}
		}
	}
	if n := s.requests.Load(); n != 0 {
		t.Errorf("requests at the server: got %d, want 0", n)
	}
}
