//go:build linux

package nulls3

import (
	"bufio"
	"strings"
	"testing"
)

func TestSizeOf(t *testing.T) {
	for key, want := range map[string]int64{
		"a-10": 10, "a/b-2g": 2 << 30, "x-64KiB": 64 << 10, "download/256KiB-10_000x/00001": 256 << 10, "a": -1, "a-b": -1, "-": -1, "": -1,
		"a--5": 5, "30GiB-1x/1": 30 << 30,
	} {
		got, ok := sizeOf(key)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("sizeOf(%q): got %d, want %d", key, got, want)
		}
	}
}

func FuzzReadHead(f *testing.F) {
	f.Add("GET /b/a-10 HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1\r\n\r\n")
	f.Add("PUT /b/a?partNumber=1&uploadId=u HTTP/1.1\r\nContent-Length: 5\r\nX-Amz-Decoded-Content-Length: 3\r\nx-amz-checksum-crc32: AA==\r\n\r\n")
	f.Add("GET / HTTP/1.1\r\nRange: bytes=-5\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n")
	f.Add("\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := readHead(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			return
		}
		h.key()
		h.has("uploadId")
		for _, size := range []int64{0, 1, 1 << 40} {
			off, n, _, ok := h.extent(size)
			if ok && (off < 0 || n < 0 || off+n > size) {
				t.Errorf("extent of %d bytes for %q: got %d bytes at %d, want them inside", size, h.ranges, n, off)
			}
		}
	})
}
