package h1

import (
	"bytes"
	"io"
)

// input buffers what comes from a connection: heads, lines of chunks, and what
// came with them of a body. Bodies are read past it.
type input struct {
	src     io.Reader
	buffers Buffers
	b       []byte // lent; nil: none
	r, w    int    // what is left of b
	total   int64  // bytes that have come since the exchange began
}

const (
	// inputMin holds a head of S3's, which has some 600 bytes.
	inputMin = 4 << 10
	// inputMax is the longest head of an answer.
	inputMax = 64 << 10
)

// errNoRoom says that a head or line is longer than what is read of one.
var errNoRoom = malformed("head of the answer is longer than 64 KiB")

// fill reads more behind what is left, with read, and makes room for it.
func (in *input) fill(read func([]byte) (int, error)) error {
	if err := in.grow(); err != nil {
		return err
	}
	for range emptyReadsMax {
		n, err := read(in.b[in.w:])
		in.w += n
		in.total += int64(n)
		if n > 0 {
			return nil // an error comes again
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// emptyReadsMax is how many reads may bring nothing, not even an error.
const emptyReadsMax = 100

// grow makes room for at least one more byte.
func (in *input) grow() error {
	if in.b == nil {
		in.b = in.buffers.Get(inputMin)
	}
	if in.w < len(in.b) {
		return nil
	}
	if in.r > 0 {
		in.w = copy(in.b, in.b[in.r:in.w])
		in.r = 0
		return nil
	}
	if len(in.b) >= inputMax {
		return errNoRoom
	}
	b := in.buffers.Get(min(4*len(in.b), inputMax))
	in.w = copy(b, in.b[:in.w])
	in.buffers.PutSlice(in.b)
	in.b = b
	return nil
}

// until returns what is left up to and with end, reading as much as that
// takes. It is valid until the next read.
func (in *input) until(end string, limit int) ([]byte, error) {
	for seen := 0; ; {
		left := in.b[in.r:in.w]
		if i := bytes.Index(left[seen:], []byte(end)); i >= 0 {
			n := seen + i + len(end)
			if n > limit {
				return nil, errNoRoom
			}
			in.r += n
			return left[:n], nil
		}
		if len(left) >= limit {
			return nil, errNoRoom
		}
		seen = max(0, len(left)-len(end)+1)
		if err := in.fill(in.src.Read); err != nil {
			if err == io.EOF && in.w > in.r {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// Read reads what is left, and then past the buffer.
func (in *input) Read(p []byte) (int, error) {
	if in.r < in.w {
		n := copy(p, in.b[in.r:in.w])
		in.r += n
		return n, nil
	}
	n, err := in.src.Read(p)
	in.total += int64(n)
	return n, err
}

// left is how many bytes are buffered.
func (in *input) left() int { return in.w - in.r }

// release gives the memory back. What is left is lost.
func (in *input) release() {
	if in.b != nil {
		in.buffers.PutSlice(in.b)
		in.b = nil
	}
	in.r, in.w = 0, 0
}
