package classic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
)

// readMax is the most that one Read takes, so that a bandwidth limit is smooth.
const readMax = 64 << 10

var errBodyClosed = errors.New("body is closed")

// outBody is the body of one PutObject or UploadPart: a piece of something that
// can be read again. The SDK reads it to compute checksums and again to send
// it, and starts over on a retry; so it hashes and counts only what lies behind
// the furthest byte so far. A nil *outBody is no body.
type outBody struct {
	t      *transfer
	source io.ReaderAt
	start  int64 // of the piece in source
	size   int64
	last   func() error // called before the last byte is given for sending, may be nil

	mu        sync.Mutex // guards what follows, and is held during a read of source
	ctx       context.Context
	cancel    context.CancelCauseFunc // ends the call
	at        int64                   // where Read goes on
	hash      *checksum.Hash          // of the bytes up to hash.Bytes()
	preparing bool                    // the SDK reads for itself
	sent      int64                   // bytes read for sending, furthest
	told      int64                   // of these, those that Progress was told of
	closed    bool
	err       error // what broke the body for good
}

func (t *transfer) newBody(source io.ReaderAt, start, size int64) *outBody {
	return &outBody{t: t, source: source, start: start, size: size, hash: checksum.New(t.job.Checksum.Algorithm)}
}

// begin gives the body the context of its call.
func (b *outBody) begin(ctx context.Context, cancel context.CancelCauseFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ctx, b.cancel = ctx, cancel
}

// sending says whether what is read now goes to the server.
func (b *outBody) sending(yes bool) {
	if b != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.preparing = !yes
	}
}

// Read gives the next bytes.
func (b *outBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.err != nil:
		return 0, b.err
	case b.closed:
		return 0, errBodyClosed
	case b.at >= b.size:
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), readMax, b.size-b.at)]
	n, err := b.source.ReadAt(p, b.start+b.at)
	if n < len(p) {
		return 0, b.breakLocked(&driver.ShortBodyError{Want: b.start + b.size, Got: b.start + b.at + int64(n), Err: unlessEOF(err)})
	}
	if err := b.passLocked(p); err != nil {
		return 0, err
	}
	return n, nil
}

// passLocked accounts for bytes that are about to be given away.
func (b *outBody) passLocked(p []byte) error {
	end := b.at + int64(len(p))
	if known := b.hash.Bytes(); known >= b.at && known < end {
		b.hash.Write(p[known-b.at:])
	}
	b.at = end
	if b.preparing {
		return nil
	}
	if err := b.t.job.Bandwidth.Wait(b.ctx, len(p)); err != nil {
		return err
	}
	if end == b.size && b.last != nil {
		if err := b.last(); err != nil {
			return b.breakLocked(err)
		}
	}
	if end <= b.sent {
		b.t.extraBytes.Add(int64(len(p)))
		return nil
	}
	b.sent = end
	// The last bytes are told when the call has succeeded.
	if b.sent-b.told >= bufpool.SliceSize && b.sent < b.size {
		b.t.progress(bufpool.SliceSize)
		b.told += bufpool.SliceSize
	}
	return nil
}

// breakLocked ends the call: no other attempt would read other bytes.
func (b *outBody) breakLocked(err error) error {
	b.err = err
	if b.cancel != nil {
		b.cancel(err)
	}
	return err
}

// Seek moves to where Read goes on.
func (b *outBody) Seek(offset int64, whence int) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		offset += b.at
	case io.SeekEnd:
		offset += b.size
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek to offset %d", offset)
	}
	b.at = offset
	return offset, nil
}

// rewind goes back to the start, for a call that is made again.
func (b *outBody) rewind() {
	if b != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.at = 0
	}
}

// close waits for a read under way and allows no other; it returns what broke
// the body.
func (b *outBody) close() error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return b.err
}

// succeed tells the rest of the progress and returns the checksum of the whole
// piece. A mock may not have read it all.
func (b *outBody) succeed() (*checksum.Hash, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.t.progress(b.size - b.told)
	b.told = b.size
	return b.hash, b.finishHashLocked()
}

// sum reads the piece once and returns its checksum, before it is sent.
func (b *outBody) sum() (*checksum.Hash, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.hash, b.finishHashLocked()
}

func (b *outBody) finishHashLocked() error {
	if b.hash.Algorithm() == checksum.None || b.hash.Bytes() == b.size {
		return nil
	}
	slice := b.t.pool.Get(int(min(b.size, bufpool.SliceSize)))
	defer b.t.pool.PutSlice(slice)
	for at := b.hash.Bytes(); at < b.size; at = b.hash.Bytes() {
		p := slice[:min(int64(len(slice)), b.size-at)]
		if n, err := b.source.ReadAt(p, b.start+at); n < len(p) {
			return &driver.ShortBodyError{Want: b.start + b.size, Got: b.start + at + int64(n), Err: unlessEOF(err)}
		}
		b.hash.Write(p)
	}
	return nil
}

// unlessEOF drops the errors that only say that there is no more.
func unlessEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
