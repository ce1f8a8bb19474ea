package h1_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/haul-s3/haul/internal/wire/h1"
)

// goodHeads are heads, without the empty line, and what is in them.
var goodHeads = map[string]struct {
	head string
	want h1.Head
}{
	"plain":           {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", h1.Head{Status: 200, Length: 5}},
	"no-phrase":       {"HTTP/1.1 200 \r\n", h1.Head{Status: 200, Length: -1}},
	"no-second-space": {"HTTP/1.1 404\r\n", h1.Head{Status: 404, Length: -1}},
	"long-phrase":     {"HTTP/1.1 503 Slow\tdown, pl\xc3\xa4se\r\n", h1.Head{Status: 503, Length: -1}},
	"later-minor":     {"HTTP/1.2 200 OK\r\n", h1.Head{Status: 200, Length: -1}},
	"old-minor":       {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n", h1.Head{Status: 200, Length: 5, Last: true}},
	"old-kept":        {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n", h1.Head{Status: 200, Length: -1}},
	"close":           {"HTTP/1.1 200 OK\r\nConnection: x, Close\r\n", h1.Head{Status: 200, Length: -1, Last: true}},
	"close-wins":      {"HTTP/1.1 200 OK\r\nConnection: close, keep-alive\r\n", h1.Head{Status: 200, Length: -1, Last: true}},
	"close-wins-too":  {"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\n", h1.Head{Status: 200, Length: -1, Last: true}},
	"closely":         {"HTTP/1.1 200 OK\r\nConnection: closely\r\n", h1.Head{Status: 200, Length: -1}},
	"chunked":         {"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n", h1.Head{Status: 200, Length: -1, Chunked: true}},
	"same-length":     {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n", h1.Head{Status: 200, Length: 5}},
	"same-in-a-list":  {"HTTP/1.1 200 OK\r\nContent-Length: 5 , 5\r\n", h1.Head{Status: 200, Length: 5}},
	"longest":         {"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n", h1.Head{Status: 200, Length: 1<<63 - 1}},
}

func TestGoodHeads(t *testing.T) {
	for name, c := range goodHeads {
		t.Run(name, func(t *testing.T) {
			got, err := h1.ParseHead([]byte(c.head + "\r\n"))
			if err != nil || got.Status != c.want.Status || got.Length != c.want.Length || got.Chunked != c.want.Chunked || got.Last != c.want.Last {
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

// badHeads are heads that are refused, by the section that says so.
var badHeads = map[string]string{
	"rfc-9112-4-empty":               "\r\n",
	"rfc-9112-4-other-protocol":      "ICY 200 OK\r\n",
	"rfc-9112-4-lower-case":          "http/1.1 200 OK\r\n",
	"rfc-9112-4-major":               "HTTP/2.0 200 OK\r\n",
	"rfc-9112-4-no-minor":            "HTTP/1 200 OK\r\n",
	"rfc-9112-4-two-digits":          "HTTP/1.11 200 OK\r\n",
	"rfc-9112-4-two-spaces":          "HTTP/1.1  200 OK\r\n",
	"rfc-9112-4-tab":                 "HTTP/1.1\t200 OK\r\n",
	"rfc-9112-4-short-status":        "HTTP/1.1 20 OK\r\n",
	"rfc-9112-4-long-status":         "HTTP/1.1 2000 OK\r\n",
	"rfc-9112-4-no-number":           "HTTP/1.1 2x0 OK\r\n",
	"rfc-9112-4-phrase":              "HTTP/1.1 200 O\x00K\r\n",
	"rfc-9110-15-too-low":            "HTTP/1.1 099 OK\r\n",
	"rfc-9110-15-too-high":           "HTTP/1.1 600 OK\r\n",
	"rfc-9112-2.2-leading-space":     "HTTP/1.1 200 OK\r\n A: b\r\n",
	"rfc-9112-2.2-bare-cr":           "HTTP/1.1 200 OK\r\nA: b\rC: d\r\n",
	"rfc-9112-2.2-bare-lf":           "HTTP/1.1 200 OK\r\nA: b\nC: d\r\n",
	"rfc-9112-5-no-colon":            "HTTP/1.1 200 OK\r\nA b\r\n",
	"rfc-9112-5-no-name":             "HTTP/1.1 200 OK\r\n: b\r\n",
	"rfc-9112-5.1-space-before":      "HTTP/1.1 200 OK\r\nA : b\r\n",
	"rfc-9112-5.1-no-token":          "HTTP/1.1 200 OK\r\nA(b): c\r\n",
	"rfc-9112-5.2-obs-fold":          "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n",
	"rfc-9112-5.2-obs-fold-tab":      "HTTP/1.1 200 OK\r\nA: b\r\n\tc\r\n",
	"rfc-9110-5.5-nul":               "HTTP/1.1 200 OK\r\nA: b\x00c\r\n",
	"rfc-9110-5.5-del":               "HTTP/1.1 200 OK\r\nA: b\x7fc\r\n",
	"rfc-9112-6.1-and-length":        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
	"rfc-9112-6.1-http-1.0":          "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n",
	"rfc-9112-6.1-gzip":              "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n",
	"rfc-9112-6.1-identity":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n",
	"rfc-9112-6.1-twice":             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
	"rfc-9112-6.3-two-lengths":       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n",
	"rfc-9112-6.3-two-in-a-list":     "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n",
	"rfc-9110-8.6-sign":              "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n",
	"rfc-9110-8.6-negative":          "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n",
	"rfc-9110-8.6-hex":               "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n",
	"rfc-9110-8.6-empty":             "HTTP/1.1 200 OK\r\nContent-Length: \r\n",
	"rfc-9110-8.6-overflow":          "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n",
	"rfc-9110-5.4-too-many-of-these": "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", h1.FieldsMax+1),
}

func TestBadHeads(t *testing.T) {
	for name, head := range badHeads {
		t.Run(name, func(t *testing.T) {
			if got, err := h1.ParseHead([]byte(head + "\r\n")); err == nil {
				t.Errorf("got %+v, want an error", got)
			}
		})
	}
}

// TestManyFields takes as much user metadata as S3 does: 2 KiB of names and
// values.
func TestManyFields(t *testing.T) {
	var head strings.Builder
	head.WriteString("HTTP/1.1 200 OK\r\n")
	const n = 2048 / len("0000")
	for i := range n {
		fmt.Fprintf(&head, "x-amz-meta-%03x: v\r\n", i)
	}
	head.WriteString("\r\n")
	got, err := h1.ParseHead([]byte(head.String()))
	if err != nil || len(got.Header) != n {
		t.Errorf("got %d fields, %v, want %d", len(got.Header), err, n)
	}
}

func TestHeaderAsNetHTTP(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nx-amz-request-id: 1\r\nETag: \"a\"\r\nx-amz-meta-ä: 2\r\nX-AMZ-META-Two: \t a b \t\r\n" +
		"x-amz-meta-two: c\r\nx-amz-meta-two: d\r\ndate: x\r\nEmpty:\r\nx-amz-server-side-encryption-customer-key-MD5: 5\r\n\r\n"
	head2 := strings.Replace(head, "ä", "a", 1)
	got, err := h1.ParseHead([]byte(head2))
	if err != nil {
		t.Fatal(err)
	}
	want, err := http.ReadResponse(bufio.NewReader(strings.NewReader(head2)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got.Header) != fmt.Sprint(want.Header) {
		t.Errorf("got %v, want %v", got.Header, want.Header)
	}
	if _, err := h1.ParseHead([]byte(head)); err == nil {
		t.Error("got no error for a name that is no token, want one")
	}
}

// What is accepted is what net/http makes of it, where that accepts it too.
func FuzzHead(f *testing.F) {
	for _, c := range goodHeads {
		f.Add([]byte(c.head))
	}
	for _, head := range badHeads {
		f.Add([]byte(head))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = append(b, "\r\n\r\n"...)
		b = b[:bytes.Index(b, []byte("\r\n\r\n"))+4]
		got, err := h1.ParseHead(b)
		if err != nil {
			return
		}
		want, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), &http.Request{Method: http.MethodHead})
		if err != nil {
			return
		}
		if got.Status != want.StatusCode || got.Chunked != (len(want.TransferEncoding) > 0) {
			t.Errorf("%q: got %+v, net/http has status %d, encoding %v", b, got, want.StatusCode, want.TransferEncoding)
		}
		for name, values := range want.Header {
			if name != "Content-Length" && name != "Connection" && fmt.Sprint(got.Header[name]) != fmt.Sprint(values) {
				t.Errorf("%q: got %s %q, net/http has %q", b, name, got.Header[name], values)
			}
		}
	})
}

// answerHead parses the head of an answer of S3.
func answerHead(tb testing.TB) (once func()) {
	head := []byte(s3Answer)
	return func() {
		if h, err := h1.ParseHead(head); err != nil || h.Length != 65536 {
			tb.Fatalf("got %+v, %v, want a length of 65536", h, err)
		}
	}
}

// headAllocsMax is what a head may allocate: its text, the header and the
// header's values.
const headAllocsMax = 6

func BenchmarkAnswerHead(b *testing.B) {
	once := answerHead(b)
	b.ReportAllocs()
	for b.Loop() {
		once()
	}
}

func TestHeadAllocations(t *testing.T) {
	if got := testing.AllocsPerRun(200, answerHead(t)); got > headAllocsMax {
		t.Errorf("allocations of a head: got %v, want at most %d", got, headAllocsMax)
	}
}
