package faulttest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// What faults answer with.

// overKey finds what the stage's end closes, in the context of a request.
type overKey struct{}

func withOver(ctx context.Context, over chan struct{}) context.Context {
	return context.WithValue(ctx, overKey{}, over)
}

// over is closed when the test ends.
func over(r *http.Request) <-chan struct{} { return r.Context().Value(overKey{}).(chan struct{}) }

func drain(r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) } // a body that breaks off is the client's affair

// drainFirst takes the whole request in before anything else happens.
func drainFirst(r *http.Request) {
	b, _ := io.ReadAll(r.Body) // a body that breaks off is the client's affair
	r.Body = io.NopCloser(bytes.NewReader(b))
}

// breakNow breaks the request's connection.
func breakNow(r *http.Request, how way) { r.Context().Value(connKey{}).(*conn).end(how) }

// speak writes bytes as they are and closes the connection, in order.
func speak(w http.ResponseWriter, raw string) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(c, raw) // it is broken anyhow
	_ = c.Close()
}

func spaces(n int) string { return strings.Repeat(" ", n) }

func errorDocument(code, region string) string {
	if region != "" {
		region = "<Region>" + region + "</Region>"
	}
	return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>` + code + `</Code><Message>as the test wants it</Message>` + region + `</Error>`
}

// document answers with a status, a body and headers; an empty value removes one.
func document(name string, on func(o operation) bool, status int, body string, headers ...string) fault {
	return answering(name, on, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		drain(r)
		w.Header().Set("Content-Type", "application/xml")
		for i := 0; i+1 < len(headers); i += 2 {
			if headers[i+1] == "" {
				w.Header()[headers[i]] = nil // net/http leaves out what it would set
				continue
			}
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // the client may have enough
	})
}

// reply is the store's answer, to be changed.
type reply struct {
	status int
	header http.Header
	length int // that is announced; -1: none is
	body   []byte
}

// changing passes the request on and changes its answer.
func changing(name string, on func(o operation) bool, change func(a *reply)) fault {
	return answering(name, on, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		rec := answerOf(r, pass)
		a := &reply{rec.Code, rec.Header(), rec.Body.Len(), rec.Body.Bytes()}
		if r.Method == http.MethodHead {
			_, _ = fmt.Sscan(a.header.Get("Content-Length"), &a.length)
		}
		change(a)
		a.header.Set("Connection", "close")
		a.header.Del("Content-Length")
		if a.length >= 0 {
			a.header.Set("Content-Length", fmt.Sprint(a.length))
		}
		var head strings.Builder
		fmt.Fprintf(&head, "HTTP/1.1 %d %s\r\n", a.status, http.StatusText(a.status))
		_ = a.header.Write(&head) // a strings.Builder doesn't fail
		speak(w, head.String()+"\r\n"+string(a.body))
	})
}
