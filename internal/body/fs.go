package body

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// FS is the file layer: every file call of haul goes through it, so that it can
// be replaced (s3transfer's osutil) and made to fail in tests. Names are those
// of the operating system. Implementations are safe for concurrent use.
type FS interface {
	// Open opens a file for reading.
	Open(name string) (File, error)
	// OpenWrite opens an existing special file (device, FIFO) for writing in
	// place, without creating or truncating it.
	OpenWrite(name string) (File, error)
	// CreateTemp creates a new file in dir, whose name begins with prefix (or,
	// where that is long, with its beginning), with the mode 0666 less the
	// umask, opened for writing and reading.
	CreateTemp(dir, prefix string) (File, error)
	// OpenKept opens a file that outlives a process, for reading and writing,
	// and makes it, with the mode 0600, where create says so and it is not
	// there. A symbolic link as last element is an error, not followed.
	OpenKept(name string, create bool) (File, error)
	// Rename replaces newname by oldname atomically where the system can.
	Rename(oldname, newname string) error
	// Remove removes a file.
	Remove(name string) error
	// Chtimes sets the modification time of a file.
	Chtimes(name string, modified time.Time) error
	// Stat follows symbolic links.
	Stat(name string) (fs.FileInfo, error)
	// Resolve follows the symbolic links of a name whose last element may not
	// exist, so that what a link points to is written, not the link. What is
	// written in place (a device, a FIFO) keeps its name.
	Resolve(name string) (string, error)
	// SyncDir makes a rename in dir durable; nothing to do where the system
	// doesn't know it.
	SyncDir(dir string) error
}

// File is an open file. Name is the name by which it can be renamed and removed.
// ReadAt and WriteAt are safe for concurrent use.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.WriterAt
	io.Closer
	Name() string
	Stat() (fs.FileInfo, error)
	Sync() error
	Truncate(size int64) error
	Chmod(mode fs.FileMode) error
}

// OS is the operating system's file layer.
type OS struct{}

// Open opens a file for reading.
func (OS) Open(name string) (File, error) { return file(os.Open(name)) }

// OpenWrite opens an existing special file for writing.
func (OS) OpenWrite(name string) (File, error) { return file(os.OpenFile(name, os.O_WRONLY, 0)) }

// CreateTemp creates a new file for writing.
func (OS) CreateTemp(dir, prefix string) (File, error) { return file(createTemp(dir, prefix)) }

// OpenKept opens a file that outlives a process.
func (OS) OpenKept(name string, create bool) (File, error) {
	flag := os.O_RDWR | noFollow
	if create {
		flag |= os.O_CREATE
	}
	return file(os.OpenFile(name, flag, 0o600))
}

// Rename renames a file.
func (OS) Rename(oldname, newname string) error { return os.Rename(oldname, newname) }

// Remove removes a file.
func (OS) Remove(name string) error { return os.Remove(name) }

// Chtimes sets the modification time and leaves the access time alone.
func (OS) Chtimes(name string, modified time.Time) error {
	return os.Chtimes(name, time.Time{}, modified)
}

// Stat follows symbolic links.
func (OS) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// SyncDir makes renames in dir durable.
func (OS) SyncDir(dir string) error { return syncDir(dir) }

// maxLinks is how many symbolic links are followed, as Linux does.
const maxLinks = 40

// Resolve follows symbolic links; what does not exist is taken as it is.
func (OS) Resolve(name string) (string, error) {
	resolved := name
	for range maxLinks {
		info, err := os.Lstat(resolved)
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			return resolved, nil // a missing file is created by its own name
		}
		if info, err = os.Stat(resolved); err == nil && !info.Mode().IsRegular() {
			return resolved, nil // /dev/stdout leads to "pipe:[7]", which is no name
		}
		target, err := os.Readlink(resolved)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(target) {
			// Not filepath.Join: it takes "link/.." for nothing, wherever the
			// link leads.
			dir, _ := filepath.Split(resolved)
			target = dir + target
		}
		resolved = target
	}
	return "", &fs.PathError{Op: "open", Path: name, Err: errTooManyLinks}
}

// folder is the folder that a name is in. Unlike filepath.Dir it takes nothing
// out of the name, so that it is right where a part of it is a symbolic link.
func folder(name string) string {
	dir, _ := filepath.Split(name)
	if dir == "" {
		return "."
	}
	for last := len(dir) - 1; last > len(filepath.VolumeName(dir)) && os.IsPathSeparator(dir[last]); last-- {
		dir = dir[:last]
	}
	return dir
}

// file keeps a nil *os.File from becoming a File that is not nil.
func file(f *os.File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}
