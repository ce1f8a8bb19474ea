// Package crashfs is a file layer in memory for tests that forgets, at a loss of
// power, what was not synced: bytes of files until File.Sync, names until
// FS.SyncDir, as POSIX allows.
package crashfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"sync"
	"time"

	"github.com/haul-s3/haul/internal/body"
)

// ErrPower is the error of every call after the power went.
var ErrPower = errors.New("the power has gone")

// FS is a body.FS. It is safe for concurrent use.
type FS struct {
	mu      sync.Mutex
	folders map[string]bool   // immutable
	names   map[string]*inode // guarded by mu: as programs see them
	durable map[string]*inode // guarded by mu: as a loss of power leaves them
	changes []change          // guarded by mu: of names, since the last SyncDir
	serial  int               // guarded by mu
	boot    int               // guarded by mu: files opened before are dead
	off     bool              // guarded by mu
	syncs   int               // guarded by mu
	stopAt  int               // guarded by mu
}

// inode is a file. Its fields are guarded by FS.mu.
type inode struct {
	data, durable []byte
	writes        []write // since the last Sync
	mode          fs.FileMode
	modified      time.Time
}

// write is one write, or, where data is nil, a truncation to off.
type write struct {
	data []byte
	off  int64
}

// change gives a name to a file, or takes it away where node is nil.
type change struct {
	name string
	node *inode
}

var _ body.FS = (*FS)(nil)

// New returns a file layer with these folders.
func New(folders ...string) *FS {
	f := &FS{folders: map[string]bool{}, names: map[string]*inode{}, durable: map[string]*inode{}}
	for _, d := range folders {
		f.folders[d] = true
	}
	return f
}

// WriteFile makes a file that outlives everything.
func (f *FS) WriteFile(name string, data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serial++
	node := &inode{data: data, durable: data, mode: 0o644, modified: time.Unix(int64(f.serial), 0)}
	f.names[name], f.durable[name] = node, node
}

// ReadFile returns the bytes of a file, as programs see them.
func (f *FS) ReadFile(name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	node := f.names[name]
	if node == nil {
		return nil, missing("open", name)
	}
	return append([]byte(nil), node.data...), nil
}

// Names are the files there are, as programs see them.
func (f *FS) Names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for name := range f.names {
		all = append(all, name)
	}
	return all
}

// StopAt makes the power go instead of the n-th sync from now on, of a file or
// a folder.
func (f *FS) StopAt(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.syncs, f.stopAt = 0, n
}

// Stopped says whether the power has gone.
func (f *FS) Stopped() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.off
}

// Restart takes the power away, if it is there, and gives it back. What was not
// synced is gone, but for those writes and names that keep says survive; nil:
// none.
func (f *FS) Restart(keep func() bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if keep == nil {
		keep = func() bool { return false }
	}
	for _, c := range f.changes {
		if keep() {
			set(f.durable, c)
		}
	}
	f.names, f.changes = maps.Clone(f.durable), nil
	for _, node := range f.names {
		node.data = append([]byte(nil), node.durable...)
		for _, w := range node.writes {
			if keep() {
				node.data = w.apply(node.data)
			}
		}
		node.durable, node.writes = append([]byte(nil), node.data...), nil
	}
	f.off, f.stopAt = false, 0
	f.boot++
}

func set(names map[string]*inode, c change) {
	if c.node == nil {
		delete(names, c.name)
	} else {
		names[c.name] = c.node
	}
}

func (w write) apply(data []byte) []byte {
	end := w.off + int64(len(w.data))
	if w.data == nil && end < int64(len(data)) {
		return data[:end:end]
	}
	if end > int64(len(data)) {
		data = append(data, make([]byte, end-int64(len(data)))...)
	}
	copy(data[w.off:], w.data)
	return data
}

// nameLocked changes what a name stands for.
func (f *FS) nameLocked(name string, node *inode) {
	c := change{name, node}
	set(f.names, c)
	f.changes = append(f.changes, c)
}

func missing(op, name string) error { return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist} }

// handle locks and opens a file; create makes it.
func (f *FS) handle(name string, create fs.FileMode) (body.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.off {
		return nil, ErrPower
	}
	node := f.names[name]
	if node == nil {
		if create == 0 || !f.folders[filepath.Dir(name)] {
			return nil, missing("open", name)
		}
		f.serial++
		node = &inode{mode: create, modified: time.Unix(int64(f.serial), 0)}
		f.nameLocked(name, node)
	}
	return &file{fs: f, node: node, name: name, boot: f.boot}, nil
}

// Open opens a file.
func (f *FS) Open(name string) (body.File, error) { return f.handle(name, 0) }

// OpenWrite opens a file.
func (f *FS) OpenWrite(name string) (body.File, error) { return f.handle(name, 0) }

// OpenKept opens a file, and makes it if create says so.
func (f *FS) OpenKept(name string, create bool) (body.File, error) {
	if create {
		return f.handle(name, 0o600)
	}
	return f.handle(name, 0)
}

// CreateTemp makes a file with a new name.
func (f *FS) CreateTemp(dir, prefix string) (body.File, error) {
	f.mu.Lock()
	f.serial++
	name := filepath.Join(dir, fmt.Sprintf("%s.%08x", prefix, f.serial))
	f.mu.Unlock()
	return f.handle(name, 0o644)
}

// Rename gives a file another name.
func (f *FS) Rename(oldname, newname string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.off:
		return ErrPower
	case f.names[oldname] == nil:
		return missing("rename", oldname)
	}
	f.nameLocked(newname, f.names[oldname])
	f.nameLocked(oldname, nil)
	return nil
}

// Remove takes a file's name away.
func (f *FS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.off:
		return ErrPower
	case f.names[name] == nil:
		return missing("remove", name)
	}
	f.nameLocked(name, nil)
	return nil
}

// Chtimes sets a file's modification time.
func (f *FS) Chtimes(name string, modified time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.off {
		return ErrPower
	}
	if f.names[name] == nil {
		return missing("chtimes", name)
	}
	f.names[name].modified = modified
	return nil
}

// Stat describes a file or a folder.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch node := f.names[name]; {
	case f.off:
		return nil, ErrPower
	case f.folders[name]:
		return info{name: name, mode: fs.ModeDir | 0o755}, nil
	case node == nil:
		return nil, missing("stat", name)
	default:
		return node.infoLocked(name), nil
	}
}

// Resolve returns the name: there are no links.
func (f *FS) Resolve(name string) (string, error) { return name, nil }

// SyncDir makes all names last.
func (f *FS) SyncDir(string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.syncLocked(); err != nil {
		return err
	}
	for _, c := range f.changes {
		set(f.durable, c)
	}
	f.changes = nil
	return nil
}

// syncLocked counts a sync, and ends the power where the test wants that.
func (f *FS) syncLocked() error {
	if f.syncs++; f.syncs == f.stopAt {
		f.off = true
	}
	if f.off {
		return ErrPower
	}
	return nil
}

func (n *inode) infoLocked(name string) info {
	return info{name: filepath.Base(name), size: int64(len(n.data)), mode: n.mode, modified: n.modified}
}

// info is a fs.FileInfo.
type info struct {
	name     string
	size     int64
	mode     fs.FileMode
	modified time.Time
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return i.modified }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }

// file is an open file.
type file struct {
	fs   *FS
	node *inode
	name string
	boot int
	pos  int64 // guarded by fs.mu
}

// use locks the layer for one call, and says whether the file can be used.
func (h *file) use() (done func(), err error) {
	h.fs.mu.Lock()
	if h.fs.off || h.fs.boot != h.boot {
		err = ErrPower
	}
	return h.fs.mu.Unlock, err
}

func (h *file) Name() string { return h.name }

func (h *file) ReadAt(p []byte, off int64) (int, error) {
	done, err := h.use()
	defer done()
	if err != nil {
		return 0, err
	}
	return h.readLocked(p, off)
}

func (h *file) readLocked(p []byte, off int64) (int, error) {
	if off >= int64(len(h.node.data)) {
		return 0, io.EOF
	}
	n := copy(p, h.node.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (h *file) Read(p []byte) (int, error) {
	done, err := h.use()
	defer done()
	if err != nil {
		return 0, err
	}
	n, err := h.readLocked(p, h.pos)
	h.pos += int64(n)
	return n, err
}

func (h *file) changeLocked(w write) {
	h.node.data = w.apply(h.node.data)
	h.node.writes = append(h.node.writes, w)
}

func (h *file) WriteAt(p []byte, off int64) (int, error) {
	done, err := h.use()
	defer done()
	if err != nil {
		return 0, err
	}
	if len(p) > 0 {
		h.changeLocked(write{append([]byte(nil), p...), off})
	}
	return len(p), nil
}

func (h *file) Write(p []byte) (int, error) {
	n, err := h.WriteAt(p, h.pos)
	h.pos += int64(n)
	return n, err
}

func (h *file) Truncate(size int64) error {
	done, err := h.use()
	defer done()
	if err == nil {
		h.changeLocked(write{nil, size})
	}
	return err
}

func (h *file) Sync() error {
	done, err := h.use()
	defer done()
	if err == nil {
		err = h.fs.syncLocked()
	}
	if err == nil {
		h.node.durable, h.node.writes = append([]byte(nil), h.node.data...), nil
	}
	return err
}

func (h *file) Stat() (fs.FileInfo, error) {
	done, err := h.use()
	defer done()
	return h.node.infoLocked(h.name), err
}

func (h *file) Chmod(mode fs.FileMode) error {
	done, err := h.use()
	defer done()
	h.node.mode = mode
	return err
}

func (h *file) Close() error { return nil }
