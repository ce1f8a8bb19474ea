//go:build linux

package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/s3api"
)

const (
	partSize   = s3api.MinPartSize
	smallMax   = 64 << 10 // most objects are smaller
	largeMax   = 4*partSize + 12_345
	largeEvery = 4 // one object in so many is large
	cancelPart = 0.15
	cancelMax  = 150 * time.Millisecond // a transfer is cancelled within this time
	keysMax    = 8                      // objects that a worker has at once
)

// content is what an object has: so many bytes of a seed's.
type content struct {
	seed uint64
	size int64
}

// worker does one transfer after the other, on objects and files of its own.
type worker struct {
	*soak
	number  int
	classic bool
	manager *haul.Manager
	rnd     *rand.Rand
	objects map[string]content // what is surely stored
	serial  int                // of keys and files
}

// loop works until ctx ends. The transfer that is under way then is let to its
// end.
func (w *worker) loop(ctx context.Context) {
	if err := os.Mkdir(w.path(""), 0o700); err != nil {
		w.broken("folder: %v", err)
		return
	}
	for ctx.Err() == nil {
		kinds := []func(){w.upload, w.upload, w.download, w.download, w.download, w.copy, w.remove, w.resumedUpload, w.resumedDownload}
		kinds[w.rnd.IntN(len(kinds))]()
		w.wantNoFiles()
	}
	for key := range w.objects {
		w.discard(key)
	}
}

func (w *worker) path(name string) string {
	return filepath.Join(w.dir, fmt.Sprintf("worker-%d", w.number), name)
}

// newKey names an object that no other transfer has touched.
func (w *worker) newKey() string {
	w.serial++
	return fmt.Sprintf("worker-%d/object %d", w.number, w.serial)
}

// newContent decides what the next object has.
func (w *worker) newContent() content {
	size := w.rnd.Int64N(smallMax)
	if w.rnd.IntN(largeEvery) == 0 {
		size = w.rnd.Int64N(largeMax)
	}
	return content{seed: w.rnd.Uint64(), size: size}
}

// anyKey picks an object that is there, "" if there is none.
func (w *worker) anyKey() string {
	for key := range w.objects {
		return key
	}
	return ""
}

// context is that of the next transfer: some are cancelled.
func (w *worker) context() (context.Context, context.CancelFunc) {
	if w.rnd.Float64() >= cancelPart {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeoutCause(context.Background(), time.Duration(w.rnd.Int64N(int64(cancelMax))), errFedUp)
}

var errFedUp = errors.New("had enough of it")

// done takes account of a transfer's end and says whether it was a success. An
// object that is reported done is compared by the caller.
func (w *worker) done(kind string, result *haul.Result, err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.report
	switch {
	case err == nil:
		r.Done++
		r.Bytes += result.Size
		r.Retries += result.ExtraRequests
		r.Resumed += result.Resumed
		return true
	case errors.Is(err, haul.ErrCanceled):
		r.Canceled++
		if !errors.Is(err, errFedUp) {
			r.Broken = append(r.Broken, fmt.Sprintf("%s: cancelled, and the cause is lost: %v", kind, err))
		}
	default:
		r.Failed++
	}
	if strings.Contains(err.Error(), "whose parts may be left") {
		r.Admitted++
	}
	return false
}

// stored takes account of an upload's end: what was reported done must be there
// as it was sent, and what wasn't may be there so or not at all.
func (w *worker) stored(kind, key string, c content, result *haul.Result, err error) {
	ok := w.done(kind, result, err)
	if why := w.check(key, c, ok); why != "" {
		w.mismatch("%s of key %q, %d bytes: %s", kind, key, c.size, why)
	}
	if !ok {
		w.discard(key) // a request on its way may put it there yet
		return
	}
	w.objects[key] = c
	if len(w.objects) > keysMax {
		w.discard(w.anyKey())
	}
}

func (w *worker) mismatch(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report.Mismatches++
	w.log("MISMATCH "+format, args...)
}

// broken notes what should not be, and is no wrong byte.
func (w *worker) broken(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report.Broken = append(w.report.Broken, fmt.Sprintf(format, args...))
	w.log("BROKEN "+format, args...)
}

func (s *soak) log(format string, args ...any) {
	if s.o.Log != nil {
		s.o.Log(format, args...)
	}
}

// wantNoFiles looks for what transfers left in the worker's folder.
func (w *worker) wantNoFiles() {
	entries, err := os.ReadDir(w.path(""))
	if err != nil {
		w.broken("folder: %v", err)
		return
	}
	for _, e := range entries {
		w.mu.Lock()
		w.leaksLocked("files", "a transfer left the file "+e.Name())
		w.mu.Unlock()
		_ = os.RemoveAll(w.path(e.Name())) // it is counted once
	}
}
