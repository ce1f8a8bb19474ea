//go:build linux

// Package pattern is the content of every object of the benchmarks: one window
// of pseudo-random bytes, repeated. The window is a page longer than 8 MiB, so
// parts of 8 MiB that change places show (up to 16 GiB, where the pattern of
// parts repeats), while a server can keep it in memory and send it from there.
package pattern

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/testbody"
)

// Window is the length in bytes after which the content repeats.
const Window = 8<<20 + 4<<10

const seed = 1

var window = sync.OnceValue(func() []byte { return testbody.Bytes(seed, Window) })

// At returns the content from off on, at most n bytes and not past the end of
// the window. The caller must not change it.
func At(off, n int64) []byte {
	o := off % Window
	return window()[o:min(o+n, Window)]
}

// Check compares p with the content at off.
func Check(p []byte, off int64) error {
	for len(p) > 0 {
		want := At(off, int64(len(p)))
		if string(p[:len(want)]) != string(want) {
			return fmt.Errorf("content differs between offsets %d and %d", off, off+int64(len(want)))
		}
		p, off = p[len(want):], off+int64(len(want))
	}
	return nil
}

var sums struct {
	sync.Mutex
	known map[sumKey]uint64 // guarded by the mutex
}

type sumKey struct {
	algorithm checksum.Algorithm
	size      int64
}

// CRC returns the CRC of an object of size bytes. Each size is computed once.
func CRC(a checksum.Algorithm, size int64) uint64 {
	sums.Lock()
	defer sums.Unlock()
	return crcLocked(a, size)
}

func crcLocked(a checksum.Algorithm, size int64) uint64 {
	key := sumKey{a, size}
	if sum, ok := sums.known[key]; ok {
		return sum
	}
	var sum uint64
	if size <= Window {
		h := checksum.New(a)
		_ = generate(h, size) // a Hash takes everything
		sum = h.Sum64()
	} else {
		whole, rest := crcLocked(a, Window), crcLocked(a, size%Window)
		sum = whole
		for range size/Window - 1 {
			sum = checksum.Combine(a, sum, whole, Window)
		}
		sum = checksum.Combine(a, sum, rest, size%Window)
	}
	if sums.known == nil {
		sums.known = map[sumKey]uint64{}
	}
	sums.known[key] = sum
	return sum
}

// Memfd returns an anonymous file in memory that holds one window.
func Memfd() (*os.File, error) {
	fd, err := unix.MemfdCreate("window", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	f := os.NewFile(uintptr(fd), "window")
	if err := generate(f, Window); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// generate writes the beginning of the window without keeping it: a client that
// is measured has only the memory that it needs itself.
func generate(w io.Writer, n int64) error {
	_, err := io.Copy(w, io.LimitReader(testbody.NewReader(seed, Window), n))
	return err
}

// Map returns the first size bytes of the content as one slice that needs the
// memory of a single window: the same pages again and again. It must not be
// written to and is never unmapped. Its pages count as resident for each place
// where they are mapped: see workload.Usage.
func Map(size int64) ([]byte, error) {
	f, err := Memfd()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	space := (size + Window - 1) / Window * Window
	base, err := unix.MmapPtr(-1, 0, nil, uintptr(space), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("reserve %d bytes of address space: %w", space, err)
	}
	all := sliceAt(base, space)
	for off := int64(0); off < space; off += Window {
		_, err := unix.MmapPtr(int(f.Fd()), 0, pointerTo(all, off), Window, unix.PROT_READ, unix.MAP_SHARED|unix.MAP_FIXED|unix.MAP_POPULATE)
		if err != nil {
			return nil, fmt.Errorf("map the window at %d: %w", off, err)
		}
	}
	return all[:size], nil
}

// Write writes an object of size bytes to w.
func Write(w io.Writer, size int64) error {
	for off := int64(0); off < size; {
		n, err := w.Write(At(off, size-off))
		if off += int64(n); err != nil {
			return err
		}
	}
	return nil
}

// Verify reads r to its end and compares it with an object of size bytes.
func Verify(r io.Reader, size int64) error {
	buf := make([]byte, 256<<10)
	off := int64(0)
	for {
		n, err := io.ReadFull(r, buf)
		if err := Check(buf[:n], off); err != nil {
			return err
		}
		off += int64(n)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if off != size {
		return fmt.Errorf("%d bytes arrived, want %d", off, size)
	}
	return nil
}
