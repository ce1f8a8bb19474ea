package s3fake

import (
	"errors"
	"io"
	"sort"
	"sync"

	"github.com/haul-s3/haul/internal/testbody"
)

// content is an object's or a part's bytes. It is immutable; ReadAt may be called from any goroutine.
type content interface {
	io.ReaderAt
	Size() int64
}

// memory is content that is held.
type memory []byte

func (m memory) Size() int64 { return int64(len(m)) }

func (m memory) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(m)) {
		return 0, io.EOF
	}
	n := testbody.Copy(p, m[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// discarded is content of which only the size was kept.
type discarded int64

var errDiscarded = errors.New("the body was discarded")

func (d discarded) Size() int64 { return int64(d) }

func (d discarded) ReadAt([]byte, int64) (int, error) { return 0, errDiscarded }

// joined is the contents of parts, one behind the other.
type joined struct {
	parts []content
	ends  []int64 // ends[i] is the offset behind parts[i]
}

func join(parts []content) content {
	j := joined{parts: parts}
	var end int64
	for _, p := range parts {
		if _, gone := p.(discarded); gone {
			var size int64
			for _, q := range parts {
				size += q.Size()
			}
			return discarded(size)
		}
		end += p.Size()
		j.ends = append(j.ends, end)
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return j
}

func (j joined) Size() int64 {
	if len(j.ends) == 0 {
		return 0
	}
	return j.ends[len(j.ends)-1]
}

func (j joined) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		i := sort.Search(len(j.ends), func(i int) bool { return j.ends[i] > off })
		if i == len(j.ends) {
			return n, io.EOF
		}
		part := j.parts[i]
		m := int(min(int64(len(p)-n), j.ends[i]-off))
		if _, err := part.ReadAt(p[n:n+m], off-(j.ends[i]-part.Size())); err != nil && err != io.EOF {
			return n, err
		}
		n, off = n+m, off+int64(m)
	}
	return n, nil
}

// section is a stretch of content; of discarded content only the length remains.
func section(c content, off, n int64) content {
	switch c := c.(type) {
	case memory:
		return c[off : off+n]
	case discarded:
		return discarded(n)
	}
	return io.NewSectionReader(c, off, n)
}

// copyBufferBytes is large enough that the system calls don't count and small enough for the processor's cache.
const copyBufferBytes = 256 << 10

var buffers = sync.Pool{New: func() any { return new([copyBufferBytes]byte) }}

// send writes a stretch of c to w.
func send(w io.Writer, c content, off, n int64) error {
	buffer := buffers.Get().(*[copyBufferBytes]byte)
	defer buffers.Put(buffer)
	p := buffer[:min(n, copyBufferBytes)]
	for n > 0 {
		m := min(n, int64(len(p)))
		if _, err := c.ReadAt(p[:m], off); err != nil && err != io.EOF {
			return err
		}
		if _, err := w.Write(p[:m]); err != nil {
			return err
		}
		off, n = off+m, n-m
	}
	return nil
}
