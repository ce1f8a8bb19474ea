//go:build linux

// Package workload says what a benchmark moves, and measures the process that
// moves it. A Spec goes from the program that compares to its children as JSON,
// a Usage comes back.
package workload

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/haul-s3/haul/bench/pattern"
	"github.com/haul-s3/haul/internal/checksum"
)

// Bucket is the bucket of all benchmarks.
const Bucket = "bench"

// Spec is one workload: which objects go where and how.
type Spec struct {
	Up          bool
	File        bool  // files on both sides; else memory
	Objects     int   // how many
	Size        int64 // of each, in bytes
	PartSize    int64 // in bytes
	Concurrency int   // connections, as far as the client lets one say so

	DirectIO bool // haul writes files past the page cache
	Pipe     bool // haul reads uploads from a pipe, and writes downloads to one
	Durable  bool // haul syncs files

	Endpoint string // URL of the null server
	CA       string // path of its authority's certificate, over TLS
	Dir      string // the files' folder
	Verify   bool   // compare what arrived with the pattern; not measured

	source []byte // an object in memory
}

// Warm makes what a client is given and what it costs nothing to know: the
// source in memory, and the pattern's checksum. It comes before the measurement.
func (s *Spec) Warm() (err error) {
	pattern.CRC(checksum.CRC64NVME, s.Size)
	if s.Up && !s.File {
		s.source, err = pattern.Map(s.Size)
	}
	return err
}

// Source is an object in memory, for uploads from there.
func (s *Spec) Source() []byte { return s.source }

// TLS says whether the endpoint is reached over TLS.
func (s *Spec) TLS() bool { return s.CA != "" }

// Large says whether the objects are moved in parts.
func (s *Spec) Large() bool { return s.Size > s.PartSize }

// Prefix is the prefix of all keys. The null server lists it.
func (s *Spec) Prefix() string { return fmt.Sprintf("many-%d-%d/", s.Objects, s.Size) }

// Name is the last element of an object's key, and its file's name.
func (s *Spec) Name(i int) string { return fmt.Sprintf("%09d-%d", i, s.Size) }

// Key is an object's key.
func (s *Spec) Key(i int) string { return s.Prefix() + s.Name(i) }

// Sources is the folder of files to upload.
func (s *Spec) Sources() string { return filepath.Join(s.Dir, "src", s.Prefix()) }

// Targets is the folder of downloaded files.
func (s *Spec) Targets() string { return filepath.Join(s.Dir, "dst") }

// Path is an object's file: of the folder that this workload reads or writes.
func (s *Spec) Path(i int) string {
	if s.Up {
		return filepath.Join(s.Sources(), s.Name(i))
	}
	return filepath.Join(s.Targets(), s.Name(i))
}

// Prepare makes the files that are needed and empties the folder of targets.
func (s *Spec) Prepare() error {
	if err := os.RemoveAll(s.Targets()); err != nil || !s.File {
		return err
	}
	if !s.Up {
		return os.MkdirAll(s.Targets(), 0o755)
	}
	if err := os.MkdirAll(s.Sources(), 0o755); err != nil {
		return err
	}
	for i := range s.Objects {
		if info, err := os.Stat(s.Path(i)); err == nil && info.Size() == s.Size {
			continue
		}
		if err := writeFile(s.Path(i), s.Size); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(path string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := pattern.Write(f, size); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// VerifyFiles compares all downloaded files with the pattern.
func (s *Spec) VerifyFiles() error {
	for i := range s.Objects {
		f, err := os.Open(s.Path(i))
		if err != nil {
			return err
		}
		err = pattern.Verify(f, s.Size)
		f.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", s.Path(i), err)
		}
	}
	return nil
}

// Each calls fn for every object, from Concurrency goroutines, until one fails.
// It is for clients that have no queue of their own.
func (s *Spec) Each(ctx context.Context, fn func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(s.Concurrency, s.Objects) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= s.Objects {
					return
				}
				if err := fn(ctx, i); err != nil {
					cancel(fmt.Errorf("object %d: %w", i, err))
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// Target is a target in memory of one object: it counts the bytes, and compares
// them where the workload is to be verified. It is safe for concurrent use.
type Target struct {
	verify bool
	n      atomic.Int64
}

// Target returns a new target.
func (s *Spec) Target() *Target { return &Target{verify: s.Verify} }

// WriteAt takes a run of bytes.
func (t *Target) WriteAt(p []byte, off int64) (int, error) {
	t.n.Add(int64(len(p)))
	if t.verify {
		if err := pattern.Check(p, off); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// Write takes the next bytes; it must not be mixed with WriteAt.
func (t *Target) Write(p []byte) (int, error) { return t.WriteAt(p, t.n.Load()) }

// Done says whether all of an object arrived.
func (t *Target) Done(size int64) error {
	if got := t.n.Load(); got != size {
		return fmt.Errorf("%d bytes arrived, want %d", got, size)
	}
	return nil
}
