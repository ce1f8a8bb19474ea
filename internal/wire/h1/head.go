package h1

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// malformed is an answer that isn't HTTP/1.1 as RFC 9112 wants it.
type malformed string

func (m malformed) Error() string { return "malformed answer: " + string(m) }

// fieldsMax is how many fields a head may have; S3's have some 15, and the
// user's own, which may be many hundreds: their names and values together may
// have 2 KiB.
const fieldsMax = 1000

// head is what the head of an answer says.
type head struct {
	status  int
	header  http.Header
	length  int64 // of Content-Length; -1: none
	chunked bool
	last    bool // the connection ends with this answer
}

// parseHead parses a head, whose last four bytes are the empty line and the end
// of the line before.
func parseHead(b []byte) (h head, err error) {
	line, rest, _ := bytes.Cut(b, crlf)
	minor, status, err := parseStatusLine(line)
	if err != nil {
		return h, err
	}
	h.status, h.length, h.last = status, -1, minor == '0'
	if h.header, err = parseFields(rest[:len(rest)-len(crlf)]); err != nil {
		return h, err
	}
	return h, h.frame(minor)
}

var crlf = []byte("\r\n")

// parseStatusLine parses the first line (RFC 9112 §4):
//
//	HTTP-version SP status-code SP [ reason-phrase ]
//
// Servers that leave the second space out where there is no phrase are common,
// and cannot be misread.
func parseStatusLine(b []byte) (minor byte, status int, err error) {
	const prefix = "HTTP/1."
	if len(b) < len("HTTP/1.1 200") || string(b[:len(prefix)]) != prefix || !isDigit(b[7]) || b[8] != ' ' {
		return 0, 0, malformed(fmt.Sprintf("status line %.60q", b))
	}
	for _, c := range b[9:12] {
		if !isDigit(c) {
			return 0, 0, malformed(fmt.Sprintf("status line %.60q", b))
		}
		status = 10*status + int(c-'0')
	}
	// RFC 9110 §15: what is not from 100 to 599 is no status.
	if status < 100 || status > 599 || len(b) > 12 && b[12] != ' ' || !isText(b[12:]) {
		return 0, 0, malformed(fmt.Sprintf("status line %.60q", b))
	}
	return b[7], status, nil
}

// parseFields parses field lines (RFC 9112 §5), each with its end. They share
// one string and one slice.
//
//	field-line = field-name ":" OWS field-value OWS
func parseFields(b []byte) (http.Header, error) {
	n := bytes.Count(b, crlf)
	if n > fieldsMax {
		return nil, malformed(fmt.Sprintf("%d fields, more than %d", n, fieldsMax))
	}
	header, values, text := make(http.Header, n), make([]string, 0, n), string(b)
	for text != "" {
		line, rest, _ := strings.Cut(text, "\r\n")
		text = rest
		name, value, ok := strings.Cut(line, ":")
		// A line that begins with a space continues the one before (§5.2,
		// obs-fold), and a space before the colon is read in different ways
		// (§5.1): neither is a token, and both are refused.
		if !ok || !isToken(name) {
			return nil, malformed(fmt.Sprintf("field line %.60q", line))
		}
		value = strings.Trim(value, " \t")
		if !isText(value) {
			return nil, malformed(fmt.Sprintf("value of field %s: %.60q", name, value))
		}
		key := canonical(name)
		if old, ok := header[key]; ok {
			header[key] = append(old, value) // a slice of its own: old has no room
			continue
		}
		values = append(values, value)
		header[key] = values[len(values)-1 : len(values) : len(values)]
	}
	return header, nil
}

// frame finds out how long the body is (RFC 9112 §6) and whether the connection
// goes on after it (§9.3).
func (h *head) frame(minor byte) error {
	lengths, coding := h.header["Content-Length"], h.header["Transfer-Encoding"]
	if len(coding) > 0 {
		// §6.1 and §6.3: a length beside it, or HTTP/1.0, is how messages are
		// smuggled. The only coding that we let a server send is chunked.
		if len(lengths) > 0 || minor == '0' || len(coding) > 1 || !strings.EqualFold(coding[0], "chunked") {
			return malformed(fmt.Sprintf("Transfer-Encoding %q with Content-Length %q in HTTP/1.%c", coding, lengths, minor))
		}
		h.chunked = true
	}
	for _, values := range lengths {
		for value := range strings.SplitSeq(values, ",") {
			n, err := parseLength(strings.Trim(value, " \t"))
			if err != nil || h.length >= 0 && h.length != n {
				return malformed(fmt.Sprintf("Content-Length %q", lengths))
			}
			h.length = n
		}
	}
	for _, values := range h.header["Connection"] {
		for option := range strings.SplitSeq(values, ",") {
			switch option = strings.Trim(option, " \t"); {
			case strings.EqualFold(option, "close"):
				h.last = true
				return nil
			case strings.EqualFold(option, "keep-alive"):
				h.last = false // of HTTP/1.0: §9.3
			}
		}
	}
	return nil
}

// parseLength parses 1*DIGIT (RFC 9110 §8.6): no sign, nothing else.
func parseLength(s string) (int64, error) {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, strconv.ErrSyntax
		}
	}
	return strconv.ParseInt(s, 10, 64)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isToken says whether s is a token (RFC 9110 §5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		if !tokenBytes[s[i]] {
			return false
		}
	}
	return s != ""
}

// tokenBytes are those that a token may have.
var tokenBytes = func() (table [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		table[c] = true
	}
	return table
}()

// isText says whether s has no control characters but tabs (RFC 9110 §5.5,
// field-value). A CR or LF by itself is one (RFC 9112 §2.2).
func isText[T string | []byte](s T) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
