package s3fake

import (
	"errors"
	"io"
	"net/http"
)

// NewChunkReader is the aws-chunked parser.
func NewChunkReader(r io.Reader, signed bool, trailer string, declared int64) io.Reader {
	return newChunkReader(r, framing{signed: signed, trailer: http.CanonicalHeaderKey(trailer)}, declared)
}

// ErrorCode is S3's code of an error, empty if it has none.
func ErrorCode(err error) string {
	var e *apiError
	if errors.As(err, &e) {
		return e.code
	}
	return ""
}

// Parsers for their fuzz targets.
var (
	ParseRange      = parseRange
	ParseCopyRange  = parseCopyRange
	ParseCopySource = func(v string) (bucket, key, version string, err error) {
		s, err := parseCopySource(v)
		return s.bucket, s.key, s.version, err
	}
)

// Combine and Sum are the checksum arithmetic, for a test that both ways agree.
func (a Algorithm) Combine(first, second []byte, n int64) []byte { return a.combine(first, second, n) }

// Sum is a's raw sum of p.
func (a Algorithm) Sum(p []byte) []byte {
	h := a.new()
	h.Write(p)
	return h.Sum(nil)
}
