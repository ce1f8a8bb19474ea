package body_test

import (
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/haul-s3/haul/internal/body"
)

var errFault = errors.New("injected fault")

// faultFS is the system's file layer with a log of its calls, of which one can
// fail. A call that fails has no effect, except that a Close closes.
type faultFS struct {
	body.OS
	failAt int // which call fails, from 1; 0: none
	// short makes writes take one byte less, without an error.
	short bool

	mu    sync.Mutex
	calls []string // guarded by mu
}

func (f *faultFS) call(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls = append(f.calls, name); len(f.calls) == f.failAt {
		return errFault
	}
	return nil
}

func (f *faultFS) open(call string, open func() (body.File, error)) (body.File, error) {
	if err := f.call(call); err != nil {
		return nil, err
	}
	file, err := open()
	if err != nil {
		return nil, err
	}
	return &faultFile{file, f}, nil
}

func (f *faultFS) Open(name string) (body.File, error) {
	return f.open("open", func() (body.File, error) { return f.OS.Open(name) })
}

func (f *faultFS) OpenWrite(name string) (body.File, error) {
	return f.open("openwrite", func() (body.File, error) { return f.OS.OpenWrite(name) })
}

func (f *faultFS) CreateTemp(dir, prefix string) (body.File, error) {
	return f.open("createtemp", func() (body.File, error) { return f.OS.CreateTemp(dir, prefix) })
}

func (f *faultFS) Rename(oldname, newname string) error {
	if err := f.call("rename"); err != nil {
		return err
	}
	return f.OS.Rename(oldname, newname)
}

func (f *faultFS) Remove(name string) error {
	if err := f.call("remove"); err != nil {
		return err
	}
	return f.OS.Remove(name)
}

func (f *faultFS) Chtimes(name string, modified time.Time) error {
	if err := f.call("chtimes"); err != nil {
		return err
	}
	return f.OS.Chtimes(name, modified)
}

func (f *faultFS) Stat(name string) (fs.FileInfo, error) {
	if err := f.call("stat"); err != nil {
		return nil, err
	}
	return f.OS.Stat(name)
}

func (f *faultFS) Resolve(name string) (string, error) {
	if err := f.call("resolve"); err != nil {
		return "", err
	}
	return f.OS.Resolve(name)
}

func (f *faultFS) SyncDir(dir string) error {
	if err := f.call("syncdir"); err != nil {
		return err
	}
	return f.OS.SyncDir(dir)
}

type faultFile struct {
	body.File
	fs *faultFS
}

func (f *faultFile) Stat() (fs.FileInfo, error) {
	if err := f.fs.call("fstat"); err != nil {
		return nil, err
	}
	return f.File.Stat()
}

func (f *faultFile) Write(p []byte) (int, error) {
	if err := f.fs.call("write"); err != nil {
		return 0, err
	}
	return f.File.Write(f.shortened(p))
}

func (f *faultFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.fs.call("write"); err != nil {
		return 0, err
	}
	return f.File.WriteAt(f.shortened(p), off)
}

func (f *faultFile) shortened(p []byte) []byte {
	if f.fs.short {
		return p[:len(p)-1]
	}
	return p
}

func (f *faultFile) Sync() error {
	if err := f.fs.call("sync"); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *faultFile) Truncate(size int64) error {
	if err := f.fs.call("truncate"); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *faultFile) Chmod(mode fs.FileMode) error {
	if err := f.fs.call("chmod"); err != nil {
		return err
	}
	return f.File.Chmod(mode)
}

func (f *faultFile) Close() error {
	err := f.File.Close()
	if ferr := f.fs.call("close"); ferr != nil {
		return ferr
	}
	return err
}
