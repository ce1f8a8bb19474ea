//go:build linux

package scarcetest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/haul-s3/haul"
)

// fullDisk is a file layer whose n-th write finds no room.
type fullDisk struct {
	haul.OSFS
	left atomic.Int64
}

func (d *fullDisk) CreateTemp(dir, prefix string) (haul.File, error) {
	f, err := d.OSFS.CreateTemp(dir, prefix)
	if err != nil {
		return nil, err
	}
	return &fullFile{f, d}, nil
}

type fullFile struct {
	haul.File
	disk *fullDisk
}

func (f *fullFile) WriteAt(p []byte, off int64) (int, error) {
	if f.disk.left.Add(-1) == 0 {
		n, _ := f.File.WriteAt(p[:len(p)/2], off) // a full disk takes what it can
		return n, &fs.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
	}
	return f.File.WriteAt(p, off)
}

// TestDiskFull has each write of a download find no room, until all pass.
func TestDiskFull(t *testing.T) {
	s := newStore(t)
	disk := &fullDisk{}
	m := s.manager(t, inPieces, func(o *haul.Options) { o.FS = disk })
	path := oldFile(t, t.TempDir())
	for n := int64(1); ; n++ {
		disk.left.Store(n)
		err := fetch(t.Context(), m, "a", path)
		if err == nil && n > size/piece {
			break
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("write %d finds no room: got %v, want %v", n, err, syscall.ENOSPC)
		}
		wantOld(t, path)
	}
	if err := whole(path); err != nil {
		t.Error(err)
	}
}

// TestFullDevice writes to the device that is always full.
func TestFullDevice(t *testing.T) {
	m := newStore(t).manager(t, inPieces)
	if err := fetch(t.Context(), m, "a", "/dev/full"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want %v", err, syscall.ENOSPC)
	}
	if info, err := os.Stat("/dev/full"); err != nil || info.Mode().IsRegular() {
		t.Errorf("the device afterwards: got %v, %v, want it to be one", info, err)
	}
}

// smallFiles is a process whose files may have 512 KiB.
func smallFiles(endpoint string) error {
	limit := &syscall.Rlimit{Cur: 512 << 10, Max: 512 << 10}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, limit); err != nil {
		return err
	}
	m, err := newManager(endpoint, inPieces)
	if err != nil {
		return err
	}
	if err := fetch(context.Background(), m, "a", "target"); !errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("file of %d bytes: got %v, want %w", size, err, syscall.EFBIG)
	}
	// Without the preallocation it is a write that finds out.
	m, err = newManager(endpoint, inPieces, func(o *haul.Options) { o.FS = &sparse{} })
	if err != nil {
		return err
	}
	if err := fetch(context.Background(), m, "a", "target"); !errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("file of %d bytes, not preallocated: got %v, want %w", size, err, syscall.EFBIG)
	}
	return nil
}

// sparse is a file layer that keeps no room.
type sparse struct{ haul.OSFS }

func (d *sparse) CreateTemp(dir, prefix string) (haul.File, error) {
	f, err := d.OSFS.CreateTemp(dir, prefix)
	if err != nil {
		return nil, err
	}
	return sparseFile{f}, nil
}

type sparseFile struct{ haul.File }

func (sparseFile) Truncate(int64) error { return nil }

func TestFileSizeLimit(t *testing.T) {
	s := newStore(t)
	path := oldFile(t, t.TempDir())
	run(t, s.child("small-files", filepath.Dir(path), ""))
	wantOld(t, path)
}

// nobody is a user without rights on most systems.
const nobody = 65534

// asNobody is a process that may not write where it is.
func asNobody(endpoint string) error {
	if os.Getuid() == 0 {
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
			return err
		}
	}
	m, err := newManager(endpoint, inPieces)
	if err != nil {
		return err
	}
	if err := fetch(context.Background(), m, "a", "target"); !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("download into a folder that is read-only: got %v, want %w", err, fs.ErrPermission)
	}
	if _, err := m.UploadFile(context.Background(), "target", bucket, "up"); !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("upload of a file that may not be read: got %v, want %w", err, fs.ErrPermission)
	}
	return nil
}

func TestReadOnlyFolder(t *testing.T) {
	s := newStore(t)
	path := oldFile(t, t.TempDir())
	dir := filepath.Dir(path)
	for name, mode := range map[string]fs.FileMode{path: 0, dir: 0o555} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	run(t, s.child("nobody", dir, ""))
	for name, mode := range map[string]fs.FileMode{path: 0o600, dir: 0o755} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	wantOld(t, path)
	if keys := s.fake.Keys(bucket); len(keys) != len(bodies) {
		t.Errorf("objects: got %q, want those of the beginning", keys)
	}
}
