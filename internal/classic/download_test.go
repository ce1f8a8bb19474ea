package classic_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/classic"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/s3fake"
)

func TestDownloadEverySinkAndSize(t *testing.T) {
	for _, size := range []int{0, 1, bufpool.SliceSize, bufpool.SliceSize + 1, rangeSize - 1, rangeSize, rangeSize + 1, 3*rangeSize + 7} {
		data := content(size)
		for name, open := range sinks(t) {
			t.Run(fmt.Sprintf("%s-%d", name, size), func(t *testing.T) {
				r, ev := newRig(t), &events{}
				etag := r.Put(bucket, "k", data, http.Header{"Content-Type": {"text/x"}, "X-Amz-Meta-A": {"b"}})
				sink, got := open()
				out, err := r.driver.Transfer(t.Context(), downloadJob("k", sink), ev)
				if err != nil {
					t.Fatal(err)
				}
				same(t, got(), data)
				ev.check(t, int64(size))
				if !out.Checksum.Validated || out.ETag != etag || out.ContentType != "text/x" || out.Metadata["a"] != "b" || out.LastModified.IsZero() {
					t.Errorf("got outcome %+v, want it validated, with ETag %s, type, metadata, time", out, etag)
				}
				if v, err := out.Output(); err != nil || v.(*s3.GetObjectOutput).Body != http.NoBody {
					t.Errorf("got output %v, %v, want the first GET's without its body", v, err)
				}
				want := 1
				if size >= rangeSize {
					want = (size + rangeSize - 1) / rangeSize
				}
				if got := len(r.Requests()); got != want || out.Requests != int64(want) {
					t.Errorf("got %d requests, %d counted, want %d", got, out.Requests, want)
				}
			})
		}
	}
}

func TestDownloadPinsTheObject(t *testing.T) {
	r := newRig(t)
	r.EnableVersioning(bucket)
	etag := r.Put(bucket, "k", content(2*rangeSize), nil)
	if _, err := r.driver.Transfer(t.Context(), downloadJob("k", body.ToWriterAt(&writerAt{})), &events{}); err != nil {
		t.Fatal(err)
	}
	q := r.Requests()
	if len(q) != 2 || q[0].Header.Get("Range") != "" || q[1].Header.Get("If-Match") != etag || q[1].Query.Get("versionId") == "" {
		t.Errorf("got %+v, want a plain GET and one pinned to %s and its version", q, etag)
	}
}

func TestDownloadOfAChangedObject(t *testing.T) {
	for name, open := range sinks(t) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Put(bucket, "k", content(2*rangeSize), nil)
			var once atomic.Bool
			r.Before = func(q *s3fake.Record, _ http.ResponseWriter, _ *http.Request) bool {
				if q.Header.Get("Range") != "" && once.CompareAndSwap(false, true) {
					r.Put(bucket, "k", content(2*rangeSize+1), nil)
				}
				return false
			}
			sink, _ := open()
			_, err := r.driver.Transfer(t.Context(), downloadJob("k", sink), &events{})
			var modified *driver.ObjectModifiedError
			if !errors.As(err, &modified) || modified.Key != "k" || modified.Err == nil {
				t.Errorf("got error %v, want an ObjectModifiedError around S3's", err)
			}
		})
	}
}

func TestDownloadKnownETag(t *testing.T) {
	r := newRig(t)
	r.Put(bucket, "k", content(10), nil)
	j := downloadJob("k", body.ToWriter(io.Discard))
	j.ETag = `"0123456789abcdef0123456789abcdef"`
	_, err := r.driver.Transfer(t.Context(), j, &events{})
	var modified *driver.ObjectModifiedError
	if !errors.As(err, &modified) {
		t.Errorf("got error %v, want an ObjectModifiedError", err)
	}
}

func TestDownloadKnownSize(t *testing.T) {
	r := newRig(t)
	r.Put(bucket, "k", content(10), nil)
	for size := int64(9); size <= 11; size++ {
		j := downloadJob("k", body.ToWriter(io.Discard))
		j.Size = size
		if _, err := r.driver.Transfer(t.Context(), j, &events{}); (err == nil) != (size == 10) {
			t.Errorf("size given as %d: got error %v, want one unless it is 10", size, err)
		}
	}
}

func TestDownloadRange(t *testing.T) {
	data := content(4 * rangeSize)
	for _, c := range []struct {
		header      string
		first, last int
	}{
		{"bytes=5-9", 5, 9}, {"bytes=0-", 0, len(data) - 1}, {"bytes=-7", len(data) - 7, len(data) - 1},
		{"bytes=100-", 100, len(data) - 1}, {"bytes=3-" + fmt.Sprint(2*rangeSize+10), 3, 2*rangeSize + 10},
	} {
		for name, open := range sinks(t) {
			t.Run(name+"-"+c.header, func(t *testing.T) {
				r, ev := newRig(t), &events{}
				r.Put(bucket, "k", data, nil)
				sink, got := open()
				j := downloadJob("k", sink)
				j.Range = c.header
				j.Calls.(driver.InputMap)[s3api.GetObject].(*s3.GetObjectInput).Range = &c.header
				out, err := r.driver.Transfer(t.Context(), j, ev)
				if err != nil {
					t.Fatal(err)
				}
				same(t, got(), data[c.first:c.last+1])
				ev.check(t, int64(c.last-c.first+1))
				if whole := c.last-c.first+1 == len(data); out.Checksum.Validated && !whole || out.Checksum.How == "" {
					t.Errorf("got checksum %+v, want a reason why it wasn't validated", out.Checksum)
				}
			})
		}
	}
}

func TestDownloadPartNumber(t *testing.T) {
	data := content(3 * rangeSize)
	for n := 1; n <= 2; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			r := newRig(t)
			r.PutParts(bucket, "k", [][]byte{data[:rangeSize-1], data[rangeSize-1:]}, nil)
			w := &bytes.Buffer{}
			j := downloadJob("k", body.ToWriter(w))
			j.PartNumber = int32(n)
			j.Calls.(driver.InputMap)[s3api.GetObject].(*s3.GetObjectInput).PartNumber = aws.Int32(int32(n))
			if _, err := r.driver.Transfer(t.Context(), j, &events{}); err != nil {
				t.Fatal(err)
			}
			want := data[:rangeSize-1]
			if n == 2 {
				want = data[rangeSize-1:]
			}
			same(t, w.Bytes(), want)
		})
	}
}

// cutting is an API whose first few downloads break in the middle.
type cutting struct {
	classic.API
	after int64
	times atomic.Int32
	err   error
}

func (c *cutting) GetObject(ctx context.Context, in *s3.GetObjectInput, optFns ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	out, err := c.API.GetObject(ctx, in, optFns...)
	if err == nil && c.times.Add(-1) >= 0 {
		out.Body = &cutBody{out.Body, c.after, c.err}
	}
	return out, err
}

type cutBody struct {
	io.ReadCloser
	left int64
	err  error
}

func (c *cutBody) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, c.err
	}
	n, err := c.ReadCloser.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

func TestDownloadResumesInsideAPart(t *testing.T) {
	for _, size := range []int{rangeSize - 1, 2 * rangeSize} { // no part is shorter than what arrives of it
		for name, open := range sinks(t) {
			for _, broken := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET} {
				t.Run(fmt.Sprintf("%s-%d-%v", name, size, broken), func(t *testing.T) {
					r, ev := newRig(t), &events{}
					r.Put(bucket, "k", content(size), nil)
					api := &cutting{API: r.client, after: 100_001, err: broken}
					api.times.Store(2)
					sink, got := open()
					j := downloadJob("k", sink)
					out, err := classic.New(api, classic.Config{Memory: r.pool}).Transfer(t.Context(), j, ev)
					if err != nil {
						t.Fatal(err)
					}
					same(t, got(), content(size))
					ev.check(t, int64(size))
					if !out.Checksum.Validated || out.ExtraRequests != 2 {
						t.Errorf("got checksum %+v, %d extra requests, want it validated, 2", out.Checksum, out.ExtraRequests)
					}
					first := r.Requests()[0]
					for _, q := range r.Requests()[1:] {
						if q.Header.Get("Range") == "" || q.Header.Get("If-Match") == "" {
							t.Errorf("got a request like %+v after %+v, want a pinned range", q.Header, first.Header)
						}
					}
				})
			}
		}
	}
}

func TestDownloadGivesUp(t *testing.T) {
	for name, open := range sinks(t) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Put(bucket, "k", content(2*rangeSize), nil)
			api := &cutting{API: r.client, after: 10, err: io.ErrUnexpectedEOF}
			api.times.Store(1000)
			sink, _ := open()
			_, err := classic.New(api, classic.Config{Memory: r.pool}).Transfer(t.Context(), downloadJob("k", sink), &events{})
			var exceeded *driver.RetriesExceededError
			var short *driver.ShortBodyError
			if !errors.As(err, &exceeded) || exceeded.Attempts != 3 || !errors.As(err, &short) {
				t.Errorf("got error %v, want a RetriesExceededError after 3 attempts around a ShortBodyError", err)
			}
		})
	}
}

// flipping changes one byte of the first download.
type flipping struct{ classic.API }

func (f flipping) GetObject(ctx context.Context, in *s3.GetObjectInput, optFns ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	out, err := f.API.GetObject(ctx, in, optFns...)
	if err == nil && in.Range == nil {
		out.Body = &flipBody{ReadCloser: out.Body}
	}
	return out, err
}

type flipBody struct {
	io.ReadCloser
	done bool
}

func (f *flipBody) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	if n > 0 && !f.done {
		p[0], f.done = p[0]^1, true
	}
	return n, err
}

func TestDownloadOfWrongBytes(t *testing.T) {
	for _, size := range []int{rangeSize - 1, 2*rangeSize + 7} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			r := newRig(t)
			r.Put(bucket, "k", content(size), nil)
			path := filepath.Join(t.TempDir(), "sink")
			writeFile(t, path, []byte("old"))
			d := classic.New(flipping{r.client}, classic.Config{Memory: r.pool})
			_, err := d.Transfer(t.Context(), downloadJob("k", body.ToFile(path, body.FileOptions{})), &events{})
			var wrong *driver.ChecksumError
			if !errors.As(err, &wrong) || wrong.Want == wrong.Got {
				t.Errorf("got error %v, want a ChecksumError", err)
			}
			same(t, readFile(t, path), []byte("old"))
			if names, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(names) != 1 {
				t.Errorf("got files %v, want the old one alone", names)
			}
		})
	}
}

// failingWriter fails at once.
type failingWriter struct{ err error }

func (f failingWriter) Write([]byte) (int, error)          { return 0, f.err }
func (f failingWriter) WriteAt([]byte, int64) (int, error) { return 0, f.err }

func TestDownloadWriterFails(t *testing.T) {
	full := errors.New("disk is full")
	for name, sink := range map[string]body.Sink{"writer": body.ToWriter(failingWriter{full}), "writerat": body.ToWriterAt(failingWriter{full})} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Put(bucket, "k", content(4*rangeSize), nil)
			if _, err := r.driver.Transfer(t.Context(), downloadJob("k", sink), &events{}); !errors.Is(err, full) {
				t.Errorf("got error %v, want %v", err, full)
			}
		})
	}
}

func TestDownloadValidation(t *testing.T) {
	data := content(2*rangeSize + 7)
	header := func(a, kind string) http.Header {
		return http.Header{"X-Amz-Checksum-Algorithm": {a}, "X-Amz-Checksum-Type": {kind}}
	}
	composite := func(a string, sizes ...int) func(r *rig) {
		return func(r *rig) {
			var parts [][]byte
			rest := data
			for _, n := range sizes {
				parts, rest = append(parts, rest[:n]), rest[n:]
			}
			r.PutParts(bucket, "k", append(parts, rest), header(a, "COMPOSITE"))
		}
	}
	cases := []struct {
		name      string
		put       func(r *rig)
		parts     int64
		validated bool
	}{
		{"crc32", func(r *rig) { r.Put(bucket, "k", data, header("CRC32", "")) }, rangeSize, true},
		{"crc32c", func(r *rig) { r.Put(bucket, "k", data, header("CRC32C", "")) }, rangeSize, true},
		{"sha256-one-stream", func(r *rig) { r.Put(bucket, "k", data, header("SHA256", "")) }, 2 * mib, true},
		{"sha256-ranges", func(r *rig) { r.Put(bucket, "k", data, header("SHA256", "")) }, rangeSize, false},
		{"composite", composite("CRC32", rangeSize-1, rangeSize-1), rangeSize, true},
		{"composite-sha256", composite("SHA256", rangeSize+4), rangeSize, true},
		{"composite-unequal", composite("CRC32C", 100), rangeSize, false},
		{"composite-unequal-in-the-middle", composite("CRC32C", 2*rangeSize-1, 1), rangeSize, false},
		{"full-of-parts", func(r *rig) {
			r.PutParts(bucket, "k", [][]byte{data[:rangeSize], data[rangeSize:]}, header("CRC64NVME", "FULL_OBJECT"))
		}, rangeSize, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			c.put(r)
			w := &writerAt{}
			j := downloadJob("k", body.ToWriterAt(w))
			j.PartSize, j.Threshold = c.parts, c.parts
			out, err := r.driver.Transfer(t.Context(), j, &events{})
			if err != nil {
				t.Fatal(err)
			}
			same(t, w.data, data)
			if out.Checksum.Validated != c.validated || out.Checksum.How == "" {
				t.Errorf("got %+v, want validated %v and how", out.Checksum, c.validated)
			}
		})
	}
}

func TestDownloadConditions(t *testing.T) {
	r := newRig(t)
	etag := r.Put(bucket, "k", content(10), nil)
	j := downloadJob("k", body.ToWriter(io.Discard))
	j.Calls.(driver.InputMap)[s3api.GetObject].(*s3.GetObjectInput).IfNoneMatch = &etag
	_, err := r.driver.Transfer(t.Context(), j, &events{})
	if err == nil || !strings.Contains(err.Error(), "304") {
		t.Errorf("got error %v, want a 304", err)
	}
	_, err = r.driver.Transfer(t.Context(), downloadJob("missing", body.ToWriter(io.Discard)), &events{})
	if missing := (*types.NoSuchKey)(nil); !errors.As(err, &missing) {
		t.Errorf("got error %v, want NoSuchKey", err)
	}
}
