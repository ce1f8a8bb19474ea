// Package testbody makes the bodies that tests send and expect: an endless stream of pseudo-random bytes, chosen by a
// seed, in which the byte at any offset can be computed without those before it. So a body of any size needs no
// memory, and a byte that came to the wrong place, was lost or was sent twice shows.
//
// The stream is the little-endian words of splitmix64: the word with index i, which covers the offsets 8i to 8i+7, is
// mix(seed + (i+1)*0x9E3779B97F4A7C15).
package testbody

import (
	"encoding/binary"
	"errors"
	"io"
)

// golden is splitmix64's increment, 2^64 divided by the golden ratio.
const golden = 0x9E3779B97F4A7C15

// errOutside is returned for an offset before the start of a body.
var errOutside = errors.New("testbody: negative offset")

// Fill writes to p the bytes of the stream of seed that stand at off and after. off must not be negative.
// The race detector does not look at its writes, which would take a tenth of the time of the tests that run with it.
//
//go:norace
func Fill(p []byte, seed uint64, off int64) {
	state := seed + uint64(off>>3)*golden
	if skip := int(off & 7); skip != 0 && len(p) > 0 {
		var first [8]byte
		state += golden
		binary.LittleEndian.PutUint64(first[:], mix(state))
		p = p[copy(p, first[skip:]):]
	}
	for len(p) >= 8 {
		state += golden
		binary.LittleEndian.PutUint64(p, mix(state))
		p = p[8:]
	}
	if len(p) > 0 {
		var last [8]byte
		binary.LittleEndian.PutUint64(last[:], mix(state+golden))
		copy(p, last[:])
	}
}

// Copy is copy, at which the race detector doesn't look: for what is as large as a body, and is touched by nobody else
// anyway. Noting each of its bytes takes the detector longer than a test takes.
//
//go:norace
func Copy(dst, src []byte) int {
	const stride = 64
	n := min(len(dst), len(src))
	at := 0
	for ; n-at >= stride; at += stride { // the built-in copy tells the detector, whatever the pragma says
		*(*[stride]byte)(dst[at:]) = *(*[stride]byte)(src[at:])
	}
	for ; at < n; at++ {
		dst[at] = src[at]
	}
	return n
}

// Check compares p with the stream of seed at off. When all bytes are the stream's, ok is true and badOffset is -1;
// else badOffset is the offset in the stream (not in p) of the first byte that differs.
func Check(p []byte, seed uint64, off int64) (badOffset int64, ok bool) {
	var want [4096]byte
	for len(p) > 0 {
		n := min(len(p), len(want))
		Fill(want[:n], seed, off)
		if string(want[:n]) != string(p[:n]) {
			for i := range n {
				if want[i] != p[i] {
					return off + int64(i), false
				}
			}
		}
		p, off = p[n:], off+int64(n)
	}
	return -1, true
}

// Bytes returns the first size bytes of the stream of seed, freshly allocated.
func Bytes(seed uint64, size int) []byte {
	p := make([]byte, size)
	Fill(p, seed, 0)
	return p
}

// Reader reads the first bytes of a stream. Its ReadAt may be called from any goroutine at any time; Read and Seek
// share one position and belong to one goroutine.
type Reader struct {
	seed uint64 // immutable
	size int64  // immutable
	pos  int64  // owned by the goroutine that reads and seeks
}

var (
	_ io.ReadSeeker = (*Reader)(nil)
	_ io.ReaderAt   = (*Reader)(nil)
)

// NewReader returns a reader of the first size bytes of the stream of seed, standing at its start.
func NewReader(seed uint64, size int64) *Reader { return &Reader{seed: seed, size: size} }

// Size is the number of bytes of the whole body, wherever the reader stands.
func (r *Reader) Size() int64 { return r.size }

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if r.pos >= r.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), r.size-r.pos))
	Fill(p[:n], r.seed, r.pos)
	r.pos += int64(n)
	return n, nil
}

// ReadAt implements io.ReaderAt.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errOutside
	}
	n := int(max(0, min(int64(len(p)), r.size-off)))
	Fill(p[:n], r.seed, off)
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Seek implements io.Seeker. A position past the end is allowed; Read answers io.EOF there.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.size
	default:
		return 0, errors.New("testbody: unknown whence")
	}
	if offset < 0 {
		return 0, errOutside
	}
	r.pos = offset
	return offset, nil
}

// mix is splitmix64's output function.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}
