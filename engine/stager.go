package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/plan"
	"github.com/haul-s3/haul/internal/s3api"
)

// stream uploads a source that is read once, of a size that may not be known.
func (t *transfer) stream(ctx context.Context, r io.Reader, size int64) (*driver.Outcome, error) {
	s := &stager{transfer: t, r: r, size: size}
	defer s.release()
	if err := s.choose(); err != nil {
		return nil, err
	}
	if err := s.fillAndConnect(ctx); err != nil {
		return nil, err
	}
	if s.ended && (t.job.OneRequest || s.total < t.threshold()) {
		return t.put(ctx, s.join())
	}
	o, err := t.opening(ctx, t.createUpload)
	if err != nil {
		return nil, err
	}
	if err = s.sendAll(ctx, o); err == nil {
		t.events.Found(s.total, "")
	}
	m, err := o.end(err)
	if m == nil {
		return nil, err
	}
	m.results = s.results
	return m.finish(ctx, err, content{length: s.total})
}

// staged is one part of a stream in memory.
type staged struct {
	room *bufpool.Reservation
	n    int64 // bytes of room that are the part's
}

func (s staged) content() content {
	return content{at: body.Memory(s.room.Bytes()[:s.n]), length: s.n, inMemory: true}
}

// stager reads a stream in order into parts that are in memory, under the
// client's memory limit. It belongs to the transfer's goroutine, and to that of
// feed while that runs.
type stager struct {
	*transfer
	r     io.Reader
	size  int64 // bytes that the stream should have, -1 if unknown
	sizes func() (int64, error)
	due   int64    // size of the next part where it is settled, else 0
	held  []staged // read, and not handed to a lane yet
	total int64    // bytes read
	ended bool
	// results are what the lanes tell of the parts; the feeder's until it ends.
	results []*s3api.CompletedPart
}

// fillAndConnect fills, and opens the connection of the first request meanwhile.
func (s *stager) fillAndConnect(ctx context.Context) error {
	template, err := s.form(ctx, s3api.PutObject) // its host is that of all requests
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	connected := make(chan struct{})
	go s.connect(ctx, template, connected)
	if err = s.fill(ctx); err != nil {
		cancel(err)
	}
	<-connected
	return err
}

// connect opens a connection, and then closes connected.
func (s *stager) connect(ctx context.Context, template *s3api.Template, connected chan<- struct{}) {
	defer close(connected)
	s.prepare(ctx, template, 1)
}

// fill reads until it is known whether the object goes with one request: until
// the stream has ended, or the threshold is reached, or there is no memory to go
// on, in which case it goes in parts.
func (s *stager) fill(ctx context.Context) error {
	for !s.ended && (len(s.held) == 0 || s.due == 0 && s.total < s.threshold() && s.total <= s.client.o.MemoryLimit/4) {
		part, err := s.next(ctx)
		if err != nil {
			return err
		}
		s.held = append(s.held, part)
	}
	return nil
}

// choose decides on the sizes of the parts.
func (s *stager) choose() error {
	if s.job.OneRequest {
		whole := s.size + 1 // one more, to see that it ends there
		s.sizes = func() (int64, error) { return whole, nil }
		if room := s.client.pool.Limit(); whole > room {
			return &driver.StreamMemoryError{Size: s.size, Room: room}
		}
		return nil
	}
	if s.size >= 0 {
		partSize, err := plan.PartSize(s.size, s.job.PartSize)
		s.sizes = func() (int64, error) { return partSize, nil }
		return err
	}
	growing := plan.NewGrowing(s.job.PartSize, plan.Ceiling(s.client.o.MemoryLimit, s.job.PartSize))
	s.sizes = func() (int64, error) {
		_, size, ok := growing.Next()
		if !ok {
			return 0, fmt.Errorf("stream is longer than %d bytes, which is what %d parts carry: set ContentLength if its size is known, a larger PartSize, or a larger MemoryLimit",
				s.total, s3api.MaxParts)
		}
		return size, nil
	}
	return nil
}

// next reads the next part. It is empty where the stream has ended, or where it
// is due and there is no memory for it: whoever holds some doesn't wait for more.
func (s *stager) next(ctx context.Context) (staged, error) {
	if err := s.settle(); err != nil {
		// The last part may have ended just where the stream does.
		if n, rerr := io.ReadFull(s.r, make([]byte, 1)); n == 0 && rerr == io.EOF {
			s.ended = true
			return staged{}, nil
		}
		return staged{}, err
	}
	room, err := s.reserve(ctx)
	if room == nil {
		return staged{}, err
	}
	s.due = 0
	read := false
	defer func() { // also where the caller's reader ends this goroutine
		if !read {
			room.Release()
		}
	}()
	var n int
	err = s.client.lanes.outside(atCaller, func() error {
		n, err = io.ReadFull(s.r, room.Bytes())
		return err
	})
	s.total += int64(n)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		s.ended, err = true, nil
	}
	if err == nil {
		err = s.compare()
	}
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil || n == 0 {
		return staged{}, err
	}
	read = true
	return staged{room, int64(n)}, nil
}

// settle decides on the size of the next part, if it isn't settled.
func (s *stager) settle() (err error) {
	if s.due == 0 {
		s.due, err = s.sizes()
	}
	return err
}

// reserve lends memory for the part that is due; nil if there is none, or while
// none is free and some is held.
func (s *stager) reserve(ctx context.Context) (*bufpool.Reservation, error) {
	if len(s.held) > 0 {
		return s.client.pool.TryReserve(s.due), nil
	}
	if room := s.client.pool.Limit(); s.due > room {
		return nil, &driver.PartMemoryError{Part: s.due, Room: room, Limit: s.client.o.MemoryLimit}
	}
	return s.client.pool.Reserve(ctx, s.due)
}

// compare holds the stream to its announced size.
func (s *stager) compare() error {
	switch {
	case s.size < 0:
		return nil
	case s.total > s.size:
		return fmt.Errorf("stream is longer than its ContentLength of %d bytes", s.size)
	case s.ended && s.total < s.size:
		return &driver.ShortBodyError{Want: s.size, Got: s.total, Err: errors.New("stream ended before its ContentLength")}
	}
	return nil
}

// join is everything held as one content.
func (s *stager) join() content {
	var parts []io.ReaderAt
	var ends []int64
	var total int64
	for _, h := range s.held {
		if h.room == nil {
			continue
		}
		total += h.n
		parts, ends = append(parts, bytes.NewReader(h.room.Bytes()[:h.n])), append(ends, total)
	}
	return content{at: &joined{parts, ends}, length: total, inMemory: true}
}

// joined reads several runs of bytes as one.
type joined struct {
	parts []io.ReaderAt
	ends  []int64 // offset behind each
}

// ReadAt reads by position over the runs.
func (j *joined) ReadAt(p []byte, off int64) (n int, err error) {
	begin := int64(0)
	for i, part := range j.parts {
		if at := off + int64(n); at < j.ends[i] && n < len(p) {
			m, _ := part.ReadAt(p[n:], at-begin) // bytes in memory
			n += m
		}
		begin = j.ends[i]
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// sendAll hands what is held, and all that follows, to the transfer's lanes.
func (s *stager) sendAll(ctx context.Context, o *opening) error {
	work := make(chan numbered)
	g, ctx := newGroup(ctx)
	spawn := s.spawner(g, s3api.MaxParts)
	spawn.run = func() error { return o.sendStaged(ctx, spawn, work) }
	spawn.more()
	g.goes(func() error {
		defer close(work)
		return s.feed(ctx, work)
	})
	return g.wait()
}

// numbered is a staged part with its place; done is where its result goes.
type numbered struct {
	staged
	i    int
	done *s3api.CompletedPart
}

// feed hands out the parts in order.
func (s *stager) feed(ctx context.Context, work chan<- numbered) error {
	for {
		if len(s.held) == 0 {
			if s.ended {
				return nil
			}
			part, err := s.next(ctx)
			if err != nil {
				return err
			}
			s.held = append(s.held, part)
		}
		part := s.held[0]
		if part.room == nil { // the empty end of the stream
			s.held = s.held[1:]
			continue
		}
		n := numbered{part, len(s.results), &s3api.CompletedPart{}}
		select {
		case work <- n:
			s.held = s.held[1:]
			s.results = append(s.results, n.done)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// sendStaged is a lane that carries staged parts.
func (o *opening) sendStaged(ctx context.Context, spawn *spawner, work <-chan numbered) error {
	ln := o.lane()
	defer ln.drop()
	for n := range work {
		if err := o.sendPart(ctx, ln, spawn, n); err != nil {
			return err
		}
		ln.drop() // while waiting for the stream
	}
	o.race(ctx, ln)
	return nil
}

// sendPart carries one staged part and gives its room back.
func (o *opening) sendPart(ctx context.Context, ln *lane, spawn *spawner, n numbered) error {
	defer n.room.Release()
	if err := ln.take(ctx); err != nil {
		return err
	}
	spawn.more()
	part := n.content()
	m, err := o.await(ctx, ln, &part)
	if err != nil {
		return err
	}
	return m.upload(ctx, ln, n.i, part, n.done)
}

// release gives back what no lane has taken.
func (s *stager) release() {
	for _, h := range s.held {
		if h.room != nil {
			h.room.Release()
		}
	}
	s.held = nil
}
