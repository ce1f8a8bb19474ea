package body_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/testbody"
)

// strict is an ordered writer that takes its time and sees to it that calls
// come one at a time, each where the last ended.
type strict struct {
	t      *testing.T
	pause  time.Duration
	failAt int64 // offset from which writes fail; -1: never

	mu  sync.Mutex
	got bytes.Buffer
}

func (s *strict) WriteAt(p []byte, off int64) (int, error) {
	if !s.mu.TryLock() {
		s.t.Error("two writes at once, want one at a time")
		return 0, errFault
	}
	defer s.mu.Unlock()
	if off != int64(s.got.Len()) {
		s.t.Errorf("write at %d, want at %d, where the last ended", off, s.got.Len())
	}
	pass(s.pause)
	if s.failAt >= 0 && off+int64(len(p)) > s.failAt {
		return 0, errFault
	}
	return s.got.Write(p)
}

func (s *strict) Ordered() bool          { return true }
func (s *strict) Local() bool            { return false }
func (s *strict) Commit(body.Info) error { return nil }
func (s *strict) Abort() error           { return nil }

// pass lets the fake time of a synctest bubble pass.
func pass(d time.Duration) { <-time.After(d) }

// delivery is one run of parts through an orderer.
type delivery struct {
	sizes []int64
	lanes int
	rng   *rand.Rand
	order *body.Orderer
	all   []byte
}

// run has the parts carried by lanes that take a random time, and returns the
// first error.
func (d *delivery) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	type job struct {
		part *body.OrderedPart
		b    []byte
		seed uint64
	}
	work := make(chan job)
	var group sync.WaitGroup
	for range d.lanes {
		group.Go(func() {
			for j := range work {
				if err := carry(ctx, j.part, j.b, j.seed); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	off := int64(0)
	for _, size := range d.sizes {
		part, err := d.order.Part(ctx, off, size)
		if err != nil {
			break
		}
		select {
		case work <- job{part, d.all[off : off+size], d.rng.Uint64()}:
		case <-ctx.Done():
		}
		off += size
	}
	close(work)
	group.Wait()
	return context.Cause(ctx)
}

// carry writes a part in pieces, with pauses.
func carry(ctx context.Context, p *body.OrderedPart, b []byte, seed uint64) error {
	rng := rand.New(rand.NewPCG(seed, 0))
	for len(b) > 0 {
		pass(time.Duration(rng.IntN(5)) * time.Millisecond)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := 1 + rng.IntN(len(b))
		if _, err := p.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return p.Close()
}

// Whatever the sizes of the parts, the order in which they arrive, the memory
// and the writer: the bytes come out in order, nothing waits for ever (the
// bubble would panic), and all memory comes back, after an error too.
func TestOrdererProperty(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 50
	}
	for seed := range rounds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { deliverOrdered(t, rand.New(rand.NewPCG(uint64(seed), 1))) })
		})
	}
}

func deliverOrdered(t *testing.T, rng *rand.Rand) {
	d := &delivery{rng: rng, lanes: 1 + rng.IntN(8)}
	total := int64(0)
	for range 1 + rng.IntN(30) {
		size := rng.Int64N(1000)
		d.sizes = append(d.sizes, size)
		total += size
	}
	d.all = make([]byte, total)
	testbody.Fill(d.all, rng.Uint64(), 0)
	w := &strict{t: t, pause: time.Duration(rng.IntN(3)) * time.Millisecond, failAt: -1}
	if rng.IntN(3) == 0 && total > 0 {
		w.failAt = rng.Int64N(total)
	}
	pool := bufpool.New(1 + rng.Int64N(3000)) // often less than a part
	d.order = body.NewOrderer(w, pool, manyParts)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	cancelled := rng.IntN(4) == 0
	if cancelled {
		stop := time.AfterFunc(time.Duration(rng.IntN(60))*time.Millisecond, func() { cancel(errCancelled) })
		defer stop.Stop()
	}
	err := d.run(ctx)
	d.order.Drop()
	if in := pool.InUse(); in != 0 {
		t.Errorf("memory in use at the end: got %d bytes, want 0", in)
	}
	if !bytes.HasPrefix(d.all, w.got.Bytes()) {
		t.Error("what was written is not a beginning of what was sent")
	}
	switch {
	case err == nil && !bytes.Equal(w.got.Bytes(), d.all):
		t.Errorf("got %d bytes, want %d", w.got.Len(), total)
	case err == nil && w.failAt >= 0:
		t.Error("got no error from a writer that fails")
	case err != nil && !errors.Is(err, errFault) && !errors.Is(err, errCancelled):
		t.Errorf("got %v, want an error that was made", err)
	case err != nil && w.failAt < 0 && !cancelled:
		t.Errorf("got %v, want no error", err)
	}
}

var errCancelled = errors.New("cancelled by the test")

// The part whose turn it is needs no memory, however little there is.
func TestOrdererWithoutMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := bufpool.New(10)
		taken, err := pool.Reserve(t.Context(), 10) // by somebody else, for ever
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Release()
		d := &delivery{sizes: []int64{8, 100, 10, 3}, lanes: 4, rng: rand.New(rand.NewPCG(1, 1)), all: make([]byte, 121)}
		w := &strict{t: t, failAt: -1}
		d.order = body.NewOrderer(w, pool, manyParts)
		if err := d.run(t.Context()); err != nil || w.got.Len() != 121 {
			t.Errorf("got %d bytes, %v, want 121", w.got.Len(), err)
		}
	})
}

// A part behind the first waits for room, not for its turn, and then holds its
// bytes until the first is through.
func TestOrdererStagesWhatComesEarly(t *testing.T) {
	w := &strict{t: t, failAt: -1}
	pool := bufpool.New(100)
	o := body.NewOrderer(w, pool, manyParts)
	parts := make([]*body.OrderedPart, 3)
	for i := range parts {
		var err error
		if parts[i], err = o.Part(t.Context(), int64(4*i), 4); err != nil {
			t.Fatal(err)
		}
		if got, want := parts[i].IsTurn(), i == 0; got != want {
			t.Errorf("turn of part %d: got %v, want %v", i, got, want)
		}
	}
	for i, s := range []string{"3333", "2222"} {
		p := parts[2-i]
		if _, err := p.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if w.got.Len() != 0 || pool.InUse() != 8 {
		t.Errorf("got %d bytes written, %d held, want 0, 8", w.got.Len(), pool.InUse())
	}
	if _, err := parts[0].Write([]byte("1111")); err != nil {
		t.Fatal(err)
	}
	if err := parts[0].Close(); err != nil {
		t.Fatal(err)
	}
	if got := w.got.String(); got != "111122223333" || pool.InUse() != 0 {
		t.Errorf("got %q, %d bytes held, want all in order and 0", got, pool.InUse())
	}
	// The next part finds nobody before it.
	if p, err := o.Part(t.Context(), 12, 4); err != nil || !p.IsTurn() {
		t.Errorf("part behind the last: got %v, want its turn", err)
	}
}

// What may block is never done where it isn't the part's turn, however late the
// turn comes: whether it is staged or written is decided once.
func TestOrdererStagesOrRefuses(t *testing.T) {
	w := &strict{t: t, failAt: -1}
	o := body.NewOrderer(w, bufpool.New(100), manyParts)
	var parts [3]*body.OrderedPart
	for i := range parts {
		var err error
		if parts[i], err = o.Part(t.Context(), int64(4*i), 4); err != nil {
			t.Fatal(err)
		}
	}
	stage := func(i int, s string, want bool) {
		t.Helper()
		if staged, err := parts[i].Stage([]byte(s)); staged != want || err != nil {
			t.Errorf("stage of part %d: got %v, %v, want %v", i, staged, err, want)
		}
	}
	end := func(i int, want bool) {
		t.Helper()
		if got := parts[i].CloseStaged(); got != want {
			t.Errorf("staged end of part %d: got %v, want %v", i, got, want)
		}
	}
	stage(0, "1111", false)
	stage(1, "22", true)
	stage(2, "3333", true)
	end(2, true)
	if _, err := parts[0].Write([]byte("1111")); err != nil {
		t.Fatal(err)
	}
	end(0, false)
	if err := parts[0].Close(); err != nil {
		t.Fatal(err)
	}
	stage(1, "22", false)
	if got := w.got.String(); got != "1111" {
		t.Errorf("got %q, want what has had its turn", got)
	}
	if _, err := parts[1].Write([]byte("22")); err != nil {
		t.Fatal(err)
	}
	end(1, false)
	if err := parts[1].Close(); err != nil || w.got.String() != "111122223333" {
		t.Errorf("got %q, %v, want all", w.got.String(), err)
	}
}

func TestOrdererRefusesMoreThanAPart(t *testing.T) {
	o := body.NewOrderer(&strict{t: t, failAt: -1}, bufpool.New(100), manyParts)
	var parts [2]*body.OrderedPart
	for i := range parts {
		var err error
		if parts[i], err = o.Part(t.Context(), int64(4*i), 4); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := parts[1].Write([]byte("12345")); n != 4 || err == nil {
		t.Errorf("got %d, %v, want 4 and an error", n, err)
	}
	o.Drop()
}

// manyParts is more than any test has under way.
func manyParts() int { return 1000 }

// A part begins only when few enough are under way, however much room there is.
func TestOrdererReadsAheadSoFar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := body.NewOrderer(&strict{t: t, failAt: -1}, bufpool.New(1<<20), func() int { return 3 })
		var parts []*body.OrderedPart
		begun := make(chan *body.OrderedPart, 10)
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		go func() {
			for off := int64(0); ; off += 10 {
				p, err := o.Part(ctx, off, 10)
				if err != nil {
					ended <- err
					return
				}
				begun <- p
			}
		}()
		for _, want := range []int{3, 4, 5} {
			synctest.Wait()
			for len(begun) > 0 {
				parts = append(parts, <-begun)
			}
			if len(parts) != want {
				t.Fatalf("%d parts have begun, want %d", len(parts), want)
			}
			if err := parts[want-3].Close(); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		cancel(errFault)
		if err := <-ended; !errors.Is(err, errFault) {
			t.Errorf("got %v, want %v", err, errFault)
		}
		o.Drop()
	})
}
