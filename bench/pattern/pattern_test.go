//go:build linux

package pattern_test

import (
	"bytes"
	"testing"

	"github.com/haul-s3/haul/bench/pattern"
	"github.com/haul-s3/haul/internal/checksum"
)

// sizes are on both sides of the window's end.
var sizes = []int64{0, 1, 64 << 10, pattern.Window - 1, pattern.Window, 2*pattern.Window + 5}

func object(t *testing.T, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := pattern.Write(&b, size); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCRC(t *testing.T) {
	for _, size := range sizes {
		for _, a := range []checksum.Algorithm{checksum.CRC64NVME, checksum.CRC32} {
			h := checksum.New(a)
			h.Write(object(t, size))
			if got, want := pattern.CRC(a, size), h.Sum64(); got != want {
				t.Errorf("%s of %d bytes: got %x, want %x", a, size, got, want)
			}
		}
	}
}

func TestMap(t *testing.T) {
	for _, size := range sizes[1:] {
		b, err := pattern.Map(size)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b, object(t, size)) {
			t.Errorf("the mapped object of %d bytes differs from the written one", size)
		}
	}
}

func TestVerify(t *testing.T) {
	const size = 2*pattern.Window + 9
	good := object(t, size)
	swapped := bytes.Clone(good)
	copy(swapped[:8<<20], good[8<<20:16<<20]) // the second part in the place of the first
	for name, c := range map[string]struct {
		b  []byte
		ok bool
	}{
		"good": {good, true}, "short": {good[:size-1], false}, "long": {append(bytes.Clone(good), 0), false}, "part in the wrong place": {swapped, false},
	} {
		if err := pattern.Verify(bytes.NewReader(c.b), size); (err == nil) != c.ok {
			t.Errorf("%s: got %v, want success %v", name, err, c.ok)
		}
	}
}
