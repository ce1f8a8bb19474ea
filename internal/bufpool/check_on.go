//go:build race

package bufpool

// record knows which slices are lent, by the address of their first byte. It
// is guarded like the pool that holds it.
type record map[*byte]struct{}

// newRecord returns an empty record.
func newRecord() record { return record{} }

// add notes that b is lent.
func (r record) add(b []byte) { r[&b[0]] = struct{}{} }

// remove notes that b was given back.
func (r record) remove(b []byte) {
	if _, ok := r[&b[0]]; !ok {
		panic("bufpool: slice given back that is not lent by this pool")
	}
	delete(r, &b[0])
}

// poisoned is what memory that was given back is overwritten with.
var poisoned = func() (page [4096]byte) {
	for i := range page {
		page[i] = 0xdb
	}
	return page
}()

// poison overwrites b, so that whoever still uses it is found out.
func poison(b []byte) {
	for len(b) > 0 {
		b = b[copy(b, poisoned[:]):]
	}
}
