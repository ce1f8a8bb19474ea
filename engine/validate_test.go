package engine_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
)

// TestComposite compares checksums of checksums: the pieces lie where the
// stored parts do.
func TestComposite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, engine.Options{})
	const unit = 128 << 10
	data := content(16 * unit)
	cut := func(sizes ...int) (parts [][]byte) {
		for off := 0; len(sizes) > 0; sizes = sizes[1:] {
			parts = append(parts, data[off:off+sizes[0]*unit])
			off += sizes[0] * unit
		}
		return parts
	}
	for name, c := range map[string]struct {
		parts     [][]byte
		validated bool
		how       string
	}{
		"equal":           {cut(5, 5, 5, 1), true, "parts' checksums"},
		"unequal-count":   {cut(5, 6, 5), false, "unequal sizes"},
		"unequal-by-luck": {cut(6, 5, 5), false, "unequal sizes"},
	} {
		for _, algorithm := range []checksum.Algorithm{checksum.SHA256, checksum.CRC32} {
			t.Run(name+"-"+algorithm.String(), func(t *testing.T) {
				w.server.PutParts("b", name, c.parts, http.Header{
					"X-Amz-Checksum-Algorithm": {algorithm.String()}, "X-Amz-Checksum-Type": {"COMPOSITE"},
				})
				out, stream := &writerAt{make([]byte, len(data))}, newStream(len(data))
				for _, sink := range []body.Sink{body.ToWriterAt(out), body.ToWriter(stream)} {
					job := downloadJob(name, sink)
					job.PartSize, job.Threshold = unit, unit
					r, err := w.driver.Transfer(context.Background(), job, &events{})
					if err != nil {
						t.Fatal(err)
					}
					if r.Checksum.Validated != c.validated || !strings.Contains(r.Checksum.How, c.how) {
						t.Errorf("validated %v (%s), want %v (%s)", r.Checksum.Validated, r.Checksum.How, c.validated, c.how)
					}
				}
				if !bytes.Equal(out.b, data) || !bytes.Equal(stream.Bytes(), data) {
					t.Error("something else was delivered")
				}
			})
		}
	}
}

// flipWriter flips a bit of the first byte that goes through it.
type flipWriter struct {
	http.ResponseWriter
	done bool
}

func (f *flipWriter) Write(p []byte) (int, error) {
	if f.done || len(p) == 0 {
		return f.ResponseWriter.Write(p)
	}
	f.done = true
	p = bytes.Clone(p)
	p[0] ^= 0x10
	return f.ResponseWriter.Write(p)
}

// TestFlippedBit fetches again what arrived wrong, and tells if it can't.
func TestFlippedBit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flips  int64
		stream bool
		ok     bool
	}{
		"mended":           {1, false, true},
		"wrong-again":      {1 << 30, false, false},
		"ordered-is-final": {1, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, engine.Options{})
			data := content(3<<20 + 1)
			w.server.Put("b", "k", data, nil)
			var flips atomic.Int64
			ev := &events{}
			var first sync.Map // the connections that a first answer came over
			w.between(func(h http.Handler, rw http.ResponseWriter, r *http.Request) {
				if !ev.negative.Load() { // it was not taken back
					first.Store(r.RemoteAddr, nil)
				} else if _, again := first.Load(r.RemoteAddr); again {
					t.Errorf("%s was fetched again over the same connection", r.Header.Get("Range"))
				}
				if flips.Add(1) <= c.flips {
					rw = &flipWriter{ResponseWriter: rw}
				}
				h.ServeHTTP(rw, r)
			})
			out := &writerAt{make([]byte, len(data))}
			sink := body.ToWriterAt(out)
			if c.stream {
				sink = body.ToWriter(newStream(len(data)))
			}
			r, err := w.driver.Transfer(context.Background(), downloadJob("k", sink), ev)
			var mismatch *driver.ChecksumError
			if !c.ok {
				if !errors.As(err, &mismatch) {
					t.Errorf("got %v, want a checksum error", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(out.b, data) || !r.Checksum.Validated || ev.sum.Load() != int64(len(data)) {
				t.Errorf("wrong bytes, or %+v, or progress of %d", r.Checksum, ev.sum.Load())
			}
		})
	}
}
