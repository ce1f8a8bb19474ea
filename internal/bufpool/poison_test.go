//go:build race

package bufpool_test

import (
	"bytes"
	"testing"

	"github.com/haul-s3/haul/internal/bufpool"
)

func TestReleasedMemoryIsPoisoned(t *testing.T) {
	p := bufpool.New(10_000)
	slice := p.Get(5000)
	r := reserve(t, p, 9000)
	staged := r.Bytes()
	p.PutSlice(slice)
	r.Release()
	for _, b := range [][]byte{slice, staged} {
		if got := bytes.Count(b, []byte{0xdb}); got != len(b) {
			t.Errorf("got %d of %d bytes poisoned, want all", got, len(b))
		}
	}
}

func TestForeignSliceIsFoundOut(t *testing.T) {
	p, other := bufpool.New(1), bufpool.New(1)
	p.GetSlice()
	b := other.GetSlice()
	mustPanic(t, "slice of another pool", func() { p.PutSlice(b) })
	mustPanic(t, "slice of nobody", func() { p.PutSlice(make([]byte, bufpool.SliceSize)) })
}
