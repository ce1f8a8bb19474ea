package h1_test

import (
	"bytes"
	"errors"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/wire/h1"
)

// decode decodes a chunked body.
func decode(r io.Reader) (body, rest string, err error) {
	chunked, left, release := h1.NewChunkedReader(r, bufpool.New(1<<20))
	defer release()
	b, err := io.ReadAll(chunked)
	return string(b), string(left()), err
}

var chunkedBodies = map[string]struct {
	in, body, rest string
	bad            bool
}{
	"empty":               {in: "0\r\n\r\n"},
	"one":                 {in: "5\r\nhello\r\n0\r\n\r\n", body: "hello"},
	"more":                {in: "5\r\nhello\r\nA\r\n, worldly \r\n0a\r\n0123456789\r\n0\r\n\r\n", body: "hello, worldly 0123456789"},
	"rest":                {in: "1\r\na\r\n0\r\n\r\nHTTP/1.1", body: "a", rest: "HTTP/1.1"},
	"extension":           {in: "1;x=y;z=\"a\"\r\na\r\n0;last\r\n\r\n", body: "a"},
	"space-before-it":     {in: "1 ;x\r\na\r\n0\r\n\r\n", body: "a"},
	"trailer":             {in: "1\r\na\r\n0\r\nA: b\r\nC: d\r\n\r\n", body: "a"},
	"padded":              {in: "0001\r\na\r\n000\r\n\r\n", body: "a"},
	"large":               {in: "100000\r\n" + long + "\r\n0\r\n\r\n", body: long},
	"nothing":             {in: "", bad: true},
	"no-end":              {in: "5\r\nhello\r\n", body: "hello", bad: true},
	"no-end-of-trailer":   {in: "0\r\n", bad: true},
	"short-chunk":         {in: "5\r\nhell", body: "hell", bad: true},
	"long-chunk":          {in: "4\r\nhello\r\n0\r\n\r\n", body: "hell", bad: true},
	"no-size":             {in: "\r\nhello\r\n0\r\n\r\n", bad: true},
	"sign":                {in: "+5\r\nhello\r\n0\r\n\r\n", bad: true},
	"negative":            {in: "-5\r\nhello\r\n0\r\n\r\n", bad: true},
	"prefix":              {in: "0x5\r\nhello\r\n0\r\n\r\n", bad: true},
	"leading-space":       {in: " 5\r\nhello\r\n0\r\n\r\n", bad: true},
	"inner-space":         {in: "5 5\r\nhello\r\n0\r\n\r\n", bad: true},
	"bare-lf":             {in: "5\nhello\n0\n\n", bad: true},
	"lf-in-extension":     {in: "5;a\nb\r\nhello\r\n0\r\n\r\n", bad: true},
	"overflow":            {in: "10000000000000005\r\nhello\r\n0\r\n\r\n", bad: true},
	"bad-trailer":         {in: "0\r\nno colon\r\n\r\n", bad: true},
	"endless-extension":   {in: "5;" + strings.Repeat("a", 5<<10) + "\r\nhello\r\n0\r\n\r\n", bad: true},
	"endless-trailer":     {in: "0\r\n" + strings.Repeat("A: b\r\n", 10<<10) + "\r\n", bad: true},
	"rfc-9112-7.1-no-crl": {in: "5\r\nhello0\r\n\r\n", body: "hello", bad: true},
}

func TestChunked(t *testing.T) {
	for name, c := range chunkedBodies {
		t.Run(name, func(t *testing.T) {
			for how, r := range map[string]io.Reader{"at-once": strings.NewReader(c.in), "by-bytes": iotest.OneByteReader(strings.NewReader(c.in))} {
				body, rest, err := decode(r)
				if body != c.body || (err != nil) != c.bad {
					t.Errorf("%s: got %.40q, %v, want %.40q, an error: %v", how, body, err, c.body, c.bad)
				}
				if how == "at-once" && !c.bad && rest != c.rest {
					t.Errorf("%s: got %.40q behind the body, want %q", how, rest, c.rest)
				}
				if errors.Is(err, io.EOF) {
					t.Errorf("%s: got %v, which looks like an end", how, err)
				}
			}
		})
	}
}

// What is accepted is what net/http's reader makes of it, and nothing is read
// that is behind the body.
func FuzzChunked(f *testing.F) {
	for _, c := range chunkedBodies {
		if len(c.in) < 64<<10 { // a longer one only makes it slow
			f.Add([]byte(c.in))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		body, _, err := decode(bytes.NewReader(b))
		slow, _, serr := decode(iotest.OneByteReader(bytes.NewReader(b)))
		if body != slow || (err == nil) != (serr == nil) {
			t.Errorf("%q: got %q, %v at once, %q, %v byte by byte", b, body, err, slow, serr)
		}
		if err != nil {
			return
		}
		if want, werr := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(b))); werr == nil && string(want) != body {
			t.Errorf("%q: got %q, net/http has %q", b, body, want)
		}
	})
}
