package faulttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/s3api"
)

var errFile = errors.New("the file layer failed on purpose")

// failingFS is the system's file layer, whose n-th call fails.
type failingFS struct {
	haul.OSFS
	mu     sync.Mutex
	left   int    // calls until the one that fails; guarded by mu
	failed string // the call that has failed; guarded by mu
}

// call counts a call, and fails if it is its turn.
func (f *failingFS) call(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left--; f.left != 0 {
		return nil
	}
	f.failed = name
	return fmt.Errorf("%s: %w", name, errFile)
}

func (f *failingFS) open(name string, open func() (haul.File, error)) (haul.File, error) {
	if err := f.call(name); err != nil {
		return nil, err
	}
	file, err := open()
	if err != nil {
		return nil, err
	}
	return &failingFile{file, f}, nil
}

func (f *failingFS) Open(name string) (haul.File, error) {
	return f.open("Open", func() (haul.File, error) { return f.OSFS.Open(name) })
}

func (f *failingFS) CreateTemp(dir, prefix string) (haul.File, error) {
	return f.open("CreateTemp", func() (haul.File, error) { return f.OSFS.CreateTemp(dir, prefix) })
}

func (f *failingFS) Rename(from, to string) error {
	if err := f.call("Rename"); err != nil {
		return err
	}
	return f.OSFS.Rename(from, to)
}

func (f *failingFS) Remove(name string) error {
	if err := f.call("Remove"); err != nil {
		return err
	}
	return f.OSFS.Remove(name)
}

func (f *failingFS) Chtimes(name string, modified time.Time) error {
	if err := f.call("Chtimes"); err != nil {
		return err
	}
	return f.OSFS.Chtimes(name, modified)
}

func (f *failingFS) Stat(name string) (fs.FileInfo, error) {
	if err := f.call("Stat"); err != nil {
		return nil, err
	}
	return f.OSFS.Stat(name)
}

func (f *failingFS) Resolve(name string) (string, error) {
	if err := f.call("Resolve"); err != nil {
		return "", err
	}
	return f.OSFS.Resolve(name)
}

func (f *failingFS) SyncDir(dir string) error {
	if err := f.call("SyncDir"); err != nil {
		return err
	}
	return f.OSFS.SyncDir(dir)
}

type failingFile struct {
	haul.File
	fs *failingFS
}

func (f *failingFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.fs.call("ReadAt"); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

// WriteAt writes a half before it fails, as a full disk would have it.
func (f *failingFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.fs.call("WriteAt"); err != nil {
		n, _ := f.File.WriteAt(p[:len(p)/2], off) // there is an error already
		return n, err
	}
	return f.File.WriteAt(p, off)
}

func (f *failingFile) Stat() (fs.FileInfo, error) {
	if err := f.fs.call("File.Stat"); err != nil {
		return nil, err
	}
	return f.File.Stat()
}

func (f *failingFile) Sync() error {
	if err := f.fs.call("Sync"); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *failingFile) Truncate(size int64) error {
	if err := f.fs.call("Truncate"); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *failingFile) Chmod(mode fs.FileMode) error {
	if err := f.fs.call("Chmod"); err != nil {
		return err
	}
	return f.File.Chmod(mode)
}

// Close closes the file in any case, as the system does.
func (f *failingFile) Close() error {
	err := f.fs.call("Close")
	return errors.Join(err, f.File.Close())
}

// fileTransfer is a transfer that reads or writes a file.
type fileTransfer struct {
	name  string
	begin func(ctx context.Context, s *stage) (*haul.Future, error)
	want  []byte
	up    bool
}

var fileTransfers = []fileTransfer{
	{"upload", upload("small"), smallData, true},
	{"upload-parts", upload("big"), bigData, true},
	{"download", download, smallData, false},
}

func upload(name string) func(ctx context.Context, s *stage) (*haul.Future, error) {
	return func(ctx context.Context, s *stage) (*haul.Future, error) {
		path := sourceFile
		if name == "small" {
			path = filepath.Join(s.dir, "source")
			if err := os.WriteFile(path, smallData, 0o666); err != nil {
				return nil, err
			}
		}
		return s.manager.Upload(ctx, haul.FromFile(path), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("target")})
	}
}

// download gets the object in three pieces over an older file.
func download(ctx context.Context, s *stage) (*haul.Future, error) {
	path := filepath.Join(s.dir, "target")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		return nil, err
	}
	in := &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("small")}
	return s.manager.Download(ctx, in, haul.ToFile(path))
}

// fileCallsMax is more file calls than any of the transfers makes.
const fileCallsMax = 1000

// TestNthFileCall makes the first file call of a transfer fail, then the second,
// and so on until the transfer passes.
func TestNthFileCall(t *testing.T) {
	for _, driver := range drivers {
		for _, transfer := range fileTransfers {
			t.Run(driver+"/"+transfer.name, func(t *testing.T) {
				if testing.Short() && transfer.name == "upload-parts" {
					t.Skip("takes more than a second")
				}
				t.Parallel()
				failing := &failingFS{}
				s := newStage(t, setup{driver: driver, options: []func(*haul.Options){func(o *haul.Options) {
					o.FS, o.Durable = failing, true
					if !transfer.up {
						o.PartSize, o.MultipartThreshold = piece, piece
					} else {
						o.PartSize = s3api.MinPartSize
					}
				}}})
				for n := 1; failNth(t, s, transfer, failing, n); n++ {
					if n == fileCallsMax {
						t.Fatalf("the transfer made %d file calls and more", n)
					}
				}
			})
		}
	}
}

// failNth runs a transfer whose n-th file call fails, and says whether it had so
// many.
func failNth(t *testing.T, s *stage, transfer fileTransfer, failing *failingFS, n int) bool {
	t.Helper()
	failing.mu.Lock()
	failing.left, failing.failed = n, ""
	failing.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := haul.Wait(transfer.begin(ctx, s))
	failing.mu.Lock()
	call := failing.failed
	failing.mu.Unlock()
	what := fmt.Sprintf("call %d, %s", n, call)
	switch {
	case call == "" && err != nil:
		t.Errorf("without a fault: %v", err)
	case call != "" && err != nil && !errors.Is(err, errFile):
		t.Errorf("%s: got %v, want %v", what, err, errFile)
	case call != "" && err == nil && !dispensable[call]:
		t.Errorf("%s: got success, want %v", what, errFile)
	}
	s.afterFileCall(t, transfer, what, err)
	return call != ""
}

// dispensable are the calls without which a transfer succeeds: a source's name
// may go, as the open file is whole.
var dispensable = map[string]bool{"Stat": true}

// afterFileCall looks that a transfer has ended as its error says.
func (s *stage) afterFileCall(t *testing.T, transfer fileTransfer, what string, err error) {
	t.Helper()
	if n := len(s.fake.Uploads()); n > 0 {
		t.Errorf("%s: %d uploads are left open", what, n)
	}
	for _, name := range s.files() {
		if name != "target" && name != "source" {
			t.Errorf("%s: %s is left in the folder", what, name)
		}
	}
	if transfer.up {
		if err == nil && !stored(transfer.want)(s) {
			t.Errorf("%s: the object is not what was uploaded", what)
		}
		return
	}
	want := transfer.want
	if err != nil && !strings.Contains(what, "SyncDir") { // it comes behind the rename, which can't be taken back
		want = []byte("old")
	}
	if got, rerr := os.ReadFile(filepath.Join(s.dir, "target")); rerr != nil || !bytes.Equal(got, want) {
		t.Errorf("%s (%v): got a target of %d bytes, %v, want %d", what, err, len(got), rerr, len(want))
	}
}
