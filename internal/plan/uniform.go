// Package plan decides how an object is cut: the size of its parts, and which
// bytes each part is.
//
// An object of known size is cut evenly ([PartSize], [Uniform]). A stream of
// unknown length is cut into parts that grow ([Growing]), so that 10,000 of them
// carry far without the first ones being large. The package also reads the two
// HTTP headers that speak of byte ranges ([ParseRange], [ParseContentRange]).
package plan

import (
	"fmt"

	"github.com/haul-s3/haul/internal/s3api"
)

// partSizeStep is what a grown part size is a multiple of, in bytes.
const partSizeStep int64 = 1 << 20

// PartSize returns the part size, in bytes, to upload an object of objectSize
// bytes with: wanted, put within S3's 5 MiB to 5 GiB, or if 10,000 such parts
// are too few, the smallest multiple of 1 MiB with which they are enough. It is
// an error if either number is negative or the object is larger than S3 takes.
func PartSize(objectSize, wanted int64) (int64, error) {
	if objectSize < 0 || wanted < 0 {
		return 0, fmt.Errorf("object of %d bytes in parts of %d bytes: negative size", objectSize, wanted)
	}
	if objectSize > s3api.MaxObjectSize {
		return 0, fmt.Errorf("object of %d bytes is larger than S3's maximum of %d bytes (%d parts of %d)",
			objectSize, int64(s3api.MaxObjectSize), s3api.MaxParts, s3api.MaxPartSize)
	}
	size := min(max(wanted, s3api.MinPartSize), s3api.MaxPartSize)
	if enough := divideUp(objectSize, s3api.MaxParts); enough > size {
		size = divideUp(enough, partSizeStep) * partSizeStep
	}
	return size, nil
}

// Uniform cuts Size bytes into parts of PartSize, the last one shorter. It is a
// value; all its methods may be called from any goroutine.
type Uniform struct {
	Size     int64 // bytes in all; not negative
	PartSize int64 // bytes of every part but the last; positive
}

// Count returns the number of parts: 0 for no bytes.
func (u Uniform) Count() int { return int(divideUp(u.Size, u.PartSize)) }

// At returns the bytes of part i, counted from 0. It panics if there is no such
// part, and allocates nothing.
func (u Uniform) At(i int) Range {
	if i < 0 || i >= u.Count() {
		panic("plan: part number out of range")
	}
	offset := int64(i) * u.PartSize
	return Range{Offset: offset, Length: min(u.PartSize, u.Size-offset)}
}

// divideUp returns a/b rounded up, for a >= 0 and b > 0, without overflow.
func divideUp(a, b int64) int64 {
	n := a / b
	if a%b != 0 {
		n++
	}
	return n
}
