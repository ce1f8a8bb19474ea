package classic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/plan"
	"github.com/haul-s3/haul/internal/s3api"
)

// A stream is read once and in order, into memory that is reserved under the
// pool's limit and held until its part is uploaded. What fits below the
// threshold is one PutObject. What doesn't is cut into parts, the first of which
// are what was read to find that out. Whoever waits for memory holds none that
// isn't on its way out, so nothing waits in a circle.

// stream is the reading side of such an upload.
type stream struct {
	t       *transfer
	src     io.Reader
	sizes   *plan.Growing
	pending []piece // of the first read, not yet taken
	ended   bool    // src has given io.EOF
	read    int64   // bytes in all
	room    int64   // bytes of a plan that could not grow, for the error
}

// uploadStream uploads what can be read once.
func (t *transfer) uploadStream(ctx context.Context, src *body.Reader) (*driver.Outcome, error) {
	// A FIFO that we opened and that nobody writes to is left by closing it.
	defer context.AfterFunc(ctx, func() { _ = src.Close() })()
	s, first, err := t.newStream()
	if err != nil {
		return nil, err
	}
	s.src = src.Stream
	room, err := t.reserve(ctx, first)
	if err != nil {
		return nil, err
	}
	n, err := s.fill(ctx, room.Bytes())
	if err == nil && s.ended {
		err = s.announced()
	}
	if err != nil {
		room.Release()
		return nil, err
	}
	if s.ended && int64(n) < t.threshold {
		defer room.Release()
		t.events.Found(int64(n), "")
		return t.put(ctx, bytes.NewReader(room.Bytes()[:n]), int64(n), src.Check)
	}
	s.cut(room, n)
	defer s.drop()
	return t.uploadInParts(ctx, func(ctx context.Context, m *multipart) error {
		if err := parallel(ctx, t.lanes, s.next, m.upload); err != nil {
			return err
		}
		t.events.Found(s.read, "")
		return src.Check()
	})
}

// reserve lends memory for n bytes of a stream, when it is free.
func (t *transfer) reserve(ctx context.Context, n int64) (*bufpool.Reservation, error) {
	if room := t.pool.Limit(); n > room {
		return nil, &driver.PartMemoryError{Part: n, Room: room, Limit: room}
	}
	return t.pool.Reserve(ctx, n)
}

// newStream plans the parts, and how much to read first. A size that was
// announced makes the parts as large as they must be; otherwise they grow.
func (t *transfer) newStream() (*stream, int64, error) {
	s := &stream{t: t}
	partSize := max(t.partSize, s3api.MinPartSize)
	if t.job.Size >= 0 {
		size, err := plan.PartSize(t.job.Size, partSize)
		if err != nil {
			return nil, 0, err
		}
		partSize = size
		s.sizes = plan.NewGrowing(size, size)
	} else {
		ceiling := plan.Ceiling(t.pool.Limit(), partSize)
		s.room = plan.Reach(partSize, ceiling)
		s.sizes = plan.NewGrowing(partSize, ceiling)
	}
	first := max(t.threshold, partSize)
	if t.job.Size >= 0 {
		first = min(first, t.job.Size+1) // one more, to see that it ends there
	}
	if room := t.pool.Limit(); t.job.OneRequest && first > room {
		return nil, 0, &driver.StreamMemoryError{Size: t.job.Size, Room: room}
	}
	return s, first, nil
}

// fill reads into p until it is full or the stream ends.
func (s *stream) fill(ctx context.Context, p []byte) (n int, err error) {
	const idleMax = 100 // as in bufio
	for idle := 0; n < len(p) && !s.ended; {
		if ctx.Err() != nil {
			return n, context.Cause(ctx)
		}
		m, err := s.src.Read(p[n:min(len(p), n+bufpool.SliceSize)])
		n += m
		s.read += int64(m)
		switch {
		case errors.Is(err, io.EOF):
			s.ended = true
		case err != nil:
			return n, ended(ctx, fmt.Errorf("read the source: %w", err))
		case m > 0:
			idle = 0
		default:
			if idle++; idle == idleMax {
				return n, fmt.Errorf("read the source: %w", io.ErrNoProgress)
			}
		}
	}
	if size := s.t.job.Size; size >= 0 && s.read > size {
		return n, fmt.Errorf("the source has more than the %d bytes that were announced", size)
	}
	return n, nil
}

// announced compares the length of the stream with the announced one.
func (s *stream) announced() error {
	if size := s.t.job.Size; size >= 0 && s.read < size {
		return &driver.ShortBodyError{Want: size, Got: s.read}
	}
	return nil
}

// cut makes parts of the n bytes that were read first. None is smaller than the
// planned size unless the stream has ended; the last may be nearly twice that.
func (s *stream) cut(room *bufpool.Reservation, n int) {
	_, size, _ := s.sizes.Next()
	count := max(1, int64(n)/size)
	left := new(atomic.Int64)
	left.Store(count)
	release := func() {
		if left.Add(-1) == 0 {
			room.Release()
		}
	}
	source := bytes.NewReader(room.Bytes()[:n])
	for i := range count {
		if i > 0 {
			s.sizes.Next()
		}
		p := piece{number: int(i) + 1, source: source, start: i * size, size: size, release: release}
		if i == count-1 {
			p.size = int64(n) - p.start
		}
		s.pending = append(s.pending, p)
	}
}

// next reads the next part. It is called by one lane at a time.
func (s *stream) next(ctx context.Context) (p piece, ok bool, err error) {
	if len(s.pending) > 0 {
		p, s.pending = s.pending[0], s.pending[1:]
		return p, true, nil
	}
	if s.ended {
		return p, false, nil
	}
	number, size, ok := s.sizes.Next()
	if !ok {
		return p, false, s.tooLong(ctx)
	}
	room, err := s.t.reserve(ctx, size)
	if err != nil {
		return p, false, err
	}
	n, err := s.fill(ctx, room.Bytes())
	if err == nil && s.ended {
		err = s.announced()
	}
	if err != nil || n == 0 {
		room.Release()
		return p, false, err
	}
	return piece{number: number, source: bytes.NewReader(room.Bytes()[:n]), size: int64(n), release: room.Release}, true, nil
}

// tooLong is called when all part numbers are used: it is an error unless the
// stream ends exactly there.
func (s *stream) tooLong(ctx context.Context) error {
	var one [1]byte
	if n, err := s.fill(ctx, one[:]); n == 0 || err != nil {
		return err
	}
	return fmt.Errorf("the source has more than %d bytes, the most that %d parts carry: tell its size (ContentLength), or raise the part size or the memory limit", s.room, s3api.MaxParts)
}

// drop gives back what was read and not taken, after a failure.
func (s *stream) drop() {
	for _, p := range s.pending {
		p.release()
	}
}
