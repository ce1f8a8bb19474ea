package engine

import (
	"io"
	"os"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/wire"
)

// What an exchange may do with a payload instead of reading it: take bytes that
// are in memory as they are, have the system send a file, and tell of bytes that
// trickle.
var (
	_ wire.Lender = (*payload)(nil)
	_ wire.Filed  = (*payload)(nil)
	_ wire.Mover  = (*payload)(nil)
)

// asItIsLocked says that the next bytes to hand over are content, not framing.
func (b *payload) asItIsLocked() bool {
	return b.err == nil && b.stage == stageContent && b.chunks == nil && len(b.pending) == 0
}

// Lend hands over content that is in memory, without a copy.
func (b *payload) Lend(limit int) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	memory, ok := b.content.at.(body.Memory)
	at := b.content.off + b.pos
	if !ok || !b.asItIsLocked() || int64(len(memory)) < b.content.off+b.content.length {
		return nil, nil
	}
	n, err := b.admitLocked(limit)
	if err != nil {
		return nil, err
	}
	p := memory[at : at+int64(n)]
	if b.sum != nil {
		_, _ = b.t.client.onThread(b.w.work, atCPU, func() (int, error) { return b.sum.Write(p) })
	}
	return p, b.advanceLocked(n, nil)
}

// Section hands over what is left of a file. Its checksum is in the head, so
// that bytes which nobody has seen on their way can't be stored if they aren't
// those that were hashed.
func (b *payload) Section() (*os.File, int64, int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.asItIsLocked() || b.proof.algorithm == checksum.None || b.sum != nil || b.t.job.Bandwidth.Limit() > 0 {
		return nil, 0, 0
	}
	at, off := b.content.at, b.content.off+b.pos
	if section, ok := at.(*io.SectionReader); ok {
		outer, base, _ := section.Outer()
		at, off = outer, base+off
	}
	f, ok := at.(*os.File)
	if !ok {
		return nil, 0, 0
	}
	b.w.begin("sending", b.t.limits.Stall)
	b.w.work.set(atNetwork)
	return f, off, b.content.length - b.pos
}

// Call makes a call into the file of Section.
func (b *payload) Call(fn func() (int, error)) (int, error) {
	defer b.w.work.set(atNetwork)
	return b.t.client.onThread(b.w.work, atDisk, fn)
}

// Sent counts n bytes of Section as handed over.
func (b *payload) Sent(n int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.advanceLocked(n, nil)
}

// Moved keeps an attempt going whose bytes do, however slowly.
func (b *payload) Moved() { b.w.progress() }

// hashNext is readHashed for those who need no bytes: what is in memory is
// hashed where it is.
func (c *Client) hashNext(lane *work, src content, b []byte, off int64, hash func([]byte)) (int, error) {
	memory, ok := src.at.(body.Memory)
	if !ok || int64(len(memory)) < off+int64(len(b)) {
		return c.readHashed(lane, src, b, off, hash)
	}
	return c.onThread(lane, atCPU, func() (int, error) { hash(memory[off:][:len(b)]); return len(b), nil })
}
