package checksum

import (
	"fmt"
	"sync"

	"github.com/haul-s3/haul/internal/s3api"
)

// Combiner collects the CRCs of the parts of one object, in any order, and
// gives the CRC of the whole. All its methods may be called from several
// goroutines at once.
type Combiner struct {
	field *field // immutable

	mu    sync.Mutex
	parts []combinerPart // guarded by mu; index is the part's place, from 0
	have  int            // guarded by mu; how many parts were added
	total int            // guarded by mu; -1 while the number is unknown
}

// combinerPart is what is known of one part.
type combinerPart struct {
	sum    uint64
	length int64
	added  bool
}

// NewCombiner returns a Combiner for an object of so many parts. A negative
// number means that it is not known yet: the Combiner grows, and SetParts must
// be called before Sum can answer. It panics if a is not combinable.
func NewCombiner(a Algorithm, parts int) *Combiner {
	c := &Combiner{field: fieldOf(a), total: -1}
	if parts >= 0 {
		c.total = parts
		// More are made room for as they come: the number is a server's word.
		c.parts = make([]combinerPart, 0, min(parts, s3api.MaxParts))
	}
	return c
}

// Add records the CRC and the length in bytes of part i, counted from 0. A part
// added again replaces what was there, as a part sent again does. It panics if
// i is outside the object or length is negative.
func (c *Combiner) Add(i int, sum uint64, length int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i < 0 || c.total >= 0 && i >= c.total || length < 0 {
		panic(fmt.Sprintf("checksum: part %d of %d with length %d", i, c.total, length))
	}
	if i >= len(c.parts) {
		c.parts = append(c.parts, make([]combinerPart, i+1-len(c.parts))...)
	}
	if !c.parts[i].added {
		c.have++
	}
	c.parts[i] = combinerPart{sum: sum, length: length, added: true}
}

// SetParts says how many parts the object has, once that is known. It panics if
// a part beyond that number was added.
func (c *Combiner) SetParts(parts int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if parts < len(c.parts) {
		panic(fmt.Sprintf("checksum: %d parts set, but part %d is known", parts, len(c.parts)-1))
	}
	c.total = parts
}

// Sum returns the CRC of the whole object; ok is false while parts, or their
// number, are missing. The CRC of no parts is 0.
func (c *Combiner) Sum() (sum uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.have != c.total {
		return 0, false
	}
	// Nearly all parts are as long as the one before: one factor serves them.
	length, factor := int64(0), c.field.behind(0)
	for _, p := range c.parts {
		if p.length != length {
			length, factor = p.length, c.field.behind(p.length)
		}
		sum = c.field.append(sum, p.sum, factor)
	}
	return sum, true
}
