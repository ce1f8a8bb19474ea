// Package journal keeps, in a file, what a transfer has done, so that a later
// one can take it up where it broke off: in this process or another, after a
// cancel, a crash or a loss of power. It knows files and nothing of S3.
//
// A journal never says more than is so: a piece of a download is noted only
// when its bytes have been synced, and what can't be read whole is left out.
// Whoever takes a journal up still verifies what it says. It holds no
// credentials and no keys, and only its owner can read it.
package journal

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/haul-s3/haul/internal/body"
)

// How much may be noted between two syncs, whichever comes first.
const (
	batchBytes = 64 << 20
	batchTime  = 2 * time.Second
)

// maxFileBytes is the longest journal that is read: a million pieces take less.
const maxFileBytes = 256 << 20

// ErrInUse says that another transfer, in this process or another, has the
// journal.
var ErrInUse = errors.New("journal is in use by another transfer")

// RefusedError says that a file is not the journal that it should be. It is
// neither believed nor overwritten.
type RefusedError struct {
	Path string
	Why  string
}

// Error names the file, says what is wrong with it, and what to do.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("journal %s is refused: %s; remove it to begin afresh, or keep journals in another folder", e.Path, e.Why)
}

// Journal is the opened journal of one transfer, which has it alone. Mark may
// be called from several goroutines at once, all else from one.
type Journal struct {
	fs   body.FS
	path string
	id   ID

	// Header and Marks are what an earlier transfer has left; nil if there is
	// nothing. Begin makes them nil.
	Header *Header
	Marks  map[int]Mark // by index
	// Lost says that there was a journal, of which not even the beginning could
	// be read.
	Lost bool

	// SyncData makes the pieces' own bytes durable. It is called before pieces
	// are written down; nil: they are somebody else's to keep, and every piece
	// is written down at once. Set it before the first Mark.
	SyncData func() error
	// Batch is how many bytes may be noted between two syncs; 0: 64 MiB. Set it
	// before the first Mark.
	Batch int64

	io     sync.Mutex // held while the file is written and synced
	file   body.File  // guarded by io; nil if there is no file
	unlock func()     // guarded by io
	end    int64      // guarded by io: where the next record goes
	salt   salt       // guarded by io
	err    error      // guarded by io: the first one; nothing is written after it

	mu      sync.Mutex
	pending []Mark    // guarded by mu: not written yet
	bytes   int64     // guarded by mu: of the pieces noted since the last sync
	synced  time.Time // guarded by mu
}

// Open takes the journal of a transfer in the folder dir and reads it, if there
// is one; it creates nothing. It returns ErrInUse if another transfer has it,
// and a *RefusedError if it is not a journal, of another version, or of another
// object. A torn end is cut off. The caller ends it with Close or Remove.
func Open(fsys body.FS, dir string, id ID) (*Journal, error) {
	j := &Journal{fs: fsys, path: filepath.Join(dir, Name(id)), id: id, synced: time.Now()}
	switch err := j.take(false); {
	case errors.Is(err, fs.ErrNotExist):
		return j, nil
	case err != nil:
		return nil, err
	}
	if err := j.load(); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

// Path is the journal's file. It may not exist.
func (j *Journal) Path() string { return j.path }

// take opens and locks the file.
func (j *Journal) take(create bool) error {
	f, err := j.fs.OpenKept(j.path, create)
	if err != nil {
		return err
	}
	unlock, err := lock(j.path, f)
	if err == nil {
		if err = named(j.fs, j.path, f); err != nil {
			unlock()
		}
	}
	if err != nil {
		return errors.Join(fmt.Errorf("journal %s: %w", j.path, err), f.Close())
	}
	j.file, j.unlock = f, unlock
	return nil
}

// named says whether a file still has its name: the error is ErrInUse if its
// owner has removed it since it was opened. Infos that aren't the system's can't
// be compared.
func named(fsys body.FS, path string, f body.File) error {
	is, err := f.Stat()
	if err != nil {
		return err
	}
	at, err := fsys.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && os.SameFile(is, is) && !os.SameFile(is, at) {
		return ErrInUse
	}
	return err
}

func (j *Journal) load() error {
	b, err := read(j.path, j.file)
	if err != nil {
		return err
	}
	c, err := Load(b)
	if err != nil {
		return refused(j.path, err)
	}
	j.Header, j.Marks, j.Lost = c.Header, c.Marks, c.Header == nil
	if c.Header == nil {
		return nil
	}
	if why := c.Header.ID.differs(j.id); why != "" {
		return &RefusedError{j.path, why}
	}
	j.end, j.salt = c.Valid, c.salt
	return j.file.Truncate(c.Valid)
}

func refused(path string, err error) error {
	if why := (*formatError)(nil); errors.As(err, &why) {
		return &RefusedError{path, why.Error()}
	}
	return err
}

func read(path string, f body.File) ([]byte, error) {
	var buf bytes.Buffer
	n, err := buf.ReadFrom(io.NewSectionReader(f, 0, maxFileBytes+1))
	if err == nil && n > maxFileBytes {
		err = &RefusedError{path, "it is longer than a journal can be"}
	}
	return buf.Bytes(), err
}

// Read returns the header of the journal at path without taking it.
func Read(fsys body.FS, path string) (*Header, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := read(path, f)
	if err != nil {
		return nil, err
	}
	c, err := Load(b)
	if err != nil {
		return nil, refused(path, err)
	}
	if c.Header == nil {
		return nil, &RefusedError{path, "it breaks off within its beginning"}
	}
	if want := Name(c.Header.ID); filepath.Base(path) != want {
		return nil, &RefusedError{path, "its name would be " + want}
	}
	return c.Header, nil
}

// Begin starts the journal anew with h, durably, whatever was in it. h's ID is
// the one given to Open.
func (j *Journal) Begin(h Header) error {
	j.io.Lock()
	defer j.io.Unlock()
	h.ID = j.id
	if j.file == nil {
		if err := j.take(true); err != nil {
			return err
		}
	}
	j.Header, j.Marks, j.Lost = nil, nil, false
	_, _ = rand.Read(j.salt[:]) // it never fails
	j.end = 0
	beginning := appendBeginning(nil, j.salt, &h)
	if len(beginning) > maxRecord {
		return fmt.Errorf("journal %s: the request is %d bytes long, more than a journal takes", j.path, len(beginning))
	}
	err := j.file.Truncate(0)
	if err == nil {
		err = j.writeLocked(beginning)
	}
	if err == nil {
		err = j.file.Sync()
	}
	if err == nil {
		err = j.fs.SyncDir(filepath.Dir(j.path))
	}
	return err
}

// writeLocked appends to the file. io is held.
func (j *Journal) writeLocked(b []byte) error {
	n, err := j.file.WriteAt(b, j.end)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err == nil {
		j.end += int64(n)
	}
	return err
}

// Mark notes a finished piece of n bytes. Where SyncData is set it waits in
// memory until 64 MiB or 2 s have come together; then, on the goroutine of the
// piece that completes them, the bytes are synced and the pieces are written
// down. An error says that the journal can't be kept any more.
func (j *Journal) Mark(m Mark, n int64) error {
	j.mu.Lock()
	j.pending = append(j.pending, m)
	j.bytes += n
	due := j.bytes >= cmp.Or(j.Batch, batchBytes) || time.Since(j.synced) >= batchTime
	j.mu.Unlock()
	if j.SyncData == nil {
		j.io.Lock()
		defer j.io.Unlock()
		return j.flushLocked(due)
	}
	if !due || !j.io.TryLock() {
		return nil // whoever has it may leave this piece to the next
	}
	defer j.io.Unlock()
	return j.flushLocked(true)
}

// Flush writes all that was noted, durably.
func (j *Journal) Flush() error {
	j.io.Lock()
	defer j.io.Unlock()
	return j.flushLocked(true)
}

func (j *Journal) flushLocked(sync bool) error {
	if j.err != nil {
		return j.err
	}
	j.mu.Lock()
	marks := j.pending
	j.pending = nil
	if sync {
		j.bytes, j.synced = 0, time.Now()
	}
	j.mu.Unlock()
	j.err = j.writeDownLocked(marks, sync)
	if j.err != nil {
		j.err = fmt.Errorf("journal %s: %w", j.path, j.err)
	}
	return j.err
}

func (j *Journal) writeDownLocked(marks []Mark, sync bool) error {
	if j.file == nil || len(marks) == 0 && !sync {
		return nil
	}
	if j.SyncData != nil && len(marks) > 0 {
		if err := j.SyncData(); err != nil {
			return err
		}
	}
	var b []byte
	for i := range marks {
		b = appendMark(b, j.salt, &marks[i])
	}
	if err := j.writeLocked(b); err != nil || !sync {
		return err
	}
	return j.file.Sync()
}

// Close ends the transfer's hold on the journal and leaves it for another.
func (j *Journal) Close() error {
	j.io.Lock()
	defer j.io.Unlock()
	return j.closeLocked()
}

func (j *Journal) closeLocked() error {
	if j.file == nil {
		return nil
	}
	f, unlock := j.file, j.unlock
	j.file, j.unlock = nil, nil
	defer unlock()
	return f.Close()
}

// Remove ends the journal: there is nothing to take up any more.
func (j *Journal) Remove() error {
	j.io.Lock()
	defer j.io.Unlock()
	if j.file == nil {
		return nil
	}
	if runtime.GOOS == "windows" { // which keeps a file while it is open
		return errors.Join(j.closeLocked(), j.fs.Remove(j.path))
	}
	err := j.fs.Remove(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, j.closeLocked())
}
