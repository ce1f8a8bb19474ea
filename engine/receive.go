package engine

import (
	"context"
	"io"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/retry"
	"github.com/haul-s3/haul/internal/wire"
)

// receive reads the rest of a piece from an answer, slice by slice: from the
// connection into the slice, through the checksum, to its place in the sink.
func (d *download) receive(ctx context.Context, ln *lane, w *watch, f *fetch, resp *wire.Response) error {
	p := f.p
	buf := d.client.pool.Get(int(max(1, min(p.length-f.at, bufpool.SliceSize))))
	defer d.client.pool.PutSlice(buf)
	for {
		n, rerr := 0, error(nil)
		if f.at < p.length {
			n, rerr = d.fill(ctx, w, resp.Body, buf[:d.sliceLength(f, len(buf))])
		}
		w.pause()
		done, err := d.bring(ctx, ln, f, buf[:n])
		if done || err != nil {
			return err
		}
		if rerr != nil {
			if rerr == io.EOF {
				rerr = io.ErrUnexpectedEOF
			}
			return &driver.ShortBodyError{Want: p.length, Got: f.at, Err: rerr}
		}
	}
}

// bring brings to the sink what of b is not there, and ends the piece when all
// of it is. While it does, a lane that carries the same piece waits.
func (d *download) bring(ctx context.Context, ln *lane, f *fetch, b []byte) (done bool, err error) {
	p := f.p
	if err := p.take(ctx, ln); err != nil {
		return false, err
	}
	defer p.give()
	if p.done || p.err != nil {
		return p.done, p.err
	}
	there := min(int64(len(b)), max(0, p.got.Load()-f.at)) // another lane was faster
	d.extraBytes.Add(there)
	d.client.received.Add(there)
	f.at += int64(len(b))
	f.moved += int64(len(b))
	err = d.outside(p, func() error {
		if b = b[there:]; len(b) > 0 {
			if err := d.deliver(ctx, ln, p, b); err != nil {
				return &retry.Permanent{Err: err}
			}
		}
		if p.got.Load() < p.length {
			return nil
		}
		if err := d.endPiece(ctx, ln, p); err != nil {
			return &retry.Permanent{Err: err} // the network had no part in it
		}
		p.done = true
		return nil
	})
	if err != nil {
		p.err, f.err = err, err
	}
	return p.done, err
}

// take waits for the token of a piece, without the lane.
func (p *piece) take(ctx context.Context, ln *lane) error {
	if p.turn == nil {
		return nil
	}
	select {
	case p.turn <- struct{}{}:
		return nil
	default:
	}
	ln.drop()
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	err := ln.take(ctx)
	if err != nil {
		p.give()
	}
	return err
}

// give gives it back.
func (p *piece) give() {
	if p.turn != nil {
		<-p.turn
	}
}

// enter notes that a lane carries a piece of several, which cancel ends.
func (d *download) enter(p *piece, cancel context.CancelCauseFunc) {
	if p.turn == nil {
		return
	}
	p.carried = &carried{length: p.length, left: func() int64 { return p.length - p.got.Load() }}
	p.carried.second = func(ctx context.Context, ln *lane) (int64, error) {
		f := &fetch{p: p}
		c := d.rangeCall(ctx, ln, f)
		c.second = true
		_, err := d.do(ctx, ln, c)
		if f.err != nil {
			cancel(f.err) // it is the piece's
		}
		return f.moved, err
	}
	d.tail.enter(p.carried, cancel)
}

// leave notes that the lane has ended with the piece, with err, and returns nil
// if the piece is done.
func (d *download) leave(p *piece, err error) error {
	if p.carried == nil {
		return err
	}
	return d.tail.leave(p.carried, err)
}

// outside has the time not counted that fn takes in the sink.
func (d *download) outside(p *piece, fn func() error) error {
	if p.carried == nil {
		return fn()
	}
	return d.tail.away(p.carried, fn)
}

// sliceLength is how many bytes go next into a piece, of n that there is room for.
// Where the sink likes offsets that are multiples of something, those behind it
// are.
func (d *download) sliceLength(f *fetch, n int) int64 {
	length := min(int64(n), f.p.length-f.at)
	align := body.Alignment(d.sink)
	if rest := (f.p.off + f.at) % align; rest != 0 {
		length = min(length, align-rest)
	}
	return length
}

// fill reads until the slice is full or the answer ends.
func (d *download) fill(ctx context.Context, w *watch, r io.Reader, b []byte) (n int, err error) {
	if limit := d.job.Bandwidth; limit.Limit() > 0 {
		b = b[:min(len(b), quantum)]
		w.pause()
		w.work.set(atCaller)
		if err := limit.Wait(ctx, len(b)); err != nil {
			return 0, err
		}
	}
	w.begin("receiving", d.limits.Stall)
	w.work.set(atNetwork)
	for n < len(b) && err == nil {
		var m int
		m, err = r.Read(b[n:])
		if n += m; m > 0 {
			w.progress()
		}
	}
	if n == len(b) {
		err = nil
	}
	return n, err
}

// deliver brings a slice to the sink. The lane is given back while it is in a
// writer of the caller's that takes its bytes in order, which may block for as
// long as it likes.
func (d *download) deliver(ctx context.Context, ln *lane, p *piece, b []byte) error {
	if p.sum != nil || p.own != nil {
		_, _ = d.client.onThread(&ln.work, atCPU, func() (int, error) { p.hash(b); return 0, nil })
	}
	var err error
	switch {
	case p.ordered != nil:
		var staged bool
		if staged, err = p.ordered.Stage(b); !staged {
			err = ln.away(ctx, func() error { _, err := p.ordered.Write(b); return err })
		}
	case d.sink.Ordered():
		err = ln.away(ctx, func() error { _, err := d.sink.WriteAt(b, p.off+p.got.Load()); return err })
	case d.sink.Local():
		_, err = d.client.onThread(&ln.work, atDisk, func() (int, error) { return d.sink.WriteAt(b, p.off+p.got.Load()) })
	default:
		ln.work.set(atCaller)
		_, err = d.sink.WriteAt(b, p.off+p.got.Load())
	}
	if err != nil {
		return err
	}
	p.got.Add(int64(len(b)))
	d.moved(&d.client.received, int64(len(b)))
	d.events.Progress(int64(len(b)))
	return nil
}

// endPiece notes the checksum of a complete piece and lets the next one through.
func (d *download) endPiece(ctx context.Context, ln *lane, p *piece) error {
	d.expected.note(p)
	if p.ordered == nil {
		return d.mark(p)
	}
	if p.ordered.CloseStaged() {
		return nil
	}
	return ln.away(ctx, p.ordered.Close)
}
