package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/plan"
	"github.com/haul-s3/haul/internal/retry"
	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/wire"
)

// A download goes through these stages:
//
//	download  one plain GET on the first lane
//	begin     its head tells size, ETag and checksum; the sink is opened, the pieces planned
//	pieces    the first lane goes on reading its answer; the others ask for ranges
//	validate  the pieces' checksums make the object's
//	commit    the sink takes its name

// download is one download under way.
type download struct {
	*transfer
	template *s3api.Template
	group    *group          // the lanes
	groupCtx context.Context // theirs; the transfer's while there is only the first

	// Set by begin, on the first lane, before any other lane runs.
	head     *s3api.Response
	etag     string // as received
	base     int64  // of the sink's offset 0 in the object
	size     int64  // bytes to deliver
	whole    int64  // bytes of the object
	partSize int64
	sink     body.Writer
	order    *body.Orderer // nil: any order will do
	expected expectation
	pieces   int
	alone    bool // the first lane carries all
	// With a journal (resume_download.go):
	kept  body.Kept // the sink, once the journal speaks of it
	there []bool    // pieces that need not be fetched; nil: none

	mu   sync.Mutex
	next int // the first piece that no lane has; guarded by mu

	first struct { // memory of the first lane
		cancel context.CancelCauseFunc // ends its attempt
		call   call
		fetch  fetch
		piece  piece
		head   s3api.Response
	}
}

// piece is one range of a download, on its lane. What is below turn belongs to
// whoever has its token, which is one lane, or one of two where the piece is
// raced.
type piece struct {
	i           int
	off, length int64         // in the sink
	turn        chan struct{} // holds a token while somebody brings bytes to the sink; nil: one lane has it alone
	carried     *carried      // nil: it is not raced

	got     atomic.Int64 // bytes that are in the sink; read by others too
	sum     *checksum.Hash
	own     *checksum.Hash // for the journal, where sum doesn't do
	ordered *body.OrderedPart
	done    bool
	err     error // why nobody can go on with it
}

// fetch is one answer on its way into a piece, and then perhaps into the next.
// It belongs to one lane.
type fetch struct {
	p     *piece
	at    int64 // place in the piece of the answer's next byte
	moved int64 // bytes that have arrived
	err   error // why the sink didn't take them
}

func (t *transfer) download(ctx context.Context) (out *driver.Outcome, err error) {
	template, err := t.form(ctx, s3api.GetObject)
	if err != nil {
		return nil, err
	}
	d := &download{transfer: t, template: template}
	d.group, d.groupCtx = &group{cancel: func(error) {}}, ctx
	err = errEnded // so it is if a hook or a writer of the caller's ends this goroutine
	defer func() { out, err = d.end(err) }()
	return nil, d.fetch(ctx)
}

// fetch brings all bytes into the sink. The first lane is on the transfer's own
// goroutine: most objects need no other.
func (d *download) fetch(ctx context.Context) error {
	tookUp, err := d.takeUp(ctx)
	switch {
	case err != nil:
		return err
	case tookUp:
		d.group, d.groupCtx = newGroup(ctx)
		d.fetchMissing()
	default:
		d.group.fail(d.firstLane(d.groupCtx))
	}
	if err := d.group.wait(); err != nil {
		return err
	}
	if err := d.validate(ctx); err != nil {
		return err
	}
	return context.Cause(ctx) // cancelled before the target was touched
}

// end waits for the lanes and ends the sink: with the bytes in it, or without
// them if err says that they are not there.
func (d *download) end(err error) (*driver.Outcome, error) {
	d.group.fail(err)
	_ = d.group.wait() // err is the first failure, or what came after it
	if d.order != nil {
		d.order.Drop()
	}
	switch {
	case d.sink == nil:
		return nil, err
	case err != nil:
		return nil, d.giveUp(err)
	}
	return d.commit()
}

// firstLane sends the plain GET, reads as much of its answer as no other lane
// has taken, and then goes on as they do.
func (d *download) firstLane(ctx context.Context) error {
	ln, f, c := d.leadLane(), &d.first.fetch, &d.first.call
	defer ln.drop()
	f.p, c.template = &d.first.piece, d.template
	c.prepare = func(h http.Header, query *string) {
		if d.head != nil {
			d.askRange(f, h, query) // the first answer broke off
		} else {
			d.pinKnown(h)
		}
	}
	own, cancel := context.WithCancelCause(ctx) // ends where another lane has outrun this one
	defer cancel(nil)
	d.first.cancel = cancel
	c.read = func(w *watch, resp *wire.Response) error {
		if d.head == nil {
			if err := d.begin(own, ln, w, f.p, resp); err != nil {
				return err
			}
			return d.readOn(own, ln, w, c, f, resp, cancel)
		}
		if err := d.checkRange(f, resp); err != nil {
			return err
		}
		return d.receive(own, ln, w, f, resp)
	}
	_, err := d.do(own, ln, c)
	if err = d.leave(f.p, err); err != nil {
		return d.explain(err)
	}
	return d.otherLane(d.groupCtx, ln)
}

// pinKnown asks for the very object whose ETag the caller knows.
func (d *download) pinKnown(h http.Header) {
	if d.job.ETag != "" && h.Get(s3api.HeaderIfMatch) == "" {
		if etag := strongETag(d.job.ETag); etag != "" {
			h[s3api.HeaderIfMatch] = []string{etag}
		}
	}
}

// begin looks at the first answer's head, opens the sink and starts the other
// lanes.
func (d *download) begin(ctx context.Context, ln *lane, w *watch, p *piece, resp *wire.Response) error {
	w.pause()
	if err := d.measure(resp); err != nil {
		return &retry.Permanent{Err: err}
	}
	d.etag = resp.Header.Get(s3api.HeaderETag)
	d.events.Found(d.size, d.etag)
	ln.work.set(atDisk)
	sink, err := d.job.Sink.Open(d.groupCtx, d.job.FS, d.size)
	if err != nil {
		return &retry.Permanent{Err: err}
	}
	d.partSize = d.job.PartSize
	if sink.Ordered() {
		d.partSize = min(d.partSize, orderedMax)
	}
	if d.alone = d.size < d.job.Threshold || d.job.PartNumber > 0; d.alone {
		d.partSize = max(d.size, 1)
	}
	d.pieces = max(1, plan.Uniform{Size: d.size, PartSize: d.partSize}.Count()) // an empty object is one empty piece
	d.expect(ctx, ln, resp.Header)
	d.sink = d.follow(sink)
	if sink.Ordered() && d.pieces > 1 && !d.alone {
		d.order = body.NewOrderer(d.sink, d.client.ahead, d.readAhead)
	}
	d.first.head = s3api.Response{Status: resp.Status, Header: resp.Header, ContentLength: resp.ContentLength}
	d.head = &d.first.head
	if err := d.beginJournal(); err != nil {
		return &retry.Permanent{Err: err}
	}
	d.plan(0, p)
	d.next = 1
	return d.startLanes(ctx, p)
}

// What is read ahead for an ordered writer: pieces of at most orderedMax bytes,
// for four times the lanes. That keeps the lanes busy; all that goes beyond it
// waits in memory that the processor's cache knows nothing of.
const (
	orderedMax   = 2 << 20
	orderedAhead = 4
)

// readAhead is how many pieces may be under way to an ordered writer.
func (d *download) readAhead() int {
	lanes, _ := d.client.lanes.counts()
	if d.job.Concurrency > 0 {
		lanes = min(lanes, d.job.Concurrency)
	}
	return orderedAhead * lanes
}

// measure finds out how much there is to deliver, and where in the object it
// lies.
func (d *download) measure(resp *wire.Response) error {
	if resp.ContentLength < 0 {
		return errors.New("the answer has no Content-Length, so that its end could not be told from a broken connection")
	}
	if resp.ContentLength > s3api.MaxObjectSize {
		return fmt.Errorf("the answer announces %d bytes, more than an object can have", resp.ContentLength)
	}
	d.size, d.whole = resp.ContentLength, resp.ContentLength
	if resp.Status == http.StatusPartialContent {
		first, last, total, err := plan.ParseContentRange(resp.Header.Get(s3api.HeaderContentRange))
		if err != nil {
			return err
		}
		if last-first+1 != d.size {
			return fmt.Errorf("Content-Range %q does not fit a Content-Length of %d", resp.Header.Get(s3api.HeaderContentRange), d.size)
		}
		if err := d.askedFor(first, last, total); err != nil {
			return err
		}
		d.base, d.whole = first, total
	} else if d.job.Range != "" {
		return fmt.Errorf("the server ignored Range %q and answered with status %d", d.job.Range, resp.Status)
	}
	if d.job.Size >= 0 && d.job.Range == "" && d.job.PartNumber == 0 && d.job.Size != d.size {
		return &driver.ObjectModifiedError{Bucket: d.job.Bucket, Key: d.job.Key, ETag: d.job.ETag,
			Err: fmt.Errorf("its size was given as %d and is %d", d.job.Size, d.size)}
	}
	return nil
}

// askedFor holds the first answer's range to what the caller asked for: all, or
// a Range. Of one that can't be read the server is the judge.
func (d *download) askedFor(first, last, total int64) error {
	if d.job.PartNumber > 0 || total < 0 {
		return nil
	}
	want := plan.Range{Length: total}
	if d.job.Range != "" {
		spec, err := plan.ParseRange(d.job.Range)
		if err != nil {
			return nil
		}
		if want, err = spec.Resolve(total); err != nil {
			return fmt.Errorf("the answer has bytes: %w", err)
		}
	}
	if first != want.Offset || last != want.End()-1 {
		return fmt.Errorf("asked for %q, the answer has the bytes %d-%d of %d", d.job.Range, first, last, total)
	}
	return nil
}

// startLanes starts the lanes that ask for ranges.
func (d *download) startLanes(ctx context.Context, first *piece) error {
	if d.alone {
		return nil
	}
	d.join()
	if d.order != nil {
		var err error
		if first.ordered, err = d.order.Part(ctx, first.off, first.length); err != nil {
			return &retry.Permanent{Err: err}
		}
		d.startOrdered()
		return nil
	}
	d.spawnLanes()
	d.spawn.started.Store(1) // the first lane
	d.spawn.more()
	return nil
}

// spawnLanes prepares the lanes that claim pieces in any order.
func (d *download) spawnLanes() {
	d.spawner(d.group, d.pieces)
	d.spawn.run = func() error {
		ln := d.lane()
		defer ln.drop()
		return d.otherLane(d.groupCtx, ln)
	}
}

// startOrdered starts the lanes of an ordered sink: their pieces are given out
// by one goroutine, which reserves the room for each in order.
func (d *download) startOrdered() {
	work := make(chan *piece)
	d.spawner(d.group, d.pieces) // beside the first lane, which takes none of them
	d.spawn.run = func() error {
		ln := d.lane()
		defer ln.drop()
		for p := range work {
			if err := d.carry(d.groupCtx, ln, p); err != nil {
				return err
			}
			ln.drop()
		}
		d.race(d.groupCtx, ln)
		return nil
	}
	d.spawn.more()
	d.group.goes(func() error {
		defer close(work)
		return d.feedOrdered(d.groupCtx, work)
	})
}

func (d *download) feedOrdered(ctx context.Context, work chan<- *piece) error {
	for {
		p := d.claim(-1)
		if p == nil {
			return nil
		}
		var err error
		if p.ordered, err = d.order.Part(ctx, p.off, p.length); err != nil {
			return err
		}
		select {
		case work <- p:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// plan makes p the i-th piece.
func (d *download) plan(i int, p *piece) {
	var r plan.Range
	if d.size > 0 {
		r = plan.Uniform{Size: d.size, PartSize: d.partSize}.At(i)
	}
	p.i, p.off, p.length, p.sum = i, r.Offset, r.Length, d.expected.hash()
	if d.pieces > 1 {
		p.turn = make(chan struct{}, 1)
	}
	d.noting(p)
}

// claim takes the next piece, or, if only is not negative, that one if it is
// the next. Nil if there is none.
func (d *download) claim(only int) *piece {
	d.mu.Lock()
	for d.next < len(d.there) && d.there[d.next] {
		d.next++
	}
	i := d.next
	if i >= d.pieces || only >= 0 && only != i {
		d.mu.Unlock()
		return nil
	}
	d.next++
	d.mu.Unlock()
	p := &piece{}
	d.plan(i, p)
	return p
}

// readOnMax is how much of the first answer is read while others wait for a
// lane. What the connection holds of the rest is lost then, so it is not done
// after every piece.
const readOnMax = 64 << 20

// readOn reads the first answer's body: its piece, and then piece after piece
// until one is somebody else's, or it is other transfers' turn. cancel ends ctx.
func (d *download) readOn(ctx context.Context, ln *lane, w *watch, c *call, f *fetch, resp *wire.Response, cancel context.CancelCauseFunc) error {
	for {
		if d.pieces > 1 {
			c.part = f.p.i + 1
			d.enter(f.p, cancel)
		}
		if err := d.receive(ctx, ln, w, f, resp); err != nil {
			return err
		}
		if d.order != nil {
			return nil // its pieces are given out by one goroutine
		}
		if f.at < f.p.length {
			return nil // another lane was faster: this answer stands in the middle of the piece
		}
		if f.p.off+f.at >= readOnMax && d.client.lanes.wanted(&d.flow) {
			return nil
		}
		following := d.claim(f.p.i + 1)
		if following == nil {
			return nil
		}
		_ = d.leave(f.p, nil)
		f.p, f.at = following, 0
	}
}

// otherLane carries pieces until there are none.
func (d *download) otherLane(ctx context.Context, ln *lane) error {
	if d.order != nil {
		return nil // its pieces come through a channel
	}
	for {
		ln.drop() // it is others' turn
		p := d.claim(-1)
		if p == nil {
			d.race(ctx, ln)
			return nil
		}
		if err := d.carry(ctx, ln, p); err != nil {
			return err
		}
	}
}

// carry fetches one piece by range, from the first byte that is missing.
func (d *download) carry(ctx context.Context, ln *lane, p *piece) error {
	if err := ln.take(ctx); err != nil {
		return err
	}
	d.spawn.more()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	d.enter(p, cancel)
	_, err := d.do(ctx, ln, d.rangeCall(ctx, ln, &fetch{p: p}))
	return d.explain(d.leave(p, err))
}

// rangeCall is the call that brings what is missing of a piece.
func (d *download) rangeCall(ctx context.Context, ln *lane, f *fetch) *call {
	c := &call{template: d.template, part: f.p.i + 1}
	c.prepare = func(h http.Header, query *string) { d.askRange(f, h, query) }
	c.read = func(w *watch, resp *wire.Response) error {
		if err := d.checkRange(f, resp); err != nil {
			return err
		}
		return d.receive(ctx, ln, w, f, resp)
	}
	return c
}

// askRange asks for what is missing of a piece, of the object that the transfer
// began with. Where another lane is about to end the piece, that is its last
// byte: no range means all of the object.
func (d *download) askRange(f *fetch, h http.Header, query *string) {
	f.at = max(0, min(f.p.got.Load(), f.p.length-1))
	if f.p.length > 0 {
		h[s3api.HeaderRange] = []string{f.missing(d.base).Header()}
	}
	if etag := strongETag(d.etag); etag != "" {
		h[s3api.HeaderIfMatch] = []string{etag}
	}
	if version := d.head.Header.Get(s3api.HeaderVersionID); version != "" && version != "null" {
		*query = setQuery(*query, s3api.QueryVersionID, version)
	}
	*query = setQuery(*query, s3api.QueryPartNumber, "")
}

// missing is what an answer is to bring, in an object in which the sink begins
// at base.
func (f *fetch) missing(base int64) plan.Range {
	return plan.Range{Offset: base + f.p.off + f.at, Length: f.p.length - f.at}
}

// explain turns S3's 412 for our own If-Match into what it means.
func (d *download) explain(err error) error {
	var failure *driver.Failure
	var answer interface{ HTTPStatusCode() int }
	pinned := d.head != nil || d.job.ETag != "" && d.template.Header.Get(s3api.HeaderIfMatch) == ""
	if errors.As(err, &failure) && errors.As(failure.Err, &answer) && answer.HTTPStatusCode() == http.StatusPreconditionFailed && pinned {
		etag := d.etag
		if etag == "" {
			etag = d.job.ETag
		}
		failure.Err = &driver.ObjectModifiedError{Bucket: d.job.Bucket, Key: d.job.Key, ETag: etag, Err: failure.Err}
	}
	return err
}

// checkRange holds the answer to a range to what was asked for.
func (d *download) checkRange(f *fetch, resp *wire.Response) error {
	permanent := func(err error) error { return &retry.Permanent{Err: err} }
	if etag := resp.Header.Get(s3api.HeaderETag); etag != "" && d.etag != "" && etag != d.etag {
		return permanent(&driver.ObjectModifiedError{Bucket: d.job.Bucket, Key: d.job.Key, ETag: d.etag,
			Err: fmt.Errorf("an answer came with ETag %s", etag)})
	}
	want := f.missing(d.base)
	if resp.Status == http.StatusOK {
		if want.Offset == 0 && resp.ContentLength == want.Length {
			return nil // the whole was asked for, and it is what came
		}
		return permanent(fmt.Errorf("the server ignored Range %q and answered with the whole object", want.Header()))
	}
	first, last, total, err := plan.ParseContentRange(resp.Header.Get(s3api.HeaderContentRange))
	if err != nil {
		return permanent(err)
	}
	if resp.ContentLength >= 0 && resp.ContentLength != want.Length {
		return permanent(fmt.Errorf("requested range %q came with a Content-Length of %d", want.Header(), resp.ContentLength))
	}
	if first != want.Offset || last != want.End()-1 || total >= 0 && d.whole >= 0 && total != d.whole {
		return permanent(fmt.Errorf("requested range %q of %d bytes does not match content range %q in the answer",
			want.Header(), d.whole, resp.Header.Get(s3api.HeaderContentRange)))
	}
	return nil
}

// sinkTask is what is done while the sink is at work.
func (d *download) sinkTask() task {
	if d.sink.Local() {
		return atDisk
	}
	return atCaller
}

// commit gives the bytes their name.
func (d *download) commit() (*driver.Outcome, error) {
	out := d.outcome(s3api.GetObject, d.head)
	out.Size, out.Parts = d.size, d.pieces
	out.Checksum = d.expected.result
	err := d.client.lanes.outside(d.sinkTask(), func() error {
		return d.sink.Commit(body.Info{Size: d.size, LastModified: out.LastModified})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
