package s3fault

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/haul-s3/haul/internal/s3fake"
)

// Proxy passes requests on to an S3 and breaks those that a rule picks. Its methods may be called from any goroutine.
type Proxy struct {
	// Domain, if set, is the upstream's domain in virtual-host style, which the proxy needs to tell keys from
	// buckets. It must be set before requests arrive.
	Domain string

	upstream  *url.URL        // immutable
	transport *http.Transport // immutable

	mu    sync.Mutex // guards all below
	rules []*Rule
	log   []*Call
	count map[string]int // of calls, by what Call.N counts
	rnd   *rand.Rand
}

var _ http.Handler = (*Proxy)(nil)

// New returns a proxy for the endpoint upstream ("http://127.0.0.1:9000"). Of several rules that fit a call the first
// is applied. The rules belong to the proxy now. seed decides the dice of Rule.P. New panics if upstream is no URL.
func New(upstream string, seed uint64, rules ...*Rule) *Proxy {
	u, err := url.Parse(upstream)
	if err != nil {
		panic(err)
	}
	return &Proxy{upstream: u, rules: rules, count: map[string]int{}, rnd: rand.New(rand.NewPCG(seed, 1)), transport: &http.Transport{
		DisableCompression: true, MaxIdleConnsPerHost: 256, ExpectContinueTimeout: time.Second,
		ReadBufferSize: 64 << 10, WriteBufferSize: 64 << 10,
	}}
}

// Transport is what the proxy calls upstream with, for a test that must set its TLS before the first request.
func (p *Proxy) Transport() *http.Transport { return p.transport }

// Close closes the idle connections to the upstream.
func (p *Proxy) Close() { p.transport.CloseIdleConnections() }

// SetRules replaces the rules for the requests from now on.
func (p *Proxy) SetRules(rules ...*Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = rules
}

// Log returns the calls so far in the order they came in. The headers are shared: look, but don't change them.
func (p *Proxy) Log() []Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]Call, len(p.log))
	for i, c := range p.log {
		out[i] = *c
	}
	return out
}

// ServeHTTP implements http.Handler. Its stages: pick the fault, wait, answer without the upstream, send, lose the
// answer, or bring it back (see answer).
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, f := p.pick(r)
	if !wait(r.Context(), f.Delay) {
		drop(w, true)
		return
	}
	if f.Status != 0 {
		p.refuse(w, r, c, f)
		return
	}
	if f.Answer != nil {
		f.Answer(w, r, p.passing(c))
		return
	}
	if f.ResetReq > 0 {
		io.CopyN(io.Discard, r.Body, f.ResetReq) // however much came, the reset follows
		drop(w, true)
		return
	}
	p.pass(w, r, c, f)
}

// passing is a handler that passes a call on unbroken.
func (p *Proxy) passing(c *Call) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.pass(w, r, c, &Fault{}) })
}

// pass passes a call on, and brings its answer back as the fault says.
func (p *Proxy) pass(w http.ResponseWriter, r *http.Request, c *Call, f *Fault) {
	resp, err := p.transport.RoundTrip(p.outgoing(r, f))
	if err != nil {
		drop(w, true)
		return
	}
	defer resp.Body.Close()
	switch {
	case f.DoneStatus != 0 || f.DoneError != "":
		io.Copy(io.Discard, resp.Body)
		p.lie(w, c, f)
	case f.ResetRsp < 0:
		io.Copy(io.Discard, resp.Body)
		drop(w, true)
	default:
		a := &answer{w: w, rc: http.NewResponseController(w), ctx: r.Context(), f: f}
		if !a.send(resp, func(status int) { p.setStatus(c, status) }) {
			p.setStatus(c, 0)
			drop(w, a.reset)
		}
	}
}

// pick notes the call and finds the fault for it, an empty one if there is none.
func (p *Proxy) pick(r *http.Request) (*Call, *Fault) {
	query := r.URL.Query()
	bucket, key, _ := s3fake.SplitAddress(r, p.Domain) // what isn't an address has no key
	c := &Call{Op: s3fake.OpName(r.Method, bucket != "", key != "", query, r.Header), Key: key, Start: -1, Header: r.Header, At: time.Now()}
	c.Part, _ = strconv.Atoi(query.Get("partNumber"))
	if first, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok {
		first, _, _ = strings.Cut(first, "-")
		c.Start, _ = strconv.ParseInt(first, 10, 64)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	id := fmt.Sprintf("%s %s %d %d", c.Op, c.Key, c.Part, c.Start)
	p.count[id]++
	c.N = p.count[id]
	p.log = append(p.log, c)
	for _, rule := range p.rules {
		if rule.appliesLocked(c, p.rnd) {
			if c.Fault = rule.F.Name; c.Fault == "" {
				c.Fault = "fault"
			}
			return c, &rule.F
		}
	}
	return c, &Fault{}
}

func (u *Rule) appliesLocked(c *Call, rnd *rand.Rand) bool {
	if u.Times > 0 && u.done >= u.Times || u.If != nil && !u.If(c) {
		return false
	}
	if u.seen++; u.seen <= u.Skip || u.P > 0 && rnd.Float64() >= u.P {
		return false
	}
	u.done++
	return true
}

func (p *Proxy) setStatus(c *Call, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.Status = status
}

// refuse answers without the upstream.
func (p *Proxy) refuse(w http.ResponseWriter, r *http.Request, c *Call, f *Fault) {
	if f.ReadBody {
		io.Copy(io.Discard, r.Body)
	}
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	p.setStatus(c, f.Status)
	if f.ReadBody || f.Rude || r.ContentLength == 0 || r.Header.Get("Expect") != "" {
		writeError(w, f.Status, f.Code, c)
		return
	}
	rc := http.NewResponseController(w)
	rc.EnableFullDuplex() // answer now and then take the rest of the body: so the answer is surely seen
	writeError(w, f.Status, f.Code, c)
	rc.Flush()
	io.Copy(io.Discard, r.Body)
}

// lie answers a request that took effect as if it had not.
func (p *Proxy) lie(w http.ResponseWriter, c *Call, f *Fault) {
	status, code := f.DoneStatus, f.DoneError
	if status == 0 {
		status = http.StatusOK
	}
	if code == "" {
		code = "InternalError"
	}
	p.setStatus(c, status)
	writeError(w, status, code, c)
}

func writeError(w http.ResponseWriter, status int, code string, c *Call) {
	body := fmt.Sprintf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>injected</Message><RequestId>FAULT%d</RequestId><HostId>fault</HostId></Error>", code, c.N)
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("X-Amz-Request-Id", fmt.Sprintf("FAULT%d", c.N))
	w.WriteHeader(status)
	io.WriteString(w, body) // HEAD has none: net/http leaves it out
}

// outgoing is the request to send upstream: the same but for the address it goes to.
func (p *Proxy) outgoing(r *http.Request, f *Fault) *http.Request {
	out := r.Clone(r.Context())
	out.RequestURI = ""
	out.URL.Scheme, out.URL.Host = p.upstream.Scheme, p.upstream.Host
	out.Host = r.Host // it is signed
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header.Set("User-Agent", "") // else the transport adds one
	}
	if r.ContentLength == 0 {
		out.Body = nil
		return out
	}
	out.Body = io.NopCloser(&flipper{r: r.Body, at: f.FlipReq})
	return out
}

// drop breaks the client's connection, with a reset or by closing it.
func drop(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the connection isn't ours to take, so have net/http break it
	}
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok { // *tls.Conn, or a test's own
		conn = t.NetConn()
	}
	if t, ok := conn.(*net.TCPConn); ok && reset {
		t.SetLinger(0)
	}
	conn.Close()
}
