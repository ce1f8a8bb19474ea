package faulttest

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/haul-s3/haul"
)

// journalsName is the folder of the journals.
const journalsName = "journals"

var errFile = errors.New("the file layer failed on purpose")

// failingFS is the system's file layer, whose n-th call fails.
type failingFS struct {
	haul.OSFS
	mu     sync.Mutex
	left   int    // calls until the one that fails; guarded by mu
	failed string // the call that has failed; guarded by mu
}

// call counts a call that is about the file at path, and fails if it is its
// turn. A journal's calls are told from the others.
func (f *failingFS) call(name, path string) error {
	if strings.Contains(path, journalsName) {
		name += " of a journal"
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left--; f.left != 0 {
		return nil
	}
	f.failed = name
	return fmt.Errorf("%s: %w", name, errFile)
}

// failNext has the n-th call from now fail.
func (f *failingFS) failNext(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left, f.failed = n, ""
}

// called is the call that has failed since, "" if none has.
func (f *failingFS) called() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

func (f *failingFS) open(call, path string, open func() (haul.File, error)) (haul.File, error) {
	if err := f.call(call, path); err != nil {
		return nil, err
	}
	file, err := open()
	if err != nil {
		return nil, err
	}
	return &failingFile{file, f}, nil
}

func (f *failingFS) Open(name string) (haul.File, error) {
	return f.open("Open", name, func() (haul.File, error) { return f.OSFS.Open(name) })
}

func (f *failingFS) OpenWrite(name string) (haul.File, error) {
	return f.open("OpenWrite", name, func() (haul.File, error) { return f.OSFS.OpenWrite(name) })
}

func (f *failingFS) OpenKept(name string, create bool) (haul.File, error) {
	return f.open("OpenKept", name, func() (haul.File, error) { return f.OSFS.OpenKept(name, create) })
}

func (f *failingFS) CreateTemp(dir, prefix string) (haul.File, error) {
	return f.open("CreateTemp", dir, func() (haul.File, error) { return f.OSFS.CreateTemp(dir, prefix) })
}

func (f *failingFS) Rename(from, to string) error {
	if err := f.call("Rename", to); err != nil {
		return err
	}
	return f.OSFS.Rename(from, to)
}

func (f *failingFS) Remove(name string) error {
	if err := f.call("Remove", name); err != nil {
		return err
	}
	return f.OSFS.Remove(name)
}

func (f *failingFS) Chtimes(name string, modified time.Time) error {
	if err := f.call("Chtimes", name); err != nil {
		return err
	}
	return f.OSFS.Chtimes(name, modified)
}

func (f *failingFS) Stat(name string) (fs.FileInfo, error) {
	if err := f.call("Stat", name); err != nil {
		return nil, err
	}
	return f.OSFS.Stat(name)
}

func (f *failingFS) Resolve(name string) (string, error) {
	if err := f.call("Resolve", name); err != nil {
		return "", err
	}
	return f.OSFS.Resolve(name)
}

func (f *failingFS) SyncDir(dir string) error {
	if err := f.call("SyncDir", dir); err != nil {
		return err
	}
	return f.OSFS.SyncDir(dir)
}

type failingFile struct {
	haul.File
	fs *failingFS
}

func (f *failingFile) Read(p []byte) (int, error) {
	if err := f.fs.call("Read", f.Name()); err != nil {
		return 0, err
	}
	return f.File.Read(p)
}

// Write writes a half before it fails.
func (f *failingFile) Write(p []byte) (int, error) {
	if err := f.fs.call("Write", f.Name()); err != nil {
		n, _ := f.File.Write(p[:len(p)/2]) // there is an error already
		return n, err
	}
	return f.File.Write(p)
}

func (f *failingFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.fs.call("ReadAt", f.Name()); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

// WriteAt writes a half before it fails, as a full disk would have it.
func (f *failingFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.fs.call("WriteAt", f.Name()); err != nil {
		n, _ := f.File.WriteAt(p[:len(p)/2], off) // there is an error already
		return n, err
	}
	return f.File.WriteAt(p, off)
}

func (f *failingFile) Stat() (fs.FileInfo, error) {
	if err := f.fs.call("File.Stat", f.Name()); err != nil {
		return nil, err
	}
	return f.File.Stat()
}

func (f *failingFile) Sync() error {
	if err := f.fs.call("Sync", f.Name()); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *failingFile) Truncate(size int64) error {
	if err := f.fs.call("Truncate", f.Name()); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *failingFile) Chmod(mode fs.FileMode) error {
	if err := f.fs.call("Chmod", f.Name()); err != nil {
		return err
	}
	return f.File.Chmod(mode)
}

// Close closes the file in any case, as the system does.
func (f *failingFile) Close() error {
	err := f.fs.call("Close", f.Name())
	return errors.Join(err, f.File.Close())
}
