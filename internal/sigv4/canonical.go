package sigv4

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"
)

// scratch is the working space of one Sign; it comes from the Signer's pool.
type scratch struct {
	lower   []byte   // names of the signed headers in lower case, one after the other
	headers []header // signed headers; names point into lower
	params  []param  // query parameters
	text    []byte   // the canonical request
	toSign  []byte   // the string to sign
	out     []byte   // the value of Authorization
}

// header is one signed header line.
type header struct {
	name  []byte // lower case
	value string // as sent
}

// canonical builds the canonical request of r with the added fields and
// returns the list of signed names, valid until the next call, and the
// request's digest.
func (sc *scratch) canonical(r *Request, added []Field) (names []byte, digest [sha256.Size]byte, err error) {
	sc.collect(r, added)
	b := append(sc.text[:0], r.Method...)
	b = append(b, '\n')
	if r.Path == "" {
		b = append(b, '/')
	}
	b = append(append(b, r.Path...), '\n')
	if b, err = sc.appendQuery(b, r.RawQuery); err != nil {
		return nil, digest, err
	}
	b = append(b, '\n')
	b = appendHeaders(b, sc.headers)
	b = append(b, '\n')
	start := len(b)
	b = appendNames(b, sc.headers)
	end := len(b)
	b = append(append(b, '\n'), r.PayloadHash...)
	sc.text = b
	return b[start:end], sha256.Sum256(b), nil
}

// collect fills sc.headers with what gets signed, sorted by name.
func (sc *scratch) collect(r *Request, added []Field) {
	// The names point into sc.lower, so it must not move while it is filled.
	room := len("host") + len("content-length")
	for _, fs := range [2][]Field{r.Fields, added} {
		for i := range fs {
			room += len(fs[i].Name)
		}
	}
	sc.lower = slices.Grow(sc.lower[:0], room)
	sc.headers = sc.headers[:0]
	sc.add("host", r.Host)
	if r.ContentLength > 0 {
		sc.add("content-length", strconv.FormatInt(r.ContentLength, 10))
	}
	for _, fs := range [2][]Field{r.Fields, added} {
		for i := range fs {
			if signed(fs[i].Name) {
				sc.add(fs[i].Name, fs[i].Value)
			}
		}
	}
	// Stable: fields of one name keep their order.
	slices.SortStableFunc(sc.headers, func(a, b header) int { return bytes.Compare(a.name, b.name) })
}

// add appends one header. sc.lower has room for its name.
func (sc *scratch) add(name, value string) {
	start := len(sc.lower)
	sc.lower = sc.lower[:start+len(name)]
	lower := sc.lower[start:]
	for i := range lower {
		lower[i] = lowerCase[name[i]]
	}
	sc.headers = append(sc.headers, header{lower, value})
}

// lowerCase maps ASCII letters to lower case and all else to itself.
var lowerCase = func() (table [256]byte) {
	for c := range table {
		table[c] = byte(c)
		if 'A' <= c && c <= 'Z' {
			table[c] += 'a' - 'A'
		}
	}
	return table
}()

// signed tells whether a field of this name is part of the signature. Proxies
// may change those that are not. Host and Content-Length are in already.
func signed(name string) bool {
	switch len(name) {
	case len("Host"):
		return !strings.EqualFold(name, "Host")
	case len("Expect"):
		return !strings.EqualFold(name, "Expect")
	case len("User-Agent"):
		return !strings.EqualFold(name, "User-Agent")
	case len("Authorization"):
		return !strings.EqualFold(name, "Authorization")
	case len("Content-Length"):
		return !strings.EqualFold(name, "Content-Length")
	case len("X-Amzn-Trace-Id"):
		return !strings.EqualFold(name, "X-Amzn-Trace-Id")
	case len("Transfer-Encoding"):
		return !strings.EqualFold(name, "Transfer-Encoding")
	}
	return true
}

// appendHeaders appends the canonical headers, "name:value\n" each; values of
// one name are joined by commas.
func appendHeaders(b []byte, hs []header) []byte {
	for i, h := range hs {
		if i > 0 && bytes.Equal(h.name, hs[i-1].name) {
			b[len(b)-1] = ','
		} else {
			b = append(append(b, h.name...), ':')
		}
		b = append(appendFolded(b, h.value), '\n')
	}
	return b
}

// appendNames appends the names of hs, each once, joined by semicolons.
func appendNames(b []byte, hs []header) []byte {
	for i, h := range hs {
		if i > 0 && bytes.Equal(h.name, hs[i-1].name) {
			continue
		}
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, h.name...)
	}
	return b
}

// appendFolded appends v without the white space around it and with each run
// of spaces inside as one.
func appendFolded(b []byte, v string) []byte {
	v = strings.TrimSpace(v)
	for {
		i := strings.Index(v, "  ")
		if i < 0 {
			return append(b, v...)
		}
		b = append(b, v[:i+1]...)
		v = strings.TrimLeft(v[i:], " ")
	}
}
