package haul_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/s3api"
)

const lambdaARN = "arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/banner"

func TestBadUploadsAreRefusedAtOnce(t *testing.T) {
	bytesSource := haul.FromBytes(nil)
	cases := map[string]struct {
		src  haul.Source
		in   func(*s3.PutObjectInput)
		opts []haul.TransferOption
		want string
	}{
		"no-bucket":       {src: bytesSource, in: func(in *s3.PutObjectInput) { in.Bucket = nil }, want: "bucket is missing"},
		"empty-bucket":    {src: bytesSource, in: func(in *s3.PutObjectInput) { in.Bucket = aws.String("") }, want: "bucket is missing"},
		"no-key":          {src: bytesSource, in: func(in *s3.PutObjectInput) { in.Key = nil }, want: "key is missing"},
		"long-key":        {src: bytesSource, in: func(in *s3.PutObjectInput) { in.Key = aws.String(strings.Repeat("ü", 513)) }, want: "1026 bytes"},
		"object-lambda":   {src: bytesSource, in: func(in *s3.PutObjectInput) { in.Bucket = aws.String(lambdaARN) }, want: "Object Lambda"},
		"body":            {src: bytesSource, in: func(in *s3.PutObjectInput) { in.Body = strings.NewReader("") }, want: "PutObjectInput.Body is set"},
		"algorithm":       {src: bytesSource, in: func(in *s3.PutObjectInput) { in.ChecksumAlgorithm = "CRC17" }, want: `"CRC17"`},
		"two-checksums":   {src: bytesSource, in: func(in *s3.PutObjectInput) { in.ChecksumCRC32, in.ChecksumSHA1 = aws.String("x"), aws.String("x") }, want: "both "},
		"checksum-value":  {src: bytesSource, in: func(in *s3.PutObjectInput) { in.ChecksumCRC32 = aws.String("x") }, want: "ChecksumCRC32"},
		"checksum-other":  {src: bytesSource, in: func(in *s3.PutObjectInput) { in.ChecksumAlgorithm, in.ChecksumCRC32 = "SHA1", aws.String("AAAAAA==") }, want: "SHA1"},
		"content-length":  {src: bytesSource, in: func(in *s3.PutObjectInput) { in.ContentLength = aws.Int64(-1) }, want: "ContentLength is -1"},
		"nil-source":      {want: "source is nil"},
		"nil-reader":      {src: haul.FromReader(nil), want: "nil io.Reader"},
		"negative-size":   {src: haul.FromReaderAt(bytes.NewReader(nil), -1), want: "-1 bytes"},
		"too-large":       {src: haul.FromReaderAt(bytes.NewReader(nil), s3api.MaxObjectSize+1), want: "48.8 TiB"},
		"directory":       {src: haul.FromFile(t.TempDir()), want: "is a directory"},
		"no-file":         {src: haul.FromFile(filepath.Join(t.TempDir(), "none")), want: "none"},
		"small-parts":     {src: bytesSource, opts: []haul.TransferOption{haul.WithPartSize(5<<20 - 1)}, want: "5 MiB"},
		"negative-parts":  {src: bytesSource, opts: []haul.TransferOption{haul.WithPartSize(-1)}, want: "-1 bytes"},
		"zero-parts":      {src: bytesSource, opts: []haul.TransferOption{haul.WithPartSize(0)}, want: "0 bytes"},
		"large-parts":     {src: bytesSource, opts: []haul.TransferOption{haul.WithPartSize(5<<30 + 1)}, want: "5 GiB"},
		"no-concurrency":  {src: bytesSource, opts: []haul.TransferOption{haul.WithConcurrency(0)}, want: "concurrency is 0"},
		"resume":          {src: bytesSource, opts: []haul.TransferOption{haul.WithResume("dir")}, want: "resume needs haul's engine"},
		"source-client":   {src: bytesSource, opts: []haul.TransferOption{haul.WithSourceClient(new(s3.Client))}, want: "for Copy only"},
		"several-at-once": {src: bytesSource, in: func(in *s3.PutObjectInput) { in.Bucket, in.Key = nil, nil }, want: "bucket is missing\nkey is missing"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := &fakeDriver{}
			m := newManager(t, d)
			defer shutdown(t, m)
			in := put()
			if c.in != nil {
				c.in(in)
			}
			f, err := m.Upload(t.Context(), c.src, in, c.opts...)
			if f != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("Upload: got future %v, error %v, want an error with %q", f != nil, err, c.want)
			}
			wantErr(t, "Upload", err, err)
			if d.started.Load() != 0 {
				t.Error("driver: got a job, want none")
			}
		})
	}
	m := newManager(t, &fakeDriver{})
	if _, err := m.Upload(t.Context(), bytesSource, nil); err == nil {
		t.Error("Upload(nil): got nil, want an error")
	}
}

func TestBadDownloadsAreRefusedAtOnce(t *testing.T) {
	sink := haul.ToWriter(io.Discard)
	cases := map[string]struct {
		dst  haul.Sink
		in   func(*s3.GetObjectInput)
		want string
	}{
		"no-key":        {dst: sink, in: func(in *s3.GetObjectInput) { in.Key = nil }, want: "key is missing"},
		"object-lambda": {dst: sink, in: func(in *s3.GetObjectInput) { in.Bucket = aws.String(lambdaARN) }, want: "Object Lambda"},
		"range":         {dst: sink, in: func(in *s3.GetObjectInput) { in.Range = aws.String("bytes=1-2,4-5") }, want: "several ranges"},
		"range-and-part": {dst: sink, in: func(in *s3.GetObjectInput) {
			in.Range, in.PartNumber = aws.String("bytes=0-"), aws.Int32(1)
		}, want: "both "},
		"part-number": {dst: sink, in: func(in *s3.GetObjectInput) { in.PartNumber = aws.Int32(0) }, want: "PartNumber is 0"},
		"nil-sink":    {want: "sink is nil"},
		"nil-writer":  {dst: haul.ToWriter(nil), want: "nil io.Writer"},
		"nil-at":      {dst: haul.ToWriterAt(nil), want: "nil io.WriterAt"},
		"directory":   {dst: haul.ToFile(t.TempDir()), want: "is a directory"},
		"no-folder":   {dst: haul.ToFile(filepath.Join(t.TempDir(), "none", "file")), want: "none"},
		"no-path":     {dst: haul.ToFile(""), want: "empty"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, &fakeDriver{})
			defer shutdown(t, m)
			in := get()
			if c.in != nil {
				c.in(in)
			}
			f, err := m.Download(t.Context(), in, c.dst)
			if f != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("Download: got future %v, error %v, want an error with %q", f != nil, err, c.want)
			}
		})
	}
}

func TestBadCopiesAndDeletesAreRefusedAtOnce(t *testing.T) {
	m := newManager(t, &fakeDriver{})
	defer shutdown(t, m)
	in := copyInput()
	in.CopySource = nil
	if _, err := m.Copy(t.Context(), in); err == nil || !strings.Contains(err.Error(), "CopySource is missing") {
		t.Errorf("Copy: got %v, want an error that names CopySource", err)
	}
	if _, err := m.Copy(t.Context(), nil); err == nil {
		t.Error("Copy(nil): got nil, want an error")
	}
	if _, err := m.Delete(t.Context(), &s3.DeleteObjectInput{}); err == nil || !strings.Contains(err.Error(), "bucket is missing") {
		t.Errorf("Delete: got %v, want an error that names the bucket", err)
	}
	if _, err := m.Delete(t.Context(), nil); err == nil {
		t.Error("Delete(nil): got nil, want an error")
	}
}

func TestHookMayMakeTheFolder(t *testing.T) {
	d := &fakeDriver{}
	m := newManager(t, d)
	defer shutdown(t, m)
	dir := filepath.Join(t.TempDir(), "new")
	mkdir := haul.SubscriberFuncs{Queued: func(*haul.Future) error { return os.Mkdir(dir, 0o777) }}
	if _, err := haul.Wait(m.Download(t.Context(), get(), haul.ToFile(filepath.Join(dir, "f")), haul.WithSubscribers(mkdir))); err != nil {
		t.Errorf("Download: got %v, want success", err)
	}
	gone := filepath.Join(dir, "gone", "f")
	_, err := haul.Wait(m.Download(t.Context(), get(), haul.ToFile(gone), haul.WithSubscribers(haul.NopSubscriber{})))
	wantErr(t, "Download without a folder", err, fs.ErrNotExist)
	if d.started.Load() != 1 {
		t.Errorf("driver: got %d jobs, want 1", d.started.Load())
	}
}

func TestHookMayNotBreakTheInput(t *testing.T) {
	m := newManager(t, &fakeDriver{})
	defer shutdown(t, m)
	spoil := haul.SubscriberFuncs{Queued: func(f *haul.Future) error {
		f.Meta().Input().(*s3.PutObjectInput).ChecksumAlgorithm = "CRC17"
		return nil
	}}
	_, err := haul.Wait(m.Upload(t.Context(), haul.FromBytes(nil), put(), haul.WithSubscribers(spoil)))
	if err == nil || !strings.Contains(err.Error(), "CRC17") {
		t.Errorf("Upload: got %v, want an error that names CRC17", err)
	}
}

func TestJobsHaveTheOptions(t *testing.T) {
	d := &fakeDriver{}
	m := newManager(t, d, func(o *haul.Options) { o.PartSize, o.Concurrency, o.MaxAttempts = 6<<20, 3, 2 })
	defer shutdown(t, m)
	f, err := m.Upload(t.Context(), haul.FromBytes(nil), put())
	j := job(t, d, f, err)
	if j.PartSize != 6<<20 || j.Threshold != 6<<20 || j.Concurrency != 3 || j.Retry.MaxAttempts != 2 || j.LeaveParts || j.Size != -1 {
		t.Errorf("job: got %+v, want the Manager's options", j)
	}
	if j.Checksum.Algorithm != "CRC64NVME" || j.Checksum.Type != "FULL_OBJECT" || j.Checksum.Chosen {
		t.Errorf("checksum: got %+v, want CRC64NVME, not chosen", j.Checksum)
	}
	in := put()
	in.ChecksumAlgorithm, in.ContentLength = "sha256", aws.Int64(5)
	f, err = m.Upload(t.Context(), haul.FromReader(strings.NewReader("")), in,
		haul.WithPartSize(7<<20), haul.WithConcurrency(9), haul.WithLeavePartsOnError())
	j = job(t, d, f, err)
	if j.PartSize != 7<<20 || j.Threshold != 7<<20 || j.Concurrency != 9 || !j.LeaveParts || j.Size != 5 {
		t.Errorf("job: got %+v, want the transfer's options", j)
	}
	if j.Checksum.Algorithm != "SHA256" || j.Checksum.Type != "COMPOSITE" || !j.Checksum.Chosen {
		t.Errorf("checksum: got %+v, want SHA256, chosen, COMPOSITE", j.Checksum)
	}
}

func TestOneRequestUploadsThatNeedASize(t *testing.T) {
	m := newManager(t, &fakeDriver{})
	defer shutdown(t, m)
	in := put()
	in.ContentMD5 = aws.String("1B2M2Y8AsgTpgAmY7PhCfg==")
	_, err := haul.Wait(m.Upload(t.Context(), haul.FromReader(io.MultiReader()), in))
	if err == nil || !strings.Contains(err.Error(), "ContentLength") {
		t.Errorf("ContentMD5 of a stream: got %v, want an error that names ContentLength", err)
	}
}

// failingFS has a file layer that fails.
type failingFS struct {
	haul.OSFS
	err error
}

func (f failingFS) Stat(string) (fs.FileInfo, error)    { return nil, f.err }
func (f failingFS) Open(string) (haul.File, error)      { return nil, f.err }
func (f failingFS) Resolve(name string) (string, error) { return name, nil }

func TestFilesGoThroughFS(t *testing.T) {
	broken := errors.New("no disk")
	m := newManager(t, &fakeDriver{}, func(o *haul.Options) { o.FS = failingFS{err: broken} })
	defer shutdown(t, m)
	_, err := m.UploadFile(t.Context(), "file", "b", "k")
	wantErr(t, "UploadFile", err, broken)
	_, err = m.DownloadFile(t.Context(), "b", "k", "file")
	wantErr(t, "DownloadFile", err, broken)
}
