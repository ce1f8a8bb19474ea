//go:build linux

package pattern

import "unsafe"

func sliceAt(p unsafe.Pointer, n int64) []byte { return unsafe.Slice((*byte)(p), n) }

func pointerTo(b []byte, off int64) unsafe.Pointer { return unsafe.Pointer(&b[off]) }
