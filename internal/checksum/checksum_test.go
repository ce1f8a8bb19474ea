package checksum_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/haul-s3/haul/internal/checksum"
)

// nvmePolynomial is the reflected polynomial of CRC64NVME, for hash/crc64 as
// the reference.
const nvmePolynomial = 0x9a6c9329ac4bc9b5

// combinable are the algorithms that Combine knows.
var combinable = []checksum.Algorithm{checksum.CRC32, checksum.CRC32C, checksum.CRC64NVME}

// reference returns the standard library's hash of an algorithm.
func reference(a checksum.Algorithm) hash.Hash {
	switch a {
	case checksum.CRC32:
		return crc32.NewIEEE()
	case checksum.CRC32C:
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case checksum.CRC64NVME:
		return crc64.New(crc64.MakeTable(nvmePolynomial))
	case checksum.SHA1:
		return sha1.New()
	case checksum.SHA256:
		return sha256.New()
	}
	return md5.New()
}

// randomBytes returns n bytes that depend on seed only.
func randomBytes(seed uint64, n int) []byte {
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	b := make([]byte, n)
	rand.NewChaCha8(key).Read(b)
	return b
}

// sumOf returns the CRC of b.
func sumOf(a checksum.Algorithm, b []byte) uint64 {
	h := checksum.New(a)
	h.Write(b)
	return h.Sum64()
}

func TestCheckValues(t *testing.T) {
	tests := []struct {
		algorithm checksum.Algorithm
		want      uint64
	}{
		{checksum.CRC32, 0xcbf43926},
		{checksum.CRC32C, 0xe3069283},
		{checksum.CRC64NVME, 0xae8b14860a799888},
	}
	for _, test := range tests {
		if got := sumOf(test.algorithm, []byte("123456789")); got != test.want {
			t.Errorf("%s: got %#x, want %#x", test.algorithm, got, test.want)
		}
	}
}

func TestAlgorithmEqualsStandardLibrary(t *testing.T) {
	for _, a := range checksum.Algorithms() {
		t.Run(a.String(), func(t *testing.T) {
			for _, n := range []int{0, 1, 7, 127, 128, 129, 1023, 4096, 100_003} {
				data := randomBytes(uint64(n), n)
				want := reference(a)
				want.Write(data)
				h := checksum.New(a)
				h.Write(data[:n/3])
				h.Write(data[n/3:])
				if got, want := h.AppendSum([]byte("x")), want.Sum([]byte("x")); !bytes.Equal(got, want) {
					t.Errorf("%d bytes: got %x, want %x", n, got, want)
				}
				if got, want := h.Base64(), base64.StdEncoding.EncodeToString(want.Sum(nil)); got != want {
					t.Errorf("%d bytes: got %s, want %s", n, got, want)
				}
				if h.Bytes() != int64(n) {
					t.Errorf("bytes: got %d, want %d", h.Bytes(), n)
				}
			}
		})
	}
}

func TestAlgorithmProperties(t *testing.T) {
	for _, a := range checksum.Algorithms() {
		h := checksum.New(a)
		if got := len(h.AppendSum(nil)); got != a.Size() {
			t.Errorf("%s: value of %d bytes, Size %d", a, got, a.Size())
		}
		if got, want := a.Header(), "x-amz-checksum-"+strings.ToLower(string(a)); got != want {
			t.Errorf("%s: header %q, want %q", a, got, want)
		}
		if got, want := a.Combinable(), strings.HasPrefix(string(a), "CRC"); got != want {
			t.Errorf("%s: combinable %t, want %t", a, got, want)
		}
		if h.Algorithm() != a {
			t.Errorf("algorithm: got %s, want %s", h.Algorithm(), a)
		}
	}
}

func TestNoneOnlyCounts(t *testing.T) {
	h := checksum.New(checksum.None)
	h.Write(make([]byte, 5))
	if h.Bytes() != 5 || h.Sum64() != 0 || h.Base64() != "" || checksum.None.Header() != "" || checksum.None.Size() != 0 {
		t.Errorf("got %d bytes, sum %d, text %q, want 5, 0 and nothing", h.Bytes(), h.Sum64(), h.Base64())
	}
	if got := checksum.None.String(); got != "none" {
		t.Errorf("name: got %q, want none", got)
	}
}

func TestResetStartsAgain(t *testing.T) {
	for _, a := range checksum.Algorithms() {
		h := checksum.New(a)
		want := h.Base64()
		h.Write([]byte("something"))
		h.Reset()
		if got := h.Base64(); got != want || h.Bytes() != 0 {
			t.Errorf("%s: got %s and %d bytes, want %s and 0", a, got, h.Bytes(), want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, a := range checksum.Algorithms() {
		for _, s := range []string{string(a), strings.ToLower(string(a))} {
			if got, err := checksum.Parse(s); got != a || err != nil {
				t.Errorf("%q: got %s, %v, want %s", s, got, err, a)
			}
		}
	}
	if got, err := checksum.Parse(""); got != checksum.None || err != nil {
		t.Errorf("empty: got %s, %v, want none", got, err)
	}
	_, err := checksum.Parse("crc-64")
	for _, want := range []string{`"crc-64"`, "CRC32, CRC32C, CRC64NVME, SHA1, SHA256, MD5"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want it to hold %s", err, want)
		}
	}
}

func TestUnknownAlgorithmPanics(t *testing.T) {
	for name, call := range map[string]func(){
		"new":              func() { checksum.New("CRC16") },
		"combine-digest":   func() { checksum.Combine(checksum.SHA1, 1, 2, 3) },
		"combine-negative": func() { checksum.Combine(checksum.CRC32, 1, 2, -1) },
		"combiner":         func() { checksum.NewCombiner(checksum.MD5, 1) },
		"add-outside":      func() { checksum.NewCombiner(checksum.CRC32, 1).Add(1, 0, 0) },
		"add-negative":     func() { checksum.NewCombiner(checksum.CRC32, -1).Add(-1, 0, 0) },
		"set-too-few": func() {
			c := checksum.NewCombiner(checksum.CRC32, -1)
			c.Add(1, 0, 0)
			c.SetParts(1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("got no panic, want one")
				}
			}()
			call()
		})
	}
}

func TestCombineEqualsDirect(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, a := range combinable {
		t.Run(a.String(), func(t *testing.T) {
			for i := range 400 {
				data := randomBytes(uint64(i), random.IntN(3000))
				at := random.IntN(len(data) + 1)
				switch i % 10 {
				case 0:
					at = 0
				case 1:
					at = len(data)
				}
				want := sumOf(a, data)
				got := checksum.Combine(a, sumOf(a, data[:at]), sumOf(a, data[at:]), int64(len(data)-at))
				if got != want {
					t.Fatalf("%d bytes split at %d: got %#x, want %#x", len(data), at, got, want)
				}
			}
		})
	}
}

// TestCombineLongLengths checks lengths that nobody can hash in a test: putting
// B and C behind A must not depend on which two were put together first.
func TestCombineLongLengths(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, a := range combinable {
		mask := ^uint64(0) >> (64 - 8*a.Size())
		for range 200 {
			x, y, z := random.Uint64()&mask, random.Uint64()&mask, random.Uint64()&mask
			lenY, lenZ := random.Int64N(1<<61), random.Int64N(1<<61)
			left := checksum.Combine(a, checksum.Combine(a, x, y, lenY), z, lenZ)
			right := checksum.Combine(a, x, checksum.Combine(a, y, z, lenZ), lenY+lenZ)
			if left != right {
				t.Fatalf("%s, lengths %d and %d: got %#x, want %#x", a, lenY, lenZ, left, right)
			}
		}
	}
}

func TestCombinerTakesAnyOrder(t *testing.T) {
	for _, a := range combinable {
		for _, known := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s-known-%t", a, known), func(t *testing.T) { combineShuffled(t, a, known) })
		}
	}
}

// combineShuffled adds the parts of random data from many goroutines.
func combineShuffled(t *testing.T, a checksum.Algorithm, known bool) {
	data := randomBytes(9, 100_000)
	const partSize, parts = 1501, 67
	n := -1
	if known {
		n = parts
	}
	c := checksum.NewCombiner(a, n)
	if _, ok := c.Sum(); ok {
		t.Error("sum of no parts is there, want it missing")
	}
	var added sync.WaitGroup
	for _, i := range rand.Perm(parts) {
		added.Go(func() {
			part := data[i*partSize : min(len(data), (i+1)*partSize)]
			c.Add(i, 1, 1) // an attempt that was thrown away
			c.Add(i, sumOf(a, part), int64(len(part)))
		})
	}
	added.Wait()
	if _, ok := c.Sum(); ok != known {
		t.Errorf("sum before SetParts: got %t, want %t", ok, known)
	}
	c.SetParts(parts)
	if got, ok := c.Sum(); !ok || got != sumOf(a, data) {
		t.Errorf("got %#x, %t, want %#x", got, ok, sumOf(a, data))
	}
}

func TestCombinerSaysWhenPartsAreMissing(t *testing.T) {
	c := checksum.NewCombiner(checksum.CRC32, 2)
	c.Add(1, 5, 5)
	if _, ok := c.Sum(); ok {
		t.Error("part 0 is missing: got a sum, want none")
	}
	if got, ok := checksum.NewCombiner(checksum.CRC32, 0).Sum(); got != 0 || !ok {
		t.Errorf("empty object: got %#x, %t, want 0, true", got, ok)
	}
}

// TestCombinerBelievesNoNumber: how many parts an object has is a server's word,
// for which no memory is taken.
func TestCombinerBelievesNoNumber(t *testing.T) {
	c := checksum.NewCombiner(checksum.CRC64NVME, 1<<50)
	for i := range 20_000 { // more than were made room for
		c.Add(i, 0, 0)
	}
	if _, ok := c.Sum(); ok {
		t.Error("sum of an object most of whose parts are missing: got one, want none")
	}
}

func TestAllocations(t *testing.T) {
	data := randomBytes(1, 256<<10)
	for _, a := range checksum.Algorithms() {
		h := checksum.New(a)
		if got := testing.AllocsPerRun(10, func() { h.Write(data) }); got != 0 {
			t.Errorf("%s: write allocates %v times, want 0", a, got)
		}
	}
	var sink uint64
	for _, a := range combinable {
		if got := testing.AllocsPerRun(10, func() { sink ^= checksum.Combine(a, sink, 7, 8<<20) }); got != 0 {
			t.Errorf("%s: combine allocates %v times, want 0", a, got)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	data := randomBytes(1, 256<<10)
	for _, a := range checksum.Algorithms() {
		b.Run(a.String(), func(b *testing.B) {
			h := checksum.New(a)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				h.Write(data)
			}
		})
	}
}

func BenchmarkCombine(b *testing.B) {
	for _, length := range []int64{8 << 20, 48<<40 - 1} {
		for _, a := range combinable {
			b.Run(fmt.Sprintf("%s-%d", a, length), func(b *testing.B) {
				sum := uint64(1)
				b.ReportAllocs()
				for b.Loop() {
					sum = checksum.Combine(a, sum, 7, length)
				}
			})
		}
	}
}
