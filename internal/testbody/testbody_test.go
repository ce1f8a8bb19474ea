package testbody_test

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"github.com/haul-s3/haul/internal/testbody"
)

// TestFillIsSplitmix64 pins the stream to the published outputs of splitmix64 for the seed 1234567.
func TestFillIsSplitmix64(t *testing.T) {
	// The first output is 6457827717110365317, which is 0x599ed017fb08fc85.
	want := []byte{0x85, 0xfc, 0x08, 0xfb, 0x17, 0xd0, 0x9e, 0x59}
	got := testbody.Bytes(1234567, 8)
	if !bytes.Equal(got, want) {
		t.Errorf("first word: got %x, want %x", got, want)
	}
}

func TestFillAtAnyOffset(t *testing.T) {
	whole := testbody.Bytes(7, 200)
	for off := range 64 {
		for n := range 100 {
			p := make([]byte, n)
			testbody.Fill(p, 7, int64(off))
			if want := whole[off : off+n]; !bytes.Equal(p, want) {
				t.Fatalf("offset %d, length %d: got %x, want %x", off, n, p, want)
			}
		}
	}
}

func TestCheckNamesTheFirstBadByte(t *testing.T) {
	const off = 1<<40 + 3
	p := make([]byte, 10000)
	testbody.Fill(p, 9, off)
	if bad, ok := testbody.Check(p, 9, off); !ok || bad != -1 {
		t.Errorf("good body: got %d, %v, want -1, true", bad, ok)
	}
	for _, at := range []int{0, 1, 4095, 4096, 9999} {
		p[at] ^= 1
		if bad, ok := testbody.Check(p, 9, off); ok || bad != off+int64(at) {
			t.Errorf("byte %d flipped: got %d, %v, want %d, false", at, bad, ok, int64(off+at))
		}
		p[at] ^= 1
	}
	if _, ok := testbody.Check(p, 9, off+8); ok {
		t.Error("a body shifted by a word: got true, want false")
	}
}

func TestReader(t *testing.T) {
	for _, size := range []int{0, 1, 7, 8, 9, 1000} {
		want := testbody.Bytes(3, size)
		if err := iotest.TestReader(testbody.NewReader(3, int64(size)), want); err != nil {
			t.Errorf("size %d: %v", size, err)
		}
	}
	r := testbody.NewReader(3, 100)
	if got, want := r.Size(), int64(100); got != want {
		t.Errorf("size: got %d, want %d", got, want)
	}
	if _, err := r.Seek(-1, io.SeekStart); err == nil {
		t.Error("seek to -1: got nil, want an error")
	}
	if _, err := r.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("read at -1: got nil, want an error")
	}
	if _, err := r.Seek(0, 9); err == nil {
		t.Error("seek with whence 9: got nil, want an error")
	}
}

func BenchmarkFill(b *testing.B) {
	p := make([]byte, 256<<10)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		testbody.Fill(p, 1, 3)
	}
}
