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
func (d *download) receive(ctx context.Context, ln *lane, w *watch, p *piece, resp *wire.Response) error {
	buf := d.client.pool.Get(int(max(1, min(p.length-p.got, bufpool.SliceSize))))
	defer d.client.pool.PutSlice(buf)
	for p.got < p.length {
		n, rerr := d.fill(ctx, w, resp.Body, buf[:d.sliceLength(p, len(buf))])
		if n > 0 {
			w.pause()
			if err := d.deliver(ctx, ln, p, buf[:n]); err != nil {
				return &retry.Permanent{Err: err}
			}
		}
		if rerr != nil && p.got < p.length {
			if rerr == io.EOF {
				rerr = io.ErrUnexpectedEOF
			}
			return &driver.ShortBodyError{Want: p.length, Got: p.got, Err: rerr}
		}
	}
	return d.endPiece(ctx, ln, p)
}

// sliceLength is how many bytes of a piece go next, of n that there is room for.
// Where the sink likes offsets that are multiples of something, those behind it
// are.
func (d *download) sliceLength(p *piece, n int) int64 {
	length := min(int64(n), p.length-p.got)
	align := body.Alignment(d.sink)
	if rest := (p.off + p.got) % align; rest != 0 {
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
	case p.ordered != nil && p.ordered.IsTurn():
		err = ln.away(ctx, func() error { _, err := p.ordered.Write(b); return err })
	case p.ordered != nil:
		_, err = p.ordered.Write(b)
	case d.sink.Ordered():
		err = ln.away(ctx, func() error { _, err := d.sink.WriteAt(b, p.off+p.got); return err })
	case d.sink.Local():
		_, err = d.client.onThread(&ln.work, atDisk, func() (int, error) { return d.sink.WriteAt(b, p.off+p.got) })
	default:
		ln.work.set(atCaller)
		_, err = d.sink.WriteAt(b, p.off+p.got)
	}
	if err != nil {
		return err
	}
	p.got += int64(len(b))
	d.client.received.Add(int64(len(b)))
	d.events.Progress(int64(len(b)))
	return nil
}

// endPiece notes the checksum of a complete piece and lets the next one through.
func (d *download) endPiece(ctx context.Context, ln *lane, p *piece) error {
	d.expected.note(p)
	if p.ordered == nil {
		return d.mark(p)
	}
	end := p.ordered.Close
	if !p.ordered.IsTurn() {
		return end() // marks it; whoever has the turn writes it
	}
	if err := ln.away(ctx, end); err != nil {
		return &retry.Permanent{Err: err}
	}
	return nil
}
