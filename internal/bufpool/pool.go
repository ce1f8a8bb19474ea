// Package bufpool lends memory: slices, through which lanes carry bytes, and
// staging buffers, which hold what cannot be read again or must wait its turn.
//
// A slice (at most 256 KiB, so that it stays in the processor's cache) is lent
// at once: lanes are few and each holds one, so slices need no limit. Staging
// buffers are as large as parts; [Pool.Reserve] lends them under one memory
// limit, first come, first served, before the work that needs them starts.
//
// Everything lent is given back exactly once. Builds with the race detector
// keep a record of all lent slices, panic where one is given back twice or is
// foreign, and overwrite memory that is given back.
package bufpool

import (
	"fmt"
	"sync"
	"unsafe"
)

// SliceSize is the size of a full slice in bytes: it stays in the second-level
// cache while it is read, hashed and written.
const SliceSize = 256 << 10

// classes are the capacities of slices, so that a lane on small objects holds
// no more than its object needs.
var classes = [...]int{4 << 10, 16 << 10, 64 << 10, SliceSize}

// idleBytesMax bounds the idle slices, and the idle staging buffers while none
// is lent: 64 full slices, so that a busy engine finds one for every lane of
// an ordinary machine, and an idle one keeps little.
const idleBytesMax = 16 << 20

// Pool lends slices and staging buffers. All its methods may be called from
// several goroutines at once. Use New.
type Pool struct {
	limit int64 // immutable; of staging, in bytes

	slicesMu  sync.Mutex
	idle      [len(classes)][][]byte // guarded by slicesMu; last in, first out
	idleBytes int                    // guarded by slicesMu; capacity of all idle slices
	lent      int                    // guarded by slicesMu; number of slices lent
	record    record                 // guarded by slicesMu; which slices are lent, in checked builds

	staging staging
}

// New returns a pool whose staging buffers take at most limit bytes together,
// idle ones included; 0 means DefaultLimit. It panics if limit is negative.
func New(limit int64) *Pool {
	if limit < 0 {
		panic(fmt.Sprintf("bufpool: negative limit %d", limit))
	}
	if limit == 0 {
		limit = DefaultLimit()
	}
	return &Pool{limit: limit, record: newRecord()}
}

// Limit returns the limit of staging in bytes.
func (p *Pool) Limit() int64 { return p.limit }

// GetSlice returns a slice of SliceSize bytes, which the caller owns until
// PutSlice. It never blocks. The contents are arbitrary.
func (p *Pool) GetSlice() []byte { return p.Get(SliceSize) }

// Get returns a slice of length n, or of SliceSize if n is larger, with the
// capacity of the next size class: 4, 16, 64 or 256 KiB. The caller owns it
// until PutSlice. Get never blocks. The contents are arbitrary.
func (p *Pool) Get(n int) []byte {
	n = min(n, SliceSize)
	class := 0
	for classes[class] < n {
		class++
	}
	b := p.take(class)
	if b == nil {
		b = aligned(classes[class])
	}
	p.slicesMu.Lock()
	defer p.slicesMu.Unlock()
	p.lent++
	p.record.add(b)
	return b[:n]
}

// Alignment is what the address of a slice's memory is a multiple of: direct
// file calls want it so.
const Alignment = 4 << 10

// aligned allocates n bytes. Allocations of these sizes begin at the boundary
// of a page in any case, but nobody promises that.
func aligned(n int) []byte {
	b := make([]byte, n)
	if misaligned(b) == 0 {
		return b
	}
	b = make([]byte, n+Alignment)
	skip := (Alignment - misaligned(b)) % Alignment
	return b[skip : skip+n : skip+n]
}

// misaligned is how many bytes b begins behind a boundary.
func misaligned(b []byte) int { return int(uintptr(unsafe.Pointer(unsafe.SliceData(b))) % Alignment) }

// take returns an idle slice of the class, or nil.
func (p *Pool) take(class int) []byte {
	p.slicesMu.Lock()
	defer p.slicesMu.Unlock()
	list := p.idle[class]
	if len(list) == 0 {
		return nil
	}
	last := len(list) - 1
	b := list[last]
	list[last] = nil
	p.idle[class] = list[:last]
	p.idleBytes -= classes[class]
	return b
}

// PutSlice gives back a slice of GetSlice or Get. It may be shortened at its
// end, not at its start. It panics if b is not as this pool lends slices.
func (p *Pool) PutSlice(b []byte) {
	class := classOf(cap(b))
	b = b[:cap(b)]
	p.slicesMu.Lock()
	defer p.slicesMu.Unlock()
	p.record.remove(b)
	if p.lent == 0 {
		panic("bufpool: more slices given back than lent")
	}
	p.lent--
	poison(b)
	if p.idleBytes+len(b) <= idleBytesMax {
		p.idle[class] = append(p.idle[class], b)
		p.idleBytes += len(b)
	}
}

// classOf returns the class of slices with this capacity.
func classOf(capacity int) int {
	for class, size := range classes {
		if size == capacity {
			return class
		}
	}
	panic(fmt.Sprintf("bufpool: a slice with capacity %d is not from a pool", capacity))
}

// Outstanding returns how many slices and reservations are lent, for tests that
// look for leaks.
func (p *Pool) Outstanding() int {
	p.slicesMu.Lock()
	lent := p.lent
	p.slicesMu.Unlock()
	p.staging.mu.Lock()
	defer p.staging.mu.Unlock()
	return lent + p.staging.lent
}

// Trim leaves all idle memory to the garbage collector: for a client that has
// nothing to do for a while.
func (p *Pool) Trim() {
	p.slicesMu.Lock()
	p.idle = [len(classes)][][]byte{}
	p.idleBytes = 0
	p.slicesMu.Unlock()
	p.staging.mu.Lock()
	defer p.staging.mu.Unlock()
	p.staging.evictLocked(0)
}
