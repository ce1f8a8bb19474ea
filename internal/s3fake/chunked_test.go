package s3fake_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/haul-s3/haul/internal/s3fake"
)

var (
	signature = strings.Repeat("0123456789abcdef", 4)
	block     = strings.Repeat("x", 8192)
)

func TestChunkedFraming(t *testing.T) {
	const crc = "x-amz-checksum-crc32"
	signedEnd := "0;chunk-signature=" + signature + "\r\n"
	for _, x := range []struct {
		name, body, trailer string
		signed              bool
		declared            int64
		data, code          string // want; code "" is success
	}{
		{"one-chunk", "3\r\nabc\r\n0\r\n" + crc + ":NSRBwg==\r\n\r\n", crc, false, 3, "abc", ""},
		{"empty", "0\r\n" + crc + ":AAAAAA==\r\n\r\n", crc, false, 0, "", ""},
		{"two-chunks", "2000\r\n" + block + "\r\n1\r\ny\r\n0\r\n" + crc + ":v\r\n\r\n", crc, false, 8193, block + "y", ""},
		{"upper-case-trailer", "1\r\na\r\n0\r\nX-AMZ-Checksum-CRC32: v\r\n\r\n", crc, false, 1, "a", ""},
		{"signed", "3;chunk-signature=" + signature + "\r\nabc\r\n" + signedEnd + "\r\n", "", true, 3, "abc", ""},
		{"signed-with-trailer", "1;chunk-signature=" + signature + "\r\na\r\n" + signedEnd + crc + ":v\r\nx-amz-trailer-signature:" + signature + "\r\n\r\n", crc, true, 1, "a", ""},
		{"small-chunk-in-the-middle", "1\r\na\r\n1\r\nb\r\n0\r\n" + crc + ":v\r\n\r\n", crc, false, 2, "", "InvalidChunkSizeError"},
		{"fewer-than-declared", "1\r\na\r\n0\r\n" + crc + ":v\r\n\r\n", crc, false, 2, "", "IncompleteBody"},
		{"more-than-declared", "2\r\nab\r\n0\r\n" + crc + ":v\r\n\r\n", crc, false, 1, "", "IncompleteBody"},
		{"ends-in-data", "5\r\nab", crc, false, 5, "", "IncompleteBody"},
		{"ends-before-trailer", "1\r\na\r\n0\r\n", crc, false, 1, "", "IncompleteBody"},
		{"no-last-line", "1\r\na\r\n0\r\n" + crc + ":v\r\n", crc, false, 1, "", "IncompleteBody"},
		{"trailer-missing", "1\r\na\r\n0\r\n\r\n", crc, false, 1, "", "MalformedTrailerError"},
		{"other-trailer", "1\r\na\r\n0\r\nx-amz-checksum-sha1:v\r\n\r\n", crc, false, 1, "", "MalformedTrailerError"},
		{"unannounced-trailer", "1;chunk-signature=" + signature + "\r\na\r\n" + signedEnd + "x:v\r\n\r\n", "", true, 1, "", "MalformedTrailerError"},
		{"trailer-signature-missing", "0;chunk-signature=" + signature + "\r\n" + crc + ":v\r\n\r\n", crc, true, 0, "", "MalformedTrailerError"},
		{"bare-newlines", "1\na\n0\n\n", crc, false, 1, "", "InvalidRequest"},
		{"bad-size", "g\r\na\r\n", crc, false, 1, "", "InvalidRequest"},
		{"negative-size", "-1\r\na\r\n", crc, false, 1, "", "InvalidRequest"},
		{"huge-size", "fffffffffffffffff\r\n", crc, false, 1, "", "InvalidRequest"},
		{"chunk-too-long", "1\r\nab\r\n", crc, false, 1, "", "InvalidRequest"},
		{"signature-missing", "1\r\na\r\n", "", true, 1, "", "InvalidRequest"},
		{"signature-not-wanted", "1;chunk-signature=" + signature + "\r\na\r\n", crc, false, 1, "", "InvalidRequest"},
		{"short-signature", "1;chunk-signature=abc\r\na\r\n", "", true, 1, "", "InvalidRequest"},
		{"bytes-behind", "0\r\n" + crc + ":v\r\n\r\n0", crc, false, 0, "", "InvalidRequest"},
		{"endless-line", strings.Repeat("1", 5000), crc, false, 0, "", "InvalidRequest"},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := s3fake.NewChunkReader(strings.NewReader(x.body), x.signed, x.trailer, x.declared)
			data, err := io.ReadAll(r)
			if got := s3fake.ErrorCode(err); got != x.code {
				t.Errorf("got %q (%v), want %q", got, err, x.code)
			}
			if err == nil && string(data) != x.data {
				t.Errorf("data: got %q, want %q", data, x.data)
			}
		})
	}
}

// FuzzChunked feeds the parser anything. What it accepts must have the declared length and stand in what it read.
func FuzzChunked(f *testing.F) {
	f.Add([]byte("3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n"), false, true, int64(3))
	f.Add([]byte("0;chunk-signature="+signature+"\r\n\r\n"), true, false, int64(0))
	f.Add([]byte("1;chunk-signature="+signature+"\r\na\r\n0;chunk-signature="+signature+"\r\nx-amz-checksum-crc32:v\r\nx-amz-trailer-signature:"+signature+"\r\n\r\n"), true, true, int64(1))
	f.Add([]byte("2000\r\n"+block+"\r\n0\r\n\r\n"), false, false, int64(8192))
	f.Fuzz(func(t *testing.T, body []byte, signed, trailer bool, declared int64) {
		name := ""
		if trailer {
			name = "x-amz-checksum-crc32"
		}
		data, err := io.ReadAll(s3fake.NewChunkReader(bytes.NewReader(body), signed, name, declared))
		if err != nil {
			if s3fake.ErrorCode(err) == "" {
				t.Errorf("error without a code: %v", err)
			}
			return
		}
		if int64(len(data)) != declared {
			t.Errorf("accepted %d bytes, declared are %d", len(data), declared)
		}
		// Fewer bytes than a middle chunk must have came in one chunk, between two line ends.
		if len(data) > 0 && len(data) < 8192 && !bytes.Contains(body, fmt.Appendf(nil, "\r\n%s\r\n", data)) {
			t.Errorf("accepted %q from %q", data, body)
		}
	})
}
