package h1_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/internal/wire"
	"github.com/haul-s3/haul/internal/wire/h1"
)

// An answer is what its framing says, and the connection is used again where
// the framing allows.
func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		method, answer string
		body           string
		length         int64
		reused, bad    bool
	}{
		"length":                {answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", body: "hello", length: 5, reused: true},
		"length-of-nothing":     {answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", reused: true},
		"chunked":               {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", body: "hello", length: -1, reused: true},
		"chunked-of-nothing":    {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", length: -1, reused: true},
		"until-close":           {answer: "HTTP/1.1 200 OK\r\n\r\nhello", body: "hello", length: -1},
		"head":                  {method: http.MethodHead, answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", length: 5, reused: true},
		"head-chunked":          {method: http.MethodHead, answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", length: -1, reused: true},
		"no-content":            {answer: "HTTP/1.1 204 No Content\r\n\r\n", reused: true},
		"no-content-of-length":  {answer: "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", reused: true},
		"not-modified":          {answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", reused: true},
		"close":                 {answer: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", body: "hello", length: 5},
		"http-1.0":              {answer: "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", body: "hello", length: 5},
		"http-1.0-kept":         {answer: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", body: "hello", length: 5, reused: true},
		"continue":              {answer: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" + ok, body: "ok", length: 2, reused: true},
		"more-than-asked":       {answer: ok + "and more", body: "ok", length: 2},
		"switch":                {answer: "HTTP/1.1 101 Switching Protocols\r\n\r\n", bad: true},
		"endless-continue":      {answer: strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 100), bad: true},
		"nothing":               {answer: "", bad: true},
		"half-a-head":           {answer: "HTTP/1.1 200 OK\r\nContent-Le", bad: true},
		"no-http":               {answer: "220 smtp.example ESMTP\r\n\r\n", bad: true},
		"large-head":            {answer: "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", h1.InputMax-2) + "\r\n\r\n", bad: true},
		"endless-head":          {answer: "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 1<<16), bad: true},
		"short":                 {answer: "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", bad: true},
		"short-chunked":         {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", bad: true},
		"length-and-chunked":    {answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", bad: true},
		"chunked-with-trailers": {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n", body: "hello", length: -1, reused: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, nil, func(p *peer) {
				if p.request() == nil {
					return
				}
				p.say(c.answer)
				if c.reused && p.request() != nil {
					p.say(ok)
				}
			})
			client := newClient(t, h1.Config{})
			r := get(s.host)
			if c.method != "" {
				r.Method = c.method
			}
			got := do(t.Context(), client, r)
			if c.bad {
				if got.err == nil || errors.Is(got.err, io.EOF) && !strings.Contains(got.err.Error(), "no answer") {
					t.Errorf("got %+v, want an error that isn't an end", got)
				}
				return
			}
			if got.err != nil || got.body != c.body || got.length != c.length {
				t.Errorf("got %q of length %d, %v, want %q of length %d", got.body, got.length, got.err, c.body, c.length)
			}
			wantOKAgain := 2
			if c.reused {
				wantOKAgain = 1
				wantOK(t, do(t.Context(), client, get(s.host)), "ok")
			} else if client.Idle() != 0 {
				t.Errorf("got %d idle connections, want 0", client.Idle())
			}
			if n := s.accepted(); n > wantOKAgain {
				t.Errorf("got %d connections, want %d", n, wantOKAgain)
			}
		})
	}
}

// piped is a dial function whose servers are goroutines at the other end of a
// pipe, which writes nothing that isn't read.
func piped(handle func(c net.Conn, r *bufio.Reader)) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			handle(server, bufio.NewReader(server))
		}()
		return client, nil
	}
}

// However an answer is cut into segments, it is the same.
func TestSplitAtEveryByte(t *testing.T) {
	for name, answer := range map[string]string{
		"length":  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 5\r\n\r\nhello",
		"chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nA: b\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			for i := range len(answer) {
				client := newClient(t, h1.Config{Dial: piped(func(c net.Conn, r *bufio.Reader) {
					for range 2 {
						if _, err := http.ReadRequest(r); err != nil {
							return
						}
						_, _ = io.WriteString(c, answer[:i])
						_, _ = io.WriteString(c, answer[i:])
					}
				})})
				for range 2 {
					wantOK(t, do(t.Context(), client, get("h")), "hello")
				}
				client.CloseIdle()
			}
		})
	}
}

// schemes runs a test over plain HTTP and over TLS.
func schemes(t *testing.T, test func(t *testing.T, scheme string, certificate, trust *tls.Config)) {
	certificate, trust := certificates(t)
	t.Run("plain", func(t *testing.T) { test(t, "http", nil, nil) })
	t.Run("tls", func(t *testing.T) { test(t, "https", certificate, trust) })
}

const denied = "HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\ndenied"

// A server that refuses a request before it has read the body is heard,
// whatever it then does with the connection.
func TestEarlyAnswer(t *testing.T) {
	schemes(t, func(t *testing.T, scheme string, certificate, trust *tls.Config) {
		for name, handle := range map[string]func(p *peer){
			"closes":        func(p *peer) { p.head(); p.say(denied) },
			"reads-on":      func(p *peer) { p.head(); p.say(denied); p.gone() },
			"reads-no-more": func(p *peer) { p.head(); p.say(denied); <-p.over },
			"after-some": func(p *peer) {
				_, _ = io.CopyN(io.Discard, p.head().Body, 3<<20)
				p.say("HTTP/1.1 100 Continue\r\n\r\n" + denied)
				p.gone()
			},
		} {
			t.Run(name, func(t *testing.T) {
				s := serve(t, certificate, handle)
				client := newClient(t, h1.Config{TLS: trust})
				r := put(s.host, zeros{}, 100<<20)
				r.Scheme = scheme
				got := do(t.Context(), client, r)
				if got.err != nil || got.status != 403 || got.body != "denied" {
					t.Errorf("got status %d, %q, %v, want 403, denied", got.status, got.body, got.err)
				}
				if n := client.Idle(); n != 0 {
					t.Errorf("got %d idle connections, want 0: half a request is on it", n)
				}
			})
		}
	})
}

// 100 Continue, which was not asked for, changes nothing.
func TestContinueWhileSending(t *testing.T) {
	schemes(t, func(t *testing.T, scheme string, certificate, trust *tls.Config) {
		s := serve(t, certificate, func(p *peer) {
			r := p.head()
			p.say("HTTP/1.1 100 Continue\r\n\r\n")
			n, _ := io.Copy(io.Discard, r.Body)
			p.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n%8d", n))
			p.gone()
		})
		client := newClient(t, h1.Config{TLS: trust})
		r := put(s.host, zeros{}, 20<<20)
		r.Scheme = scheme
		wantOK(t, do(t.Context(), client, r), "20971520")
		if n := client.Idle(); n != 1 {
			t.Errorf("got %d idle connections, want 1", n)
		}
	})
}

// A connection that breaks is an error, at any point, and never half an answer.
func TestBrokenConnections(t *testing.T) {
	schemes(t, func(t *testing.T, scheme string, certificate, trust *tls.Config) {
		for name, handle := range map[string]func(p *peer){
			"fin-before-request": func(*peer) {},
			"rst-before-request": func(p *peer) { p.reset() },
			"fin-in-request":     func(p *peer) { p.head() },
			"rst-in-request":     func(p *peer) { p.head(); p.reset() },
			"fin-after-request":  func(p *peer) { p.request() },
			"rst-after-request":  func(p *peer) { p.request(); p.reset() },
			"fin-in-answer": func(p *peer) {
				p.request()
				p.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + long[:500000])
			},
			"rst-in-answer": func(p *peer) {
				p.request()
				p.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + long[:500000])
				p.reset()
			},
		} {
			t.Run(name, func(t *testing.T) {
				s := serve(t, certificate, handle)
				client := newClient(t, h1.Config{TLS: trust})
				r := put(s.host, zeros{}, 20<<20)
				r.Scheme = scheme
				got := do(t.Context(), client, r)
				if got.err == nil || len(got.body) > 500000 {
					t.Errorf("got status %d, %d bytes and no error, want one", got.status, len(got.body))
				}
				if n := s.accepted(); n != 1 {
					t.Errorf("got %d connections, want 1", n)
				}
			})
		}
	})
}

func TestKeepAlive(t *testing.T) {
	schemes(t, func(t *testing.T, scheme string, certificate, trust *tls.Config) {
		for answer, want := range map[string]int{ok: 1, strings.Replace(ok, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1): 10} {
			s := serve(t, certificate, answers(answer))
			client := newClient(t, h1.Config{TLS: trust})
			for i := range 10 {
				r := get(s.host)
				if i%2 == 0 {
					r = put(s.host, strings.NewReader("some"), 4)
				}
				r.Scheme = scheme
				wantOK(t, do(t.Context(), client, r), "ok")
			}
			if n := s.accepted(); n != want {
				t.Errorf("%q: got %d connections, want %d", answer, n, want)
			}
		}
	})
}

// A connection that the server has closed while it was idle, or said something
// on, is not used: a request on it would be lost, and one that isn't idempotent
// could not be sent again.
func TestStaleConnections(t *testing.T) {
	schemes(t, func(t *testing.T, scheme string, certificate, trust *tls.Config) {
		for name, spoil := range map[string]func(p *peer){
			"closed":      func(p *peer) { _ = p.Close() },
			"reset":       func(p *peer) { p.reset() },
			"half-closed": func(p *peer) { _ = p.tcp.CloseWrite() },
			"unasked":     func(p *peer) { p.say("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n") },
		} {
			t.Run(name, func(t *testing.T) {
				spoilt := make(chan struct{})
				proceed := make(chan struct{})
				s := serve(t, certificate, func(p *peer) {
					p.request()
					p.say(ok)
					if p.nth == 0 {
						<-proceed
						spoil(p)
						close(spoilt)
						<-p.over
					}
				})
				client := newClient(t, h1.Config{TLS: trust})
				for i := range 2 {
					r := put(s.host, strings.NewReader("some"), 4)
					r.Scheme = scheme
					wantOK(t, do(t.Context(), client, r), "ok")
					if i == 0 {
						close(proceed)
						<-spoilt
					}
				}
				if n := s.accepted(); n != 2 {
					t.Errorf("got %d connections, want 2", n)
				}
			})
		}
	})
}

// A server may close a connection when the next request is on its way already.
// GET goes again by itself; of anything else the caller decides.
func TestClosedUnderARequest(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete} {
		s := serve(t, nil, func(p *peer) {
			p.request()
			p.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			if p.nth == 0 {
				p.request()
			}
		})
		client := newClient(t, h1.Config{})
		wantOK(t, do(t.Context(), client, get(s.host)), "")
		r := get(s.host)
		r.Method = method
		got := do(t.Context(), client, r)
		if again := method == http.MethodGet || method == http.MethodHead; again != (got.err == nil) || again != (s.accepted() == 2) {
			t.Errorf("%s: got %v over %d connections, want it sent again: %v", method, got.err, s.accepted(), again)
		}
	}
}

// What is left of an answer is read if it is short, and else the connection is
// closed.
func TestUnreadAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		conns  int
	}{
		"short":         {fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", h1.DrainMax, long[:h1.DrainMax]), 1},
		"long":          {fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(long), long), 2},
		"short-chunked": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 1},
		"long-chunked":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n" + long + "\r\n0\r\n\r\n", 2},
		"that-lingers":  {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, nil, answers(c.answer))
			client := newClient(t, h1.Config{})
			for range 2 {
				resp, err := client.Do(t.Context(), get(s.host))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(resp.Body, make([]byte, 3)); err != nil {
					t.Error(err)
				}
				for range 2 {
					if err := resp.Body.Close(); err != nil {
						t.Error(err)
					}
				}
				if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
					t.Errorf("read after close: got %v, want %v", err, http.ErrBodyReadAfterClose)
				}
			}
			if n := s.accepted(); n != c.conns {
				t.Errorf("got %d connections, want %d", n, c.conns)
			}
		})
	}
}

// What Request.Body gives is what goes out, however it gives it.
func TestBodies(t *testing.T) {
	own := errors.New("error of the body")
	schemes(t, func(t *testing.T, scheme string, certificate, trust *tls.Config) {
		for name, c := range map[string]struct {
			body   io.Reader
			length int64
			err    error
		}{
			"whole":     {strings.NewReader(long), 1 << 20, nil},
			"by-bytes":  {iotest.OneByteReader(strings.NewReader(long[:70000])), 70000, nil},
			"by-halves": {iotest.HalfReader(strings.NewReader(long)), 1 << 20, nil},
			"data-eof":  {iotest.DataErrReader(strings.NewReader(long)), 1 << 20, nil},
			"more":      {strings.NewReader(long), 1000, nil},
			"less":      {strings.NewReader(long), 1<<20 + 1, io.ErrUnexpectedEOF},
			"none":      {strings.NewReader(""), 1, io.ErrUnexpectedEOF},
			"fails":     {io.MultiReader(strings.NewReader(long), iotest.ErrReader(own)), 2 << 20, own},
		} {
			t.Run(name, func(t *testing.T) {
				got := make(chan string, 1)
				s := serve(t, certificate, func(p *peer) {
					b, err := io.ReadAll(p.head().Body)
					if err == nil {
						got <- string(b)
						p.say(ok)
					}
				})
				r := put(s.host, c.body, c.length)
				r.Scheme = scheme
				ended := do(t.Context(), newClient(t, h1.Config{TLS: trust}), r)
				if !errors.Is(ended.err, c.err) {
					t.Fatalf("got %v, want %v", ended.err, c.err)
				}
				if c.err != nil {
					return
				}
				if b := <-got; b != long[:c.length] {
					t.Errorf("got %d bytes that begin with %.40q, want %d that begin with %.40q", len(b), b, c.length, long)
				}
			})
		}
	})
}

// A context that ends ends the exchange, whatever it waits for.
func TestCancel(t *testing.T) {
	const begun = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun"
	schemes(t, func(t *testing.T, scheme string, certificate, trust *tls.Config) {
		reached := make(chan struct{})
		reach := func() { reached <- struct{}{} }
		for name, c := range map[string]struct {
			handle func(p *peer)
			body   io.Reader
		}{
			"before-the-answer": {handle: func(p *peer) { p.request(); reach(); p.gone() }},
			"in-the-head":       {handle: func(p *peer) { p.request(); p.say("HTTP/1.1 200"); reach(); p.gone() }},
			"in-the-body":       {handle: func(p *peer) { p.request(); p.say(begun); reach(); p.gone() }},
			"while-it-reads":    {handle: func(p *peer) { p.head(); reach(); p.gone() }, body: zeros{}},
			"while-it-doesnt":   {handle: func(p *peer) { p.head(); reach(); <-p.over }, body: zeros{}},
		} {
			t.Run(name, func(t *testing.T) {
				s := serve(t, certificate, c.handle)
				client := newClient(t, h1.Config{TLS: trust})
				ctx, cancel := context.WithCancelCause(t.Context())
				r := get(s.host)
				if c.body != nil {
					r = put(s.host, c.body, 1<<40)
				}
				r.Scheme = scheme
				done := make(chan result)
				go func() { done <- do(ctx, client, r) }()
				<-reached
				cancel(errStopped)
				if got := <-done; !errors.Is(got.err, errStopped) {
					t.Errorf("got %v, want %v", got.err, errStopped)
				}
				if n := client.Idle(); n != 0 {
					t.Errorf("got %d idle connections, want 0", n)
				}
			})
		}
	})
}

func TestCancelBeforeThereIsAConnection(t *testing.T) {
	for name, c := range map[string]struct {
		scheme string
		handle func(reach func(), p *peer)
	}{
		"dial":      {"http", nil},
		"handshake": {"https", func(reach func(), p *peer) { reach(); p.gone() }},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			stop := func() { cancel(errStopped) }
			config := h1.Config{}
			host := "h"
			if c.handle == nil {
				config.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
					stop()
					<-ctx.Done()
					return nil, ctx.Err()
				}
			} else {
				host = serve(t, nil, func(p *peer) { c.handle(stop, p) }).host
			}
			client := newClient(t, config)
			r := get(host)
			r.Scheme = c.scheme
			for range 2 { // the second time it has ended before
				if got := do(ctx, client, r); !errors.Is(got.err, errStopped) {
					t.Errorf("got %v, want %v", got.err, errStopped)
				}
			}
		})
	}
}

// A context that ends between two exchanges doesn't spoil the connection; one
// that ends before Close does.
func TestCancelAfterwards(t *testing.T) {
	s := serve(t, nil, answers(ok))
	client := newClient(t, h1.Config{})
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		wantOK(t, do(ctx, client, get(s.host)), "ok")
		cancel()
	}
	if n := s.accepted(); n != 1 {
		t.Errorf("got %d connections, want 1", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	resp, err := client.Do(ctx, get(s.host))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "ok" {
		t.Errorf("got %q, %v, want ok", b, err)
	}
	cancel()
	if err := resp.Body.Close(); err != nil || client.Idle() != 0 {
		t.Errorf("got %v and %d idle connections, want none", err, client.Idle())
	}
}

// Idle connections are closed in time, the last used is used first, and there
// are never too many.
func TestIdleConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var open, dials atomic.Int32
		client := newClient(t, h1.Config{MaxIdle: 3, IdleTimeout: 10 * time.Second, Dial: piped(func(c net.Conn, r *bufio.Reader) {
			open.Add(1)
			defer open.Add(-1)
			dials.Add(1)
			for {
				if _, err := http.ReadRequest(r); err != nil {
					return
				}
				_, _ = io.WriteString(c, ok)
			}
		})})
		expect := func(when string, wantOpen, wantDials int32) {
			t.Helper()
			synctest.Wait()
			if o, d := open.Load(), dials.Load(); o != wantOpen || d != wantDials || int32(client.Idle()) != wantOpen {
				t.Errorf("%s: got %d open, %d idle, %d dials, want %d, %d, %d", when, o, client.Idle(), d, wantOpen, wantOpen, wantDials)
			}
		}
		several := func(host string, n int) {
			var open []*wire.Response
			for range n {
				resp, err := client.Do(t.Context(), get(host))
				if err != nil {
					t.Fatal(err)
				}
				open = append(open, resp)
			}
			for _, resp := range open {
				_, _ = io.ReadAll(resp.Body)
				_ = resp.Body.Close()
			}
		}
		several("a", 2)
		expect("two at once", 2, 2)
		time.Sleep(6 * time.Second)
		several("a", 1)
		expect("one again", 2, 2)
		time.Sleep(6 * time.Second)
		expect("one is old", 1, 2)
		time.Sleep(20 * time.Second)
		expect("both are", 0, 2)
		several("a", 5)
		expect("too many", 3, 7)
		time.Sleep(time.Second)
		several("b", 2)
		expect("of another host", 3, 9)
		client.CloseIdle()
		expect("closed", 0, 9)
		several("b", 1)
		expect("and used again", 1, 10)
		client.CloseIdle()
	})
}
