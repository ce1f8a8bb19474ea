package engine_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
)

// directFS counts what is written directly and what isn't.
type directFS struct {
	body.OS
	direct, buffered atomic.Int64
}

// countedFile is a file of it; bytes is where its writes count.
type countedFile struct {
	body.File
	fs    *directFS
	bytes *atomic.Int64
}

func (f *directFS) CreateTemp(dir, prefix string) (body.File, error) {
	file, err := f.OS.CreateTemp(dir, prefix)
	return countedFile{file, f, &f.buffered}, err
}

func (f countedFile) Direct() (body.File, error) {
	file, err := os.OpenFile(f.Name(), os.O_WRONLY, 0)
	return countedFile{file, f.fs, &f.fs.direct}, err
}

func (f countedFile) WriteAt(p []byte, off int64) (int, error) {
	f.bytes.Add(int64(len(p)))
	return f.File.WriteAt(p, off)
}

// TestDirectAfterResets breaks answers anywhere and cuts pieces at odd places:
// the file is right, and but for some blocks it was written directly.
func TestDirectAfterResets(t *testing.T) {
	w := newWorld(t, engine.Options{})
	data := content(5<<20 + 77)
	w.server.Put("b", "k", data, nil)
	for name, partSize := range map[string]int64{"even": 1 << 20, "odd": 1<<20 + 1001} {
		t.Run(name, func(t *testing.T) {
			var cut atomic.Int64
			w.between(func(h http.Handler, rw http.ResponseWriter, r *http.Request) {
				if cut.Add(1) <= 6 {
					rw = &cutWriter{ResponseWriter: rw, left: 300_001}
				}
				h.ServeHTTP(rw, r)
			})
			fsys := &directFS{}
			path := filepath.Join(t.TempDir(), "f")
			job := downloadJob("k", body.ToFile(path, body.FileOptions{Direct: true}))
			job.FS, job.PartSize = fsys, partSize
			if _, err := w.driver.Transfer(context.Background(), job, &events{}); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
				t.Errorf("the file holds something else: %d bytes, %v", len(got), err)
			}
			// A reset and the two ends of a piece cost a part of a slice each.
			direct, buffered := fsys.direct.Load(), fsys.buffered.Load()
			if direct+buffered != int64(len(data)) || buffered > (6+12)*4096 {
				t.Errorf("%d bytes were written directly, %d otherwise", direct, buffered)
			}
		})
	}
}
