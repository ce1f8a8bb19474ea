package s3fault_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/internal/s3fault"
	"github.com/haul-s3/haul/internal/testbody"
)

// rig is an S3 with the object "k" in the bucket "b", and a proxy before it.
type rig struct {
	fake  *s3fake.Server
	proxy *s3fault.Proxy
	front *httptest.Server
	body  []byte // of the object
}

func newRig(t *testing.T, rules ...*s3fault.Rule) *rig {
	t.Helper()
	g := &rig{fake: s3fake.New(s3fake.Options{}, "b"), body: testbody.Bytes(1, 1<<20)}
	g.fake.Put("b", "k", g.body, nil)
	back := httptest.NewServer(g.fake)
	g.proxy = s3fault.New(back.URL, 1, rules...)
	g.front = httptest.NewServer(g.proxy)
	t.Cleanup(func() {
		g.front.Close()
		g.proxy.Close()
		back.Close()
	})
	return g
}

// got is what a client saw of a request.
type got struct {
	status int
	header http.Header
	body   []byte
	err    error
}

func (g *rig) do(ctx context.Context, method, target string, body []byte, headers ...string) got {
	r, err := http.NewRequestWithContext(ctx, method, g.front.URL+target, bytes.NewReader(body))
	if err != nil {
		return got{err: err}
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		return got{err: err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return got{resp.StatusCode, resp.Header, text, err}
}

func TestFaults(t *testing.T) {
	large := testbody.Bytes(2, 3<<20)
	reset := func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }
	for _, x := range []struct {
		name   string
		fault  s3fault.Fault
		method string
		want   string
		check  func(g *rig, a got) bool
	}{
		{"none", s3fault.Fault{}, "GET", "the object", func(g *rig, a got) bool {
			return a.status == 200 && bytes.Equal(a.body, g.body) && a.err == nil
		}},
		{"slow-down-unread", s3fault.SlowDown(), "PUT", "503 SlowDown, nothing stored", func(g *rig, a got) bool {
			_, stored := g.fake.Object("b", "new")
			return a.status == 503 && bytes.Contains(a.body, []byte("<Code>SlowDown<")) && !stored
		}},
		{"internal-error-read", s3fault.Internal(), "PUT", "500", func(g *rig, a got) bool { return a.status == 500 }},
		{"retry-after", s3fault.Fault{Status: 503, RetryAfter: "7"}, "GET", "Retry-After: 7", func(g *rig, a got) bool { return a.header.Get("Retry-After") == "7" }},
		{"rude", s3fault.Fault{Status: 403, Code: "AccessDenied", Rude: true}, "PUT", "403 or a broken connection", func(g *rig, a got) bool {
			return a.status == 403 || a.err != nil
		}},
		{"reset-request", s3fault.Fault{ResetReq: 100000}, "PUT", "a broken connection", func(g *rig, a got) bool {
			return a.err != nil && a.status == 0 // net/http's client may name its own closing of it first
		}},
		{"reset-response", s3fault.Fault{ResetRsp: 100000}, "GET", "200 and a reset", func(g *rig, a got) bool { return a.status == 200 && reset(a.err) }},
		{"reset-before-status", s3fault.Fault{ResetRsp: -1}, "GET", "a reset", func(g *rig, a got) bool { return a.status == 0 && reset(a.err) }},
		{"cut", s3fault.Fault{CutRsp: 100000}, "GET", "100,000 bytes and the end", func(g *rig, a got) bool {
			return a.status == 200 && len(a.body) == 100000 && errors.Is(a.err, io.ErrUnexpectedEOF)
		}},
		{"stall", s3fault.Fault{StallRsp: 1000, StallFor: time.Millisecond}, "GET", "the object", func(g *rig, a got) bool { return bytes.Equal(a.body, g.body) }},
		{"rate", s3fault.Fault{RspRate: 1 << 28}, "GET", "the object", func(g *rig, a got) bool { return bytes.Equal(a.body, g.body) }},
		{"delay", s3fault.Fault{Delay: time.Millisecond}, "GET", "the object", func(g *rig, a got) bool { return bytes.Equal(a.body, g.body) }},
		{"flip-response", s3fault.Fault{FlipRsp: 500001}, "GET", "byte 500,000 flipped", func(g *rig, a got) bool {
			bad, ok := testbody.Check(a.body, 1, 0)
			return !ok && bad == 500000 && bytes.Equal(a.body[500001:], g.body[500001:])
		}},
		{"flip-request", s3fault.Fault{FlipReq: 1000001}, "PUT", "byte 1,000,000 flipped", func(g *rig, a got) bool {
			o, stored := g.fake.Object("b", "new")
			if !stored {
				return false
			}
			bad, ok := testbody.Check(o.Data, 2, 0)
			return a.status == 200 && !ok && bad == 1000000 && bytes.Equal(o.Data[1000001:], large[1000001:])
		}},
		{"headers", s3fault.Fault{SetHeader: map[string]string{"ETag": "", "Last-Modified": "x"}}, "GET", "no ETag", func(g *rig, a got) bool {
			return a.header.Get("ETag") == "" && a.header.Get("Last-Modified") == "x"
		}},
		{"done-but-200-with-error", s3fault.Fault{DoneError: "InternalError"}, "PUT", "200 with an error, and stored", func(g *rig, a got) bool {
			_, stored := g.fake.Object("b", "new")
			return a.status == 200 && bytes.Contains(a.body, []byte("<Error><Code>InternalError<")) && stored
		}},
		{"done-but-500", s3fault.Fault{DoneStatus: 500}, "PUT", "500, and stored", func(g *rig, a got) bool {
			_, stored := g.fake.Object("b", "new")
			return a.status == 500 && stored
		}},
		{"blanks", s3fault.Fault{SpaceBefore: time.Millisecond}, "GET", "a blank and the object", func(g *rig, a got) bool {
			return a.status == 200 && len(a.body) == len(g.body)+1 && a.body[0] == ' ' && bytes.HasSuffix(a.body, g.body)
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			g := newRig(t, &s3fault.Rule{F: x.fault, Times: 1})
			target, body := "/b/k", []byte(nil)
			if x.method == "PUT" {
				target, body = "/b/new", large
			}
			a := g.do(t.Context(), x.method, target, body)
			if !x.check(g, a) {
				t.Errorf("got status %d, %d bytes, error %v, want %s", a.status, len(a.body), a.err, x.want)
			}
			next := g.do(t.Context(), "GET", "/b/k", nil, "Range", "bytes=16-31")
			if next.status != 206 || !bytes.Equal(next.body, g.body[16:32]) || next.err != nil {
				t.Errorf("the next one: got status %d, %x, error %v, want it whole", next.status, next.body, next.err)
			}
			log := g.proxy.Log()
			if len(log) != 2 || log[1].Op != "GetObject" || log[1].Key != "k" || log[1].Start != 16 || log[1].N != 1 || log[1].Fault != "" || log[1].Status != 206 {
				t.Errorf("log: got %+v, want two calls, the second a whole GetObject from 16", log)
			}
			if log[0].Status != a.status && a.err == nil {
				t.Errorf("log: got the status %d, want %d", log[0].Status, a.status)
			}
		})
	}
}

// TestDelaysEndWithTheClient has the proxy wait for an hour and the client leave: the servers could not close else.
func TestDelaysEndWithTheClient(t *testing.T) {
	for name, f := range map[string]s3fault.Fault{
		"delay":  {Delay: time.Hour},
		"stall":  {StallRsp: 1000, StallFor: time.Hour},
		"rate":   {RspRate: 1},
		"blanks": {SpaceBefore: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			arrived := make(chan struct{})
			g := newRig(t, &s3fault.Rule{F: f, If: func(*s3fault.Call) bool { close(arrived); return true }})
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-arrived; cancel() }()
			if a := g.do(ctx, "GET", "/b/k", nil); !errors.Is(a.err, context.Canceled) {
				t.Errorf("got %v, want a cancel", a.err)
			}
		})
	}
}

func TestRulesPick(t *testing.T) {
	g := newRig(t, &s3fault.Rule{If: s3fault.Is("HeadObject"), Skip: 1, Times: 2, F: s3fault.SlowDown()}, &s3fault.Rule{If: s3fault.First("GetObject"), F: s3fault.Skewed()})
	var statuses []int
	for range 5 {
		statuses = append(statuses, g.do(t.Context(), "HEAD", "/b/k", nil).status)
	}
	for range 2 {
		statuses = append(statuses, g.do(t.Context(), "GET", "/b/k", nil, "Range", "bytes=0-0").status)
	}
	if got, want := fmt.Sprint(statuses), fmt.Sprint([]int{200, 503, 503, 200, 200, 403, 206}); got != want {
		t.Errorf("statuses: got %s, want %s", got, want)
	}
	g.proxy.SetRules(&s3fault.Rule{F: s3fault.Timeout()})
	if a := g.do(t.Context(), "GET", "/b/k", nil); a.status != 400 || !strings.Contains(string(a.body), "RequestTimeout") {
		t.Errorf("new rules: got %d %s, want 400 RequestTimeout", a.status, a.body)
	}
}

func TestPathsPassUnchanged(t *testing.T) {
	g := newRig(t)
	for raw, key := range map[string]string{"a%20b": "a b", "x//y": "x//y", "a%2Fb": "a/b", "a/%2e%2E/b": "a/../b", "%25": "%", "a+b": "a+b"} {
		if a := g.do(t.Context(), "PUT", "/b/"+raw+"?x-id=PutObject", []byte("x"), "x-amz-meta-a", "1"); a.status != 200 {
			t.Errorf("%s: got %d, want 200", raw, a.status)
		}
		if _, ok := g.fake.Object("b", key); !ok {
			t.Errorf("%s: got %q, want %q among them", raw, g.fake.Keys("b"), key)
		}
		log, seen := g.proxy.Log(), g.fake.Requests()
		if got, want := seen[len(seen)-1].Path, "/b/"+raw; got != want {
			t.Errorf("path: got %s, want %s", got, want)
		}
		if got := log[len(log)-1].Key; got != key {
			t.Errorf("key in the log: got %q, want %q", got, key)
		}
	}
}

func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rule := s3fault.Throttle(20, 5)
		refused := func(calls int) (n int) {
			for range calls {
				if rule.If(&s3fault.Call{}) {
					n++
				}
			}
			return n
		}
		if got := refused(8); got != 3 {
			t.Errorf("a burst of 8: got %d refused, want 3", got)
		}
		time.Sleep(100 * time.Millisecond)
		if got := refused(8); got != 6 {
			t.Errorf("8 after 100 ms: got %d refused, want 6", got)
		}
	})
}
