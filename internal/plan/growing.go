package plan

import "github.com/haul-s3/haul/internal/s3api"

// partsPerDoubling is after how many parts the size of a Growing's parts
// doubles. 10,000 parts double up to 39 times, so the ceiling is what counts.
const partsPerDoubling = 250

// Growing cuts a stream of unknown length: parts start at a first size and
// double every 250 parts up to a ceiling. It belongs to the one goroutine that
// reads the stream.
type Growing struct {
	ceiling int64 // immutable
	size    int64 // of the part that Next gave last, at first the first size
	number  int   // of the part that Next gave last, 0 before the first
}

// NewGrowing returns the plan of a stream whose parts start at first bytes and
// do not grow beyond ceiling. Both are put within what S3 takes as a part; a
// ceiling below the first size is the first size.
func NewGrowing(first, ceiling int64) *Growing {
	first = min(max(first, s3api.MinPartSize), s3api.MaxPartSize)
	return &Growing{size: first, ceiling: min(max(ceiling, first), s3api.MaxPartSize)}
}

// Next returns the part number, from 1 as S3 counts, and the size in bytes of
// the next part; ok is false when S3's 10,000 parts are used up.
func (g *Growing) Next() (number int, size int64, ok bool) {
	if g.number == s3api.MaxParts {
		return 0, 0, false
	}
	if g.number > 0 && g.number%partsPerDoubling == 0 {
		g.size = min(2*g.size, g.ceiling)
	}
	g.number++
	return g.number, g.size, true
}

// Ceiling returns how large a Growing's parts may become under a memory limit:
// an eighth of it, so that several are in flight at once, but never less than
// the first size. All are bytes.
func Ceiling(memoryLimit, first int64) int64 { return max(memoryLimit/8, first) }

// Reach returns how many bytes all 10,000 parts of NewGrowing(first, ceiling)
// carry: a longer stream cannot be sent with them. With 8 MiB first and a
// ceiling of 256 MiB that is 2.2 TiB.
func Reach(first, ceiling int64) int64 {
	var sum int64
	g := NewGrowing(first, ceiling)
	for _, size, ok := g.Next(); ok; _, size, ok = g.Next() {
		sum += size
	}
	return sum
}
