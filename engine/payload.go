package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"strconv"
	"sync"
	"time"

	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/retry"
	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/sigv4"
	"github.com/haul-s3/haul/internal/wire"
)

// content is a run of bytes that can be read again: a part of a source, or what
// was staged of a stream.
type content struct {
	at          io.ReaderAt
	off, length int64
	local       bool         // reading is a file call
	inMemory    bool         // a second pass is free
	check       func() error // says if the source has changed; nil: it can't
	info        fs.FileInfo  // of a regular file, nil of all else
	proof       *proof       // of these bytes, if it is known already
}

// proof is the checksum that goes with one request.
type proof struct {
	algorithm checksum.Algorithm // None: none is sent
	trailer   bool
	value     string // base64; with a trailer known only when all is sent
	crc       uint64 // of combinable algorithms, as value
	sha256    string // hex, where the payload is signed
}

// signedChunk is the size of a chunk that is signed by itself. It must be in
// memory before its head can be written.
const signedChunk = 64 << 10

// prove computes, before anything is sent, what the request's head must carry.
// With a trailer and an unsigned payload that is nothing.
func (t *transfer) prove(ctx context.Context, lane *work, c content, a checksum.Algorithm, trailer bool) (*proof, error) {
	p := &proof{algorithm: a, trailer: trailer && a != checksum.None}
	signWhole := t.job.Checksum.SignPayload && !p.trailer
	if (p.algorithm == checksum.None || p.trailer) && !signWhole {
		return p, nil
	}
	sum := checksum.New(p.algorithm)
	var whole hash.Hash
	if signWhole {
		whole = sha256.New()
	}
	buf := t.client.pool.Get(int(min(c.length, bufpool.SliceSize)))
	defer t.client.pool.PutSlice(buf)
	for done := int64(0); done < c.length; {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		b := buf[:min(int64(len(buf)), c.length-done)]
		n, err := t.client.hashNext(lane, c, b, c.off+done, func(b []byte) {
			sum.Write(b)
			if signWhole {
				whole.Write(b)
			}
		})
		if done += int64(n); err != nil {
			return nil, err
		}
	}
	if p.algorithm != checksum.None {
		p.value, p.crc = sum.Base64(), sum.Sum64()
	}
	if signWhole {
		p.sha256 = hex.EncodeToString(whole.Sum(nil))
	}
	return p, nil
}

// readHashed fills b from c at off and hands it to hash, holding a thread where
// work is done on one, for a lane.
func (c *Client) readHashed(lane *work, src content, b []byte, off int64, hash func([]byte)) (n int, err error) {
	if !src.local {
		lane.set(atCaller)
		if n, err = src.at.ReadAt(b, off); n > 0 {
			_, _ = c.onThread(lane, atCPU, func() (int, error) { hash(b[:n]); return n, nil })
		}
	} else {
		n, err = c.onThread(lane, atDisk, func() (int, error) {
			n, err := src.at.ReadAt(b, off)
			lane.set(atCPU)
			hash(b[:n])
			return n, err
		})
	}
	if n == len(b) {
		return n, nil // io.EOF together with the last bytes
	}
	if err == nil || err == io.EOF {
		err = shortSource(src, n, len(b), off)
	}
	return n, err
}

// shortSource says why a source ended before its size.
func shortSource(src content, n, want int, off int64) error {
	if src.check != nil {
		if err := src.check(); err != nil {
			return err
		}
	}
	return &driver.ShortBodyError{Want: off + int64(want), Got: off + int64(n), Err: errors.New("source ended before its size")}
}

// payload is the object bytes of one attempt of a request. It is read by the
// exchange, on whatever goroutine that uses.
type payload struct {
	t       *transfer
	w       *watch
	ctx     context.Context // the attempt's
	content content
	proof   *proof
	hash    string        // X-Amz-Content-Sha256
	quiet   bool          // tells no progress
	answer  time.Duration // limit on the wait for the answer, once all is sent

	mu      sync.Mutex // guards what follows: the exchange may be a goroutine behind
	pos     int64      // content bytes handed over
	pending []byte     // framing to hand over before anything else
	scratch []byte     // of pending, and of a signed chunk
	chunks  *sigv4.ChunkSigner
	sum     *checksum.Hash // of a trailer
	stage   payloadStage
	err     error // the source's own
}

type payloadStage int

const (
	stageContent payloadStage = iota
	stageEnd
	stageDone
)

func (t *transfer) payload(ctx context.Context, w *watch, c content, p *proof, https bool) *payload {
	b := &payload{t: t, w: w, ctx: ctx, content: c, proof: p, hash: sigv4.UnsignedPayload}
	switch {
	case p.trailer && (t.job.Checksum.SignPayload || !https):
		b.hash = sigv4.StreamingSignedTrailer
	case p.trailer:
		b.hash = sigv4.StreamingUnsignedTrailer
	case p.sha256 != "":
		b.hash = p.sha256
	}
	if p.trailer {
		b.sum = checksum.New(p.algorithm)
	}
	return b
}

// dress sets the headers that belong to the payload, before the request is
// signed.
func (b *payload) dress(r *wire.Request) {
	p := b.proof
	r.ContentLength = b.content.length
	if p.algorithm == checksum.None {
		return
	}
	h, values := r.Header, []string{p.algorithm.String(), p.value}
	h[s3api.HeaderSDKChecksum] = values[:1:1]
	if !p.trailer {
		h[p.algorithm.HeaderKey()] = values[1:]
		return
	}
	encoding := "aws-chunked"
	if given := h.Get(s3api.HeaderContentEncoding); given != "" {
		encoding += "," + given
	}
	h[s3api.HeaderContentEncoding] = []string{encoding}
	h[s3api.HeaderTrailer] = []string{p.algorithm.Header()}
	h[s3api.HeaderDecodedLength] = []string{strconv.FormatInt(b.content.length, 10)}
	width := len(b.sum.Base64())
	r.ContentLength = sigv4.EncodedLength(b.content.length, b.chunkSize(), b.hash, p.algorithm.Header(), width)
}

func (b *payload) chunkSize() int64 {
	if b.hash == sigv4.StreamingUnsignedTrailer {
		return 0 // one chunk
	}
	return signedChunk
}

// open makes the payload readable, once the head is signed.
func (b *payload) open(s sigv4.Signature) io.Reader {
	if b.proof.trailer {
		switch b.hash {
		case sigv4.StreamingUnsignedTrailer:
			if b.content.length > 0 {
				b.pending = sigv4.AppendUnsignedChunkHeader(nil, b.content.length)
			}
		default:
			b.chunks = s.Chunks()
			b.scratch = make([]byte, 0, signedChunk+256)
		}
	}
	if b.content.length == 0 {
		b.stage = stageEnd
	}
	return b
}

// Read hands over the next bytes of the body.
func (b *payload) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	for {
		if len(b.pending) > 0 {
			n := copy(p, b.pending)
			b.pending = b.pending[n:]
			return n, nil
		}
		switch b.stage {
		case stageContent:
			if b.chunks == nil {
				return b.readLocked(p)
			}
			b.chunkLocked()
		case stageEnd:
			b.endLocked()
		case stageDone:
			return 0, io.EOF
		}
		if b.err != nil {
			return 0, b.err
		}
	}
}

// quantum is how many bytes go between two looks at the bandwidth limit.
const quantum = 64 << 10

// readLocked hands over content as it is.
func (b *payload) readLocked(p []byte) (int, error) {
	limit, err := b.admitLocked(len(p))
	if err != nil {
		return 0, err
	}
	n, err := b.t.client.readHashed(b.w.work, b.content, p[:limit], b.content.off+b.pos, func(p []byte) {
		if b.sum != nil {
			b.sum.Write(p)
		}
	})
	if err := b.advanceLocked(n, err); err != nil {
		return 0, err
	}
	return n, nil
}

// admitLocked says how many of n bytes may go now, and waits until they may.
func (b *payload) admitLocked(n int) (int, error) {
	n = int(min(int64(n), b.content.length-b.pos))
	if limit := b.t.job.Bandwidth; limit.Limit() > 0 {
		n = min(n, quantum)
		b.w.pause()
		b.w.work.set(atCaller)
		if err := limit.Wait(b.ctx, n); err != nil {
			return 0, err
		}
	}
	b.w.begin("sending", b.t.limits.Stall)
	b.w.work.set(atNetwork)
	return n, nil
}

// advanceLocked counts n bytes as handed over; err is what reading them brought.
func (b *payload) advanceLocked(n int, err error) error {
	b.pos += int64(n)
	last := b.pos == b.content.length
	if err == nil && last && b.content.check != nil {
		err = b.content.check()
	}
	if err != nil {
		b.err = err
		return err
	}
	b.t.moved(&b.t.client.sent, int64(n))
	for ; n > 0 && !b.quiet; n -= bufpool.SliceSize {
		b.t.progress(int64(min(n, bufpool.SliceSize))) // a file may go in larger pieces
	}
	b.w.work.set(atNetwork)
	if last {
		b.stage = stageEnd
		b.w.begin(awaiting, b.answer)
		b.w.work.set(atReply)
	}
	return nil
}

// chunkLocked makes the next signed chunk pending.
func (b *payload) chunkLocked() {
	data := make([]byte, min(signedChunk, b.content.length-b.pos))
	for filled := 0; filled < len(data); {
		n, err := b.readLocked(data[filled:])
		if filled += n; err != nil {
			b.err = err
			return
		}
	}
	out := b.chunks.AppendChunkHeader(b.scratch[:0], data)
	out = append(out, data...)
	b.scratch = append(out, sigv4.ChunkEnd...)
	b.pending = b.scratch
}

// endLocked makes what follows the content pending.
func (b *payload) endLocked() {
	b.stage = stageDone
	if !b.proof.trailer {
		return
	}
	b.proof.value, b.proof.crc = b.sum.Base64(), b.sum.Sum64()
	name := b.proof.algorithm.Header()
	if b.chunks != nil {
		b.pending = b.chunks.AppendEnd(nil, name, b.proof.value)
		return
	}
	if b.content.length > 0 {
		b.pending = append(b.pending, sigv4.ChunkEnd...)
	}
	b.pending = sigv4.AppendUnsignedEnd(b.pending, name, b.proof.value)
}

// failed returns the source's own error, if it was that which ended the body.
func (b *payload) failed() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil || b.ctx.Err() != nil || isStall(b.err) {
		return nil
	}
	return b.err
}

// undo takes back the progress of a failed attempt.
func (b *payload) undo() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pos > 0 {
		b.t.extraBytes.Add(b.pos)
		b.t.progress(-b.pos)
	}
	b.pos = 0
}

// moved is how many content bytes were handed over.
func (b *payload) moved() int64 {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pos
}

// complete says whether the whole body was handed over.
func (b *payload) complete() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pos == b.content.length
}

// confirm compares the checksum that S3 says it has received with what was
// sent. Not every store says.
func (p *proof) confirm(resp *s3api.Response) error {
	if got := resp.Header.Get(p.algorithm.HeaderKey()); p.algorithm != checksum.None && got != "" && got != p.value {
		return &retry.Permanent{Err: &driver.ChecksumError{Algorithm: p.algorithm, Want: p.value, Got: got}}
	}
	return nil
}
