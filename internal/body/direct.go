package body

import (
	"errors"
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/haul-s3/haul/internal/bufpool"
)

// DirectFile is a File of a replaced FS that can be written past the system's
// page cache, as the files of OS can where system and file system allow it.
type DirectFile interface {
	File
	// Direct opens the file once more, for writes that are whole blocks of 4096
	// bytes: memory, offset and length are multiples of that. An error means that
	// the file can't be written so.
	Direct() (File, error)
}

// blockSize is what memory, offset and length of a direct write are multiples
// of: what the slices' memory is, too. Drives want 512 or 4096 bytes.
const blockSize = bufpool.Alignment

// directMin is the size from which a file is written directly: below it, opening
// it twice costs more than is gained.
const directMin = 1 << 20

// Alignment is what offsets of writes to w should be multiples of; 1 if that
// makes no difference.
func Alignment(w Writer) int64 {
	if f, ok := w.(*fileWriter); ok {
		if _, ok := f.f.(*directFile); ok {
			return blockSize
		}
	}
	return 1
}

// withDirect returns f so that whole blocks are written directly, or f itself
// where it can't be.
func withDirect(f File) File {
	direct, err := openAgain(f)
	if err != nil {
		return f
	}
	return &directFile{File: f, direct: direct}
}

// openAgain opens a file for direct writes.
func openAgain(f File) (File, error) {
	switch f := f.(type) {
	case *os.File:
		return file(openDirect(f))
	case DirectFile:
		return f.Direct()
	}
	return nil, errors.ErrUnsupported
}

// directFile is a file that is open twice. Whole blocks go to the disk by the
// direct descriptor; by the other one go the ends of the file and of pieces of
// it, and everything else. The two never write to the same block at the same
// time, so that the system has nothing to reconcile.
type directFile struct {
	File
	direct File
	off    atomic.Bool // the file system refuses direct writes after all
}

func (f *directFile) WriteAt(p []byte, off int64) (n int, err error) {
	if whole := wholeBlocks(p, off); whole > 0 && !f.off.Load() {
		n, err = f.direct.WriteAt(p[:whole], off)
		if err != nil && !refusesDirect(err) {
			return n, err
		}
		if err != nil {
			f.off.Store(true)
		}
	}
	if n == len(p) {
		return n, nil
	}
	m, err := f.File.WriteAt(p[n:], off+int64(n))
	return n + m, err
}

// Close closes both, and tells the errors of both.
func (f *directFile) Close() error { return errors.Join(f.direct.Close(), f.File.Close()) }

// wholeBlocks is how many bytes of p can be written directly at off.
func wholeBlocks(p []byte, off int64) int {
	if off%blockSize != 0 || uintptr(unsafe.Pointer(unsafe.SliceData(p)))%blockSize != 0 {
		return 0
	}
	return len(p) &^ (blockSize - 1)
}
