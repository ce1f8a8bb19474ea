//go:build linux

package soak

import (
	"bytes"
	"context"
	"io"
	"os"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/testbody"
)

func (w *worker) upload() {
	key, c := w.newKey(), w.newContent()
	source, clean, err := w.source(c)
	defer clean()
	if err != nil {
		w.broken("source: %v", err)
		return
	}
	ctx, cancel := w.context()
	defer cancel()
	result, err := haul.Wait(w.manager.Upload(ctx, source, put(key)))
	w.stored("upload", key, c, result, err)
}

func put(key string) *s3.PutObjectInput {
	return &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key}
}

func get(key string) *s3.GetObjectInput {
	return &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key}
}

// source is one of the kinds.
func (w *worker) source(c content) (s haul.Source, clean func(), err error) {
	body := testbody.NewReader(c.seed, c.size)
	switch w.rnd.IntN(4) {
	case 0:
		return haul.FromReaderAt(body, c.size), func() {}, nil
	case 1:
		return haul.FromReader(struct{ io.Reader }{body}), func() {}, nil
	case 2:
		return haul.FromBytes(testbody.Bytes(c.seed, int(c.size))), func() {}, nil
	}
	path, clean, err := w.file(c)
	return haul.FromFile(path), clean, err
}

// file is one with a content.
func (w *worker) file(c content) (path string, clean func(), err error) {
	path = w.path("source")
	clean = func() { _ = os.Remove(path) } // what is left is found afterwards
	f, err := os.Create(path)
	if err != nil {
		return path, clean, err
	}
	_, err = io.Copy(f, testbody.NewReader(c.seed, c.size))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return path, clean, err
}

// memoryAt is memory that is written by position.
type memoryAt struct {
	mu sync.Mutex
	b  []byte // guarded by mu
}

func (m *memoryAt) WriteAt(p []byte, off int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if missing := int(off) + len(p) - len(m.b); missing > 0 {
		m.b = append(m.b, make([]byte, missing)...)
	}
	return copy(m.b[off:], p), nil
}

func (w *worker) download() {
	key := w.anyKey()
	if key == "" {
		return
	}
	ctx, cancel := w.context()
	defer cancel()
	var got func() ([]byte, error)
	var sink haul.Sink
	path := w.path("target")
	switch w.rnd.IntN(3) {
	case 0:
		sink, got = haul.ToFile(path), func() ([]byte, error) { return os.ReadFile(path) }
	case 1:
		m := &memoryAt{}
		sink, got = haul.ToWriterAt(m), func() ([]byte, error) { return m.b, nil }
	default:
		var b bytes.Buffer
		sink, got = haul.ToWriter(&b), func() ([]byte, error) { return b.Bytes(), nil }
	}
	result, err := haul.Wait(w.manager.Download(ctx, get(key), sink))
	w.fetched("download", key, result, err, got)
	_ = os.Remove(path) // only a download to a file has made it
}

// fetched takes account of a download's end.
func (w *worker) fetched(kind, key string, result *haul.Result, err error, got func() ([]byte, error)) {
	if !w.done(kind, result, err) {
		return
	}
	b, err := got()
	if err != nil {
		w.broken("what was downloaded: %v", err)
		return
	}
	if why := w.objects[key].differs(b); why != "" {
		w.mismatch("%s of key %q, %d bytes, %s: %s", kind, key, w.objects[key].size, result.Checksum.How, why)
	}
}

func (w *worker) copy() {
	from, key := w.anyKey(), w.newKey()
	if from == "" {
		return
	}
	ctx, cancel := w.context()
	defer cancel()
	in := &s3.CopyObjectInput{Bucket: aws.String(bucket), Key: &key, CopySource: aws.String(copySource(from))}
	result, err := haul.Wait(w.manager.Copy(ctx, in))
	w.stored("copy", key, w.objects[from], result, err)
}

func (w *worker) remove() {
	key := w.anyKey()
	if key == "" {
		return
	}
	ctx, cancel := w.context()
	defer cancel()
	result, err := haul.Wait(w.manager.Delete(ctx, &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: &key}))
	if w.done("delete", result, err) {
		if _, there, err := w.read(key); err != nil || there {
			w.mismatch("delete of key %q: the object is there, or %v", key, err)
		}
		delete(w.objects, key)
		return
	}
	w.discard(key) // a request on its way may yet do it
}

// resumeMax is after how many times a transfer that is taken up isn't cancelled
// any more.
const resumeMax = 12

// resumed begins a transfer again and again with one journal, until it is done.
// The first attempts may be cancelled.
func (w *worker) resumed(kind string, begin func(ctx context.Context, opt haul.TransferOption) (*haul.Result, error)) (*haul.Result, error) {
	journals := w.path("journals")
	if err := os.Mkdir(journals, 0o700); err != nil {
		w.broken("folder of journals: %v", err)
	}
	defer func() {
		if entries, err := os.ReadDir(journals); err != nil || len(entries) > 0 {
			w.broken("%s is done, and the folder of journals has %v, %v", kind, entries, err)
		}
		_ = os.RemoveAll(journals)
	}()
	for i := 1; ; i++ {
		ctx, cancel := w.context()
		if i > resumeMax {
			ctx, cancel = context.WithCancel(context.Background())
		}
		result, err := begin(ctx, haul.WithResume(journals))
		cancel()
		if err == nil || i == 4*resumeMax {
			return result, err
		}
		w.done(kind, nil, err)
	}
}

func (w *worker) resumedUpload() {
	if w.classic {
		return
	}
	key, c := w.newKey(), w.newContent()
	path, clean, err := w.file(c)
	defer clean()
	if err != nil {
		w.broken("source: %v", err)
		return
	}
	result, err := w.resumed("resumed upload", func(ctx context.Context, opt haul.TransferOption) (*haul.Result, error) {
		return w.manager.UploadFile(ctx, path, bucket, key, opt)
	})
	w.stored("resumed upload", key, c, result, err)
}

func (w *worker) resumedDownload() {
	key := w.anyKey()
	if w.classic || key == "" {
		return
	}
	path := w.path("target")
	result, err := w.resumed("resumed download", func(ctx context.Context, opt haul.TransferOption) (*haul.Result, error) {
		return w.manager.DownloadFile(ctx, bucket, key, path, opt)
	})
	w.fetched("resumed download", key, result, err, func() ([]byte, error) { return os.ReadFile(path) })
	_ = os.Remove(path)
}
