package h1

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/haul-s3/haul/internal/wire"
)

// checkRequest refuses what would be another request on the wire than the one
// it is here (RFC 9112 §11.1).
func checkRequest(r *wire.Request) error {
	switch {
	case r.Scheme != "http" && r.Scheme != "https":
		return fmt.Errorf("scheme %q: it must be http or https", r.Scheme)
	case !isToken(r.Method):
		return fmt.Errorf("method %q is no token", r.Method)
	case r.Host == "" || !isGraphic(r.Host) || strings.ContainsAny(r.Host, "/?#@\\"):
		return fmt.Errorf("host %q is none", r.Host)
	case !strings.HasPrefix(r.Path, "/") || !isGraphic(r.Path) || strings.ContainsAny(r.Path, "?#"):
		return fmt.Errorf("path %q: it must begin with a slash and be escaped", r.Path)
	case !isGraphic(r.RawQuery) || strings.Contains(r.RawQuery, "#"):
		return fmt.Errorf("query %q is not escaped", r.RawQuery)
	case r.ContentLength < 0 || r.ContentLength > 0 && r.Body == nil:
		return fmt.Errorf("content length of %d: it must be the body's", r.ContentLength)
	}
	for name, values := range r.Header {
		if !isToken(name) {
			return fmt.Errorf("header name %q is no token", name)
		}
		for _, v := range values {
			if !isText(v) {
				return fmt.Errorf("value of header %s has control characters", name)
			}
		}
	}
	return nil
}

// isGraphic says whether s has neither spaces nor control characters.
func isGraphic(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// appendHead renders the head of a request (RFC 9112 §3, §5).
func appendHead(b []byte, r *wire.Request) []byte {
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, r.Path...)
	if r.RawQuery != "" {
		b = append(b, '?')
		b = append(b, r.RawQuery...)
	}
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, r.Host...)
	for name, values := range r.Header {
		if isOurs(name) {
			continue
		}
		for _, v := range values {
			b = append(b, "\r\n"...)
			b = append(b, name...)
			b = append(b, ": "...)
			b = append(b, v...)
		}
	}
	// RFC 9110 §8.6: a method that may have a body says so where it has none.
	if r.ContentLength > 0 || r.Method == http.MethodPut || r.Method == http.MethodPost || r.Method == http.MethodPatch {
		b = append(b, "\r\nContent-Length: "...)
		b = strconv.AppendInt(b, r.ContentLength, 10)
	}
	return append(b, "\r\n\r\n"...)
}

// isOurs says whether a header is the exchange's to set: those that say where
// the request ends and what becomes of the connection, and 100-continue, which
// isn't waited for here.
func isOurs(name string) bool {
	switch name {
	case "Host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Te", "Upgrade", "Expect":
		return true
	}
	return false
}
