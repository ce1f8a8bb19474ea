package s3fake

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// The aws-chunked framing, as in "Signature calculations for the Authorization header: transferring payload in
// multiple chunks" and "… trailing headers" of the Amazon S3 API Reference:
//
//	unsigned:  hex-size CRLF data CRLF … 0 CRLF trailer CRLF CRLF
//	signed:    hex-size ;chunk-signature=64hex CRLF data CRLF … 0;chunk-signature=64hex CRLF [trailer CRLF
//	           x-amz-trailer-signature:64hex CRLF] CRLF

// chunkSizeMin is the least size of a chunk that is not the last with data.
const chunkSizeMin = 8 << 10

// lineMax bounds a chunk's head or a trailer; the longest legal one has about 110 bytes.
const lineMax = 1024

// framing says how an aws-chunked body must look.
type framing struct {
	signed  bool
	trailer string // canonical name of the one trailer announced, or empty
}

// framingOf finds out whether and how the body of a request is aws-chunked: nil means it is not.
func framingOf(h http.Header) (*framing, error) {
	kind, streaming := strings.CutPrefix(h.Get("X-Amz-Content-Sha256"), "STREAMING-")
	if !streaming && !hasAWSChunked(h) {
		return nil, nil
	}
	f := &framing{trailer: http.CanonicalHeaderKey(strings.TrimSpace(h.Get("X-Amz-Trailer")))}
	wantTrailer := f.trailer != ""
	switch kind {
	case "AWS4-HMAC-SHA256-PAYLOAD", "AWS4-ECDSA-P256-SHA256-PAYLOAD":
		f.signed, wantTrailer = true, false
	case "AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER":
		f.signed, wantTrailer = true, true
	case "UNSIGNED-PAYLOAD-TRAILER":
		wantTrailer = true
	default:
		if streaming {
			return nil, fail("InvalidArgument", "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD or a valid sha256 value.")
		}
	}
	if wantTrailer != (f.trailer != "") {
		return nil, fail("InvalidRequest", "The x-amz-trailer header and the x-amz-content-sha256 header do not agree.")
	}
	if f.trailer != "" {
		if _, _, err := checksumHeader(http.Header{f.trailer: {"-"}}); err != nil || !strings.HasPrefix(f.trailer, "X-Amz-Checksum-") {
			return nil, fail("InvalidRequest", "The value specified in the x-amz-trailer header is not supported")
		}
	}
	return f, nil
}

// hasAWSChunked reports whether aws-chunked is among the content encodings.
func hasAWSChunked(h http.Header) bool {
	for _, encoding := range strings.Split(h.Get("Content-Encoding"), ",") {
		if strings.EqualFold(strings.TrimSpace(encoding), "aws-chunked") {
			return true
		}
	}
	return false
}

// chunkReader reads the data out of an aws-chunked body and judges the framing. After io.EOF the whole body has been
// read and trailerValue is set if a trailer was announced.
type chunkReader struct {
	framing
	src          *bufio.Reader
	left         int64 // of the present chunk
	declared     int64 // x-amz-decoded-content-length
	total        int64 // data in the chunks so far
	short        bool  // a chunk below chunkSizeMin was seen: no other may follow
	started      bool
	err          error // once set, what Read returns
	trailerValue string
}

func newChunkReader(src io.Reader, f framing, declared int64) *chunkReader {
	return &chunkReader{framing: f, src: bufio.NewReaderSize(src, 64<<10), declared: declared}
}

func (c *chunkReader) Read(p []byte) (int, error) {
	for c.err == nil && c.left == 0 {
		c.err = c.nextChunk()
	}
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.src.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if err != nil {
		c.err = incomplete(err)
	}
	return n, c.err
}

// nextChunk reads a chunk's head; after the last, which is empty, it reads the trailers and returns io.EOF.
func (c *chunkReader) nextChunk() error {
	if c.started {
		if line, err := c.line(); err != nil {
			return err
		} else if line != "" {
			return malformedChunk("a chunk is longer than its head says")
		}
	}
	c.started = true
	line, err := c.line()
	if err != nil {
		return err
	}
	size, err := c.parseHead(line)
	if err != nil {
		return err
	}
	if size == 0 {
		return c.end()
	}
	if c.short {
		return fail("InvalidChunkSizeError", "Only the last chunk is allowed to have a size less than 8192 bytes")
	}
	c.short = size < chunkSizeMin
	c.left = size
	c.total += size
	if c.total > c.declared {
		return lengthMismatch()
	}
	return nil
}

func (c *chunkReader) parseHead(line string) (int64, error) {
	digits, signature, found := strings.Cut(line, ";")
	if found != c.signed {
		return 0, malformedChunk("a chunk signature is missing or out of place")
	}
	if c.signed {
		if hexDigits, ok := strings.CutPrefix(signature, "chunk-signature="); !ok || !isHex(hexDigits, 64) {
			return 0, malformedChunk("a chunk signature is malformed")
		}
	}
	if len(digits) == 0 || len(digits) > 12 || !isHex(digits, len(digits)) {
		return 0, malformedChunk("a chunk size is malformed")
	}
	return strconv.ParseInt(digits, 16, 64)
}

// end reads what follows the head of the empty chunk.
func (c *chunkReader) end() error {
	if c.total != c.declared {
		return lengthMismatch()
	}
	if c.trailer != "" {
		value, err := c.trailerLine(c.trailer)
		if err != nil {
			return err
		}
		c.trailerValue = value
		if c.signed {
			if signature, err := c.trailerLine("X-Amz-Trailer-Signature"); err != nil {
				return err
			} else if !isHex(signature, 64) {
				return malformedTrailer("the trailer signature is malformed")
			}
		}
	}
	if line, err := c.line(); err != nil {
		return err
	} else if line != "" {
		return malformedTrailer("an unannounced trailer")
	}
	if _, err := c.src.ReadByte(); !errors.Is(err, io.EOF) {
		return malformedChunk("bytes after the end")
	}
	return io.EOF
}

func (c *chunkReader) trailerLine(name string) (string, error) {
	line, err := c.line()
	if err != nil {
		return "", err
	}
	got, value, ok := strings.Cut(line, ":")
	if !ok || !strings.EqualFold(got, name) {
		return "", malformedTrailer("the trailer " + name + " is missing")
	}
	return strings.TrimSpace(value), nil
}

// line reads up to CRLF, which it cuts off. A bare CR or LF is an error.
func (c *chunkReader) line() (string, error) {
	var line []byte
	for len(line) < lineMax {
		b, err := c.src.ReadByte()
		if err != nil {
			return "", incomplete(err)
		}
		line = append(line, b)
		if b == '\n' {
			text, ok := strings.CutSuffix(string(line), "\r\n")
			if !ok || strings.Contains(text, "\r") {
				return "", malformedChunk("a line does not end in CRLF")
			}
			return text, nil
		}
	}
	return "", malformedChunk("a line is too long")
}

func isHex(s string, length int) bool {
	return len(s) == length && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// incomplete turns the end of a body where more was due into S3's error, and leaves other errors.
func incomplete(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fail("IncompleteBody", "The request body terminated unexpectedly")
	}
	return err
}

func lengthMismatch() error {
	return fail("IncompleteBody", "You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header")
}

func malformedChunk(what string) error {
	return fail("InvalidRequest", "The aws-chunked body is malformed: "+what)
}

func malformedTrailer(what string) error {
	return fail("MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema: "+what)
}
