package h1

import (
	"bytes"
	"fmt"
	"io"
)

// chunkedReader decodes a chunked body (RFC 9112 §7.1):
//
//	chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
//	last-chunk   = 1*"0" [ chunk-ext ] CRLF
//	chunked-body = *chunk last-chunk trailer-section CRLF
//
// Extensions and trailer fields are read and dropped.
type chunkedReader struct {
	in    *input
	left  int64 // bytes of the chunk
	begun bool  // a chunk's data has been read, but not the end of its line
	ended bool  // all of the body is read
}

// A line of a chunk's size, and all of a trailer, are no longer than this.
const (
	chunkLineMax    = 4 << 10
	chunkTrailerMax = 16 << 10
)

// Read reads data of one chunk. At the end of the body it returns io.EOF.
func (c *chunkedReader) Read(p []byte) (int, error) {
	if c.left == 0 && !c.ended {
		if err := c.next(); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
	}
	if c.ended {
		return 0, io.EOF
	}
	n, err := c.in.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next goes on to the following chunk, or to the body's end.
func (c *chunkedReader) next() error {
	if c.begun {
		end, err := c.in.until("\r\n", chunkLineMax)
		if err != nil {
			return err
		}
		if len(end) != len(crlf) {
			return malformed("chunk is longer than its size")
		}
		c.begun = false
	}
	line, err := c.in.until("\r\n", chunkLineMax)
	if err != nil {
		return err
	}
	if c.left, err = parseChunkSize(line[:len(line)-len(crlf)]); err != nil {
		return err
	}
	if c.begun = c.left > 0; c.begun {
		return nil
	}
	return c.trailer()
}

// parseChunkSize parses a line without its end: 1*HEXDIG [ chunk-ext ].
func parseChunkSize(b []byte) (size int64, err error) {
	digits, extension, _ := bytes.Cut(b, []byte(";"))
	digits = bytes.TrimRight(digits, " \t") // BWS before an extension
	// A size of more than 15 digits is beyond any body, or padded with zeroes in
	// order to be read in two ways.
	if len(digits) == 0 || len(digits) > 15 || !isText(extension) {
		return 0, malformed(fmt.Sprintf("chunk size %.40q", b))
	}
	for _, d := range digits {
		switch {
		case isDigit(d):
			d -= '0'
		case 'a' <= d && d <= 'f':
			d -= 'a' - 10
		case 'A' <= d && d <= 'F':
			d -= 'A' - 10
		default:
			return 0, malformed(fmt.Sprintf("chunk size %.40q", b))
		}
		size = size<<4 | int64(d)
	}
	return size, nil
}

// trailer reads the trailer section and the empty line behind it.
func (c *chunkedReader) trailer() error {
	for room := chunkTrailerMax; ; {
		line, err := c.in.until("\r\n", room)
		if err != nil {
			return err
		}
		if len(line) == len(crlf) {
			c.ended = true
			return nil
		}
		if _, err := parseFields(line); err != nil {
			return err
		}
		room -= len(line)
	}
}
