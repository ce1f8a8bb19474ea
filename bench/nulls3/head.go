//go:build linux

package nulls3

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/haul-s3/haul/internal/checksum"
)

// head is what the server needs of a request's head.
type head struct {
	method string
	path   string // escaped, without the query
	query  string

	length       int64  // Content-Length
	ranges       string // Range
	copySource   string
	expect       bool // 100-continue
	closing      bool
	checksumMode bool // the client asks for the object's checksum
	ifMatch      string
	encoded      bool // aws-chunked
	decoded      int64

	algorithm checksum.Algorithm // of sum, or of the trailer
	sum       string             // base64, of the body, where it came in the head
}

// algorithms are the checksums that Check knows.
var algorithms = []checksum.Algorithm{checksum.CRC64NVME, checksum.CRC32, checksum.CRC32C, checksum.SHA1, checksum.SHA256}

var errHead = errors.New("not a request")

// readHead reads the next request's head. Its strings are copies.
func readHead(r *bufio.Reader) (h head, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return h, err
	}
	method, rest, ok := strings.Cut(string(line), " ")
	target, version, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 || !strings.HasPrefix(version, "HTTP/1.1") {
		return h, fmt.Errorf("%w: %.40q", errHead, line)
	}
	h.method = method
	h.path, h.query, _ = strings.Cut(target, "?")
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return h, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return h, nil
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			return h, fmt.Errorf("%w: field %.40q", errHead, line)
		}
		if err := h.field(name, bytes.TrimSpace(value)); err != nil {
			return h, err
		}
	}
}

// field notes one field of the head. The length of the name is looked at first,
// which spares most fields their comparison.
func (h *head) field(name, value []byte) (err error) {
	is := func(s string) bool { return len(name) == len(s) && strings.EqualFold(string(name), s) }
	switch {
	case is("Content-Length"):
		if h.length, err = strconv.ParseInt(string(value), 10, 64); err != nil || h.length < 0 {
			return fmt.Errorf("%w: length %.40q", errHead, value)
		}
	case is("Range"):
		h.ranges = string(value)
	case is("Expect"):
		h.expect = true
	case is("Connection"):
		h.closing = strings.EqualFold(string(value), "close")
	case is("If-Match"):
		h.ifMatch = string(value)
	case is("X-Amz-Checksum-Mode"):
		h.checksumMode = true
	case is("X-Amz-Copy-Source"):
		h.copySource = string(value)
	case is("X-Amz-Decoded-Content-Length"):
		h.encoded = true
		if h.decoded, err = strconv.ParseInt(string(value), 10, 64); err != nil || h.decoded < 0 {
			return fmt.Errorf("%w: decoded length %.40q", errHead, value)
		}
	case is("X-Amz-Trailer"):
		h.algorithm = byHeader(value)
	case len(name) > len("x-amz-checksum-") && strings.EqualFold(string(name[:len("x-amz-checksum-")]), "x-amz-checksum-"):
		if a := byHeader(name); a != checksum.None {
			h.algorithm, h.sum = a, string(value)
		}
	}
	return nil
}

func byHeader(name []byte) checksum.Algorithm {
	for _, a := range algorithms {
		if strings.EqualFold(string(name), a.Header()) {
			return a
		}
	}
	return checksum.None
}

// has says whether the query has a parameter of that name.
func (h *head) has(name string) bool { _, ok := h.parameter(name); return ok }

// parameter returns a parameter of the query.
func (h *head) parameter(name string) (value string, ok bool) {
	for q := range strings.SplitSeq(h.query, "&") {
		if k, v, _ := strings.Cut(q, "="); k == name {
			v, err := url.QueryUnescape(v)
			return v, err == nil
		}
	}
	return "", false
}

// number returns a parameter that is a positive number, 0 without one.
func (h *head) number(name string) int {
	v, _ := h.parameter(name)
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// key returns the object's key, "" for a request to the bucket.
func (h *head) key() string {
	_, key, _ := strings.Cut(strings.TrimPrefix(h.path, "/"), "/")
	if unescaped, err := url.PathUnescape(key); err == nil {
		return unescaped
	}
	return key
}

// units of sizes in keys. The longer ones come first.
var units = []struct {
	name  string
	bytes int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"", 1}}

// sizeOf finds the size of an object in its key.
func sizeOf(key string) (size int64, ok bool) {
	if i := strings.LastIndexByte(key, '-'); i >= 0 {
		if size, ok := parseSize(key[i+1:]); ok {
			return size, true
		}
	}
	for element := range strings.SplitSeq(key, "/") {
		first, _, more := strings.Cut(element, "-")
		if size, ok := parseSize(first); ok && more {
			return size, true
		}
	}
	return 0, false
}

func parseSize(s string) (int64, bool) {
	for _, u := range units {
		if digits, ok := strings.CutSuffix(s, u.name); ok {
			n, err := strconv.ParseInt(digits, 10, 40)
			return n * u.bytes, err == nil && n >= 0
		}
	}
	return 0, false
}

// part sizes of what a client asks for with partNumber.
const storedPart = 8 << 20

// extent returns which bytes of an object of size bytes the request is for.
// partial is that of a 206; ok is false for a range that is not there.
func (h *head) extent(size int64) (off, n int64, partial, ok bool) {
	if part := h.number("partNumber"); part > 0 {
		off := int64(part-1) * storedPart
		return off, min(storedPart, size-off), true, off < size || part == 1
	}
	spec, ok := strings.CutPrefix(h.ranges, "bytes=")
	if !ok {
		return 0, size, false, true
	}
	from, to, _ := strings.Cut(spec, "-")
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	switch {
	case from == "" && err2 == nil:
		n := min(last, size)
		return size - n, n, true, n > 0
	case err1 != nil || err2 != nil && to != "":
		return 0, size, false, true // a Range that can't be read is no Range: RFC 9110, 14.2
	case to == "" || last >= size:
		last = size - 1
	}
	return first, last - first + 1, true, first <= last
}
