package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/journal"
	"github.com/haul-s3/haul/internal/plan"
	"github.com/haul-s3/haul/internal/s3api"
)

// downloadWithJournal is download, around which the journal is held.
func (t *transfer) downloadWithJournal(ctx context.Context) (out *driver.Outcome, err error) {
	if err := t.openJournal(ctx, journal.Download, s3api.GetObject); err != nil {
		return nil, err
	}
	err = errEnded // as in download
	defer func() {
		out, err = t.closeJournal(out, err, func(h *journal.Header) { t.discard(h.Temp) })
	}()
	return t.download(ctx)
}

// discard removes what an earlier transfer left of the target.
func (t *transfer) discard(temp string) {
	if keeper, ok := t.job.Sink.(body.Keeper); ok && temp != "" {
		_ = keeper.Discard(t.job.FS, temp) // a stray file harms nothing
	}
}

// beginJournal begins the journal of a download whose sink is open.
func (d *download) beginJournal() error {
	if d.journal == nil || d.alone || d.etag == "" {
		return nil // it will be one request, or can't be told from another object
	}
	kept, ok := d.sink.(body.Kept)
	if !ok {
		return fmt.Errorf("sink %s can't keep what is unfinished", d.job.Sink)
	}
	stale := d.journal.Header
	err := d.journal.Begin(journal.Header{
		Request: d.job.Resume.Request, PartSize: d.partSize, Size: d.size,
		ETag: d.etag, ObjectVersion: d.head.Header.Get(s3api.HeaderVersionID), Temp: kept.Temp(),
	})
	if err != nil {
		return err
	}
	if stale != nil {
		d.discard(stale.Temp)
	}
	d.keepIn(kept)
	return nil
}

// keepIn has the pieces noted from here on.
func (d *download) keepIn(kept body.Kept) {
	d.kept, d.journal.SyncData, d.journal.used = kept, kept.Sync, true
}

// takeUp prepares the download of what the journal doesn't say is there; false,
// if all must be fetched.
func (d *download) takeUp(ctx context.Context) (bool, error) {
	if d.journal == nil || d.journal.Header == nil {
		return false, nil
	}
	why, err := d.reopen(ctx)
	if err != nil {
		return false, err
	}
	if why != "" {
		d.startAfresh(why)
		return false, nil
	}
	if d.kept == nil {
		return false, nil // nothing was begun
	}
	return true, d.verify(ctx)
}

// reopen looks whether object and temporary file are what the journal speaks
// of, and makes them the download's.
func (d *download) reopen(ctx context.Context) (why string, err error) {
	h := d.journal.Header
	if h.Temp == "" {
		return "", nil
	}
	keeper, ok := d.job.Sink.(body.Keeper)
	if !ok {
		return fmt.Sprintf("sink %s can't keep what is unfinished", d.job.Sink), nil
	}
	ln := d.lane()
	defer ln.drop()
	resp, err := d.look(ctx, ln)
	if err != nil {
		return d.unseen(ctx, err)
	}
	if why := d.otherObject(h, resp); why != "" {
		return why, nil
	}
	sink, err := keeper.Reopen(d.job.FS, h.Temp, h.Size)
	if err != nil {
		return "the temporary file can't be taken up: " + err.Error(), nil
	}
	d.head, d.etag, d.size, d.whole, d.partSize = resp, h.ETag, h.Size, h.Size, h.PartSize
	d.pieces = max(1, plan.Uniform{Size: d.size, PartSize: d.partSize}.Count())
	d.expect(ctx, ln, resp.Header)
	if d.partSize != h.PartSize {
		d.head, d.expected = nil, expectation{}
		return "the pieces are cut otherwise", sink.(body.Kept).Keep() // the fresh one discards it
	}
	d.sink = d.follow(sink)
	d.keepIn(sink.(body.Kept))
	d.events.Found(d.size, d.etag)
	return "", nil
}

// look asks for the object's head.
func (d *download) look(ctx context.Context, ln *lane) (*s3api.Response, error) {
	template, err := d.form(ctx, s3api.HeadObject)
	if err != nil {
		return nil, err
	}
	return d.do(ctx, ln, &call{template: template})
}

// unseen tells an object that can't be looked at, which the GET will explain
// better, from a network that doesn't work.
func (d *download) unseen(ctx context.Context, err error) (why string, _ error) {
	var answer interface{ HTTPStatusCode() int }
	if ctx.Err() == nil && errors.As(err, &answer) && answer.HTTPStatusCode()/100 != 5 {
		return "the object can't be looked at: " + err.Error(), nil
	}
	return "", err
}

// otherObject says why the object is not the one that the journal speaks of, or
// "".
func (d *download) otherObject(h *journal.Header, resp *s3api.Response) string {
	version := resp.Header.Get(s3api.HeaderVersionID)
	switch etag := resp.Header.Get(s3api.HeaderETag); {
	case resp.Status != http.StatusOK:
		return fmt.Sprintf("the object can't be looked at: status %d", resp.Status)
	case etag != h.ETag:
		return fmt.Sprintf("the object changed: its ETag was %s and is %s", h.ETag, etag)
	case d.job.ETag != "" && d.job.ETag != h.ETag:
		return fmt.Sprintf("another object is wanted: its ETag was %s, not %s", h.ETag, d.job.ETag)
	case resp.ContentLength != h.Size:
		return fmt.Sprintf("the object changed: its size was %d bytes and is %d", h.Size, resp.ContentLength)
	case version != h.ObjectVersion:
		return fmt.Sprintf("the object changed: its version was %q and is %q", h.ObjectVersion, version)
	}
	return ""
}

// verify reads the pieces again that the journal says are there. Those whose
// checksum is the journal's need not be fetched.
func (d *download) verify(ctx context.Context) error {
	d.there = make([]bool, d.pieces)
	var resumed atomic.Int64
	marked := make(chan int, len(d.journal.Marks))
	for i := range d.journal.Marks {
		marked <- i
	}
	close(marked)
	g, ctx := newGroup(ctx)
	for range min(verifiers(), len(marked)) {
		g.goes(func() error {
			for i := range marked {
				if err := d.verifyPiece(ctx, i, &resumed); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := d.client.lanes.outside(atDisk, g.wait)
	d.journal.resumed = resumed.Load()
	return err
}

func (d *download) verifyPiece(ctx context.Context, i int, resumed *atomic.Int64) error {
	p := &piece{}
	d.plan(i, p)
	ok, err := d.same(ctx, p, d.journal.Marks[i].CRC)
	if err != nil || !ok {
		return err
	}
	d.there[i] = true
	d.expected.note(p)
	resumed.Add(p.length)
	d.credit(p.length)
	return nil
}

// same reads a piece and says whether it has the checksum of the journal. What
// can't be read isn't there.
func (d *download) same(ctx context.Context, p *piece, want uint64) (bool, error) {
	var lane work // there is none yet; verify tells of it
	buf := d.client.pool.Get(bufpool.SliceSize)
	defer d.client.pool.PutSlice(buf)
	for at := int64(0); at < p.length; {
		if err := context.Cause(ctx); err != nil {
			return false, err
		}
		b := buf[:min(int64(len(buf)), p.length-at)]
		n, err := d.client.onThread(&lane, atDisk, func() (int, error) {
			n, err := d.kept.ReadAt(b, p.off+at)
			p.hash(b[:n])
			return n, err
		})
		if at += int64(n); n < len(b) && err != nil {
			return false, nil
		}
	}
	return p.crc() == want, nil
}

// noting gives a piece the CRC64NVME that the journal wants, where it hasn't
// one anyway.
func (d *download) noting(p *piece) {
	if d.kept != nil && (p.sum == nil || p.sum.Algorithm() != checksum.CRC64NVME) {
		p.own = checksum.New(checksum.CRC64NVME)
	}
}

// hash adds bytes to the checksums of a piece.
func (p *piece) hash(b []byte) {
	for _, h := range []*checksum.Hash{p.sum, p.own} {
		if h != nil {
			_, _ = h.Write(b) // it never fails
		}
	}
}

// crc is the CRC64NVME of a piece that the journal notes.
func (p *piece) crc() uint64 {
	if p.own != nil {
		return p.own.Sum64()
	}
	return p.sum.Sum64()
}

// mark notes a piece that has arrived.
func (d *download) mark(p *piece) error {
	if d.kept == nil {
		return nil
	}
	return d.journal.Mark(journal.Mark{Index: p.i, CRC: p.crc()}, p.length)
}

// fetchMissing starts the lanes of a download that was taken up.
func (d *download) fetchMissing() {
	if !slices.Contains(d.there, false) {
		return
	}
	d.spawnLanes()
	d.spawn.more()
}

// giveUp ends a failed download's sink: kept where that is of use, else
// removed.
func (d *download) giveUp(err error) error {
	if d.kept != nil && d.keeps(err) {
		return errors.Join(err, d.kept.Keep())
	}
	return errors.Join(err, d.sink.Abort())
}
