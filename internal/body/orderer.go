package body

import (
	"context"
	"errors"
	"sync"

	"github.com/haul-s3/haul/internal/bufpool"
)

// Orderer brings parts that arrive at the same time into an ordered Writer. The
// part whose turn it is goes straight through; those behind it wait in memory
// that is reserved, part by part in order, under the pool's limit. So the first
// unfinished part never needs memory that another part holds, and nothing can
// wait in a circle.
type Orderer struct {
	w    Writer
	pool *bufpool.Pool
	most func() int // parts that may be under way

	passed chan struct{} // has room for one; sent to when a part is through

	mu   sync.Mutex
	n    int          // parts under way; guarded by mu
	head *OrderedPart // the part whose turn it is; guarded by mu
	tail *OrderedPart // the last part begun; guarded by mu
}

// NewOrderer returns an orderer into w. It has at most so many parts under way
// as most says, and at least one: reading further ahead than keeps the lanes
// busy only costs memory.
func NewOrderer(w Writer, pool *bufpool.Pool, most func() int) *Orderer {
	return &Orderer{w: w, pool: pool, most: most, passed: make(chan struct{}, 1)}
}

// OrderedPart is one part on its way. Stage, Write, CloseStaged and Close belong
// to one goroutine. A turn once come stays.
type OrderedPart struct {
	o      *Orderer
	off    int64         // of the next byte to write to w
	turn   chan struct{} // closed, under o.mu, when its turn has come
	room   *bufpool.Reservation
	staged int // bytes of room that aren't written yet

	// Guarded by o.mu.
	next *OrderedPart
	done bool
	wake context.CancelCauseFunc // ends the wait for room
}

var errTurn = errors.New("turn has come")

// Part begins the next part: length bytes at off, right behind those of the
// last. It waits until few enough are under way, and until there is room for it
// or it is its turn, and is called by one goroutine at a time.
func (o *Orderer) Part(ctx context.Context, off, length int64) (*OrderedPart, error) {
	for o.full() {
		select {
		case <-o.passed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	wait, wake := context.WithCancelCause(ctx)
	defer wake(nil)
	p := &OrderedPart{o: o, off: off, turn: make(chan struct{}), wake: wake}
	o.append(p)
	if p.isTurn() {
		return p, nil
	}
	if length > o.pool.Limit() {
		<-wait.Done() // no room would ever do
	} else {
		p.room, _ = o.pool.Reserve(wait, length)
	}
	if p.room == nil && !p.isTurn() {
		return nil, context.Cause(ctx)
	}
	return p, nil
}

// full says that no further part may begin.
func (o *Orderer) full() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.n > 0 && o.n >= o.most()
}

func (o *Orderer) append(p *OrderedPart) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n++
	if o.tail != nil {
		o.tail.next = p
	}
	o.tail = p
	if o.head == nil {
		o.promoteLocked(p)
	}
}

func (o *Orderer) promoteLocked(p *OrderedPart) {
	o.head = p
	close(p.turn)
	p.wake(errTurn)
}

// isTurn says that the part's bytes go straight to the writer, so that Write
// and Close may take as long as the writer does.
func (p *OrderedPart) isTurn() bool {
	select {
	case <-p.turn:
		return true
	default:
		return false
	}
}

// Stage takes the next bytes of the part into memory, which never blocks. It is
// false where it is the part's turn: then Write takes them.
func (p *OrderedPart) Stage(b []byte) (bool, error) {
	if p.isTurn() {
		return false, nil
	}
	n := copy(p.room.Bytes()[p.staged:], b)
	p.staged += n
	return true, whole(n, b, nil) // never more than the part was begun for
}

// Write takes the next bytes of the part. If it is its turn they go straight to
// the writer, and so does what was staged before.
func (p *OrderedPart) Write(b []byte) (int, error) {
	before := p.staged
	if staged, err := p.Stage(b); staged {
		return p.staged - before, err
	}
	if err := p.flush(); err != nil {
		return 0, err
	}
	n, err := p.o.w.WriteAt(b, p.off)
	p.off += int64(n)
	return n, err
}

// flush writes what is staged and gives its room back.
func (p *OrderedPart) flush() error {
	if p.room == nil {
		return nil
	}
	var err error
	if p.staged > 0 {
		var n int
		n, err = p.o.w.WriteAt(p.room.Bytes()[:p.staged], p.off)
		p.off += int64(n)
	}
	p.room.Release()
	p.room, p.staged = nil, 0
	return err
}

// CloseStaged ends the part, all of which is staged: whoever has the turn writes
// it. It never blocks. It is false where it is the part's own turn: then Close
// ends it.
func (p *OrderedPart) CloseStaged() bool {
	p.o.mu.Lock()
	defer p.o.mu.Unlock()
	if p.o.head == p {
		return false
	}
	p.done = true
	return true
}

// Close ends the part. If it is its turn, the turn goes to the next one, and
// every part behind it that is complete is written by this call.
func (p *OrderedPart) Close() error {
	o := p.o
	for mine := !p.CloseStaged(); mine; {
		if err := p.flush(); err != nil {
			return err
		}
		p, mine = o.pass(p)
	}
	return nil
}

// pass gives the turn to the part behind p, if there is one, and says whether
// that one is complete, so that nobody else will write it.
func (o *Orderer) pass(p *OrderedPart) (next *OrderedPart, done bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n--
	select {
	case o.passed <- struct{}{}:
	default: // it is told already
	}
	next = p.next
	if next == nil {
		o.head, o.tail = nil, nil
		return nil, false
	}
	o.promoteLocked(next)
	return next, next.done
}

// Drop gives back the room of every part that was not written, after a failure
// and once nobody writes any more.
func (o *Orderer) Drop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for p := o.head; p != nil; p = p.next {
		if p.room != nil {
			p.room.Release()
			p.room = nil
		}
	}
	o.head, o.tail = nil, nil
}
