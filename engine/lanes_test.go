package engine_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/engine"
)

var errGaveUp = errors.New("gave up")

// queue has waiters of several flows and notes in which order they get lanes.
type queue struct {
	t     *testing.T
	lanes *engine.Lanes
	group sync.WaitGroup

	mu    sync.Mutex
	order []string // guarded by mu
}

// wait adds n waiters of a flow, each of which gives its lane on at once.
func (q *queue) wait(ctx context.Context, name string, f *engine.Flow, n int) {
	for range n {
		q.group.Go(func() {
			ln := q.lanes.Lane(f)
			if err := ln.Take(ctx); err != nil {
				if !errors.Is(err, errGaveUp) || ln.Held() {
					q.t.Errorf("got %v, held %v, want %v, not held", err, ln.Held(), errGaveUp)
				}
				return
			}
			q.mu.Lock()
			q.order = append(q.order, name)
			q.mu.Unlock()
			ln.Drop()
		})
		synctest.Wait() // so that they wait in this order
	}
}

// A transfer with one part does not wait behind one with a thousand.
func TestLanesAreFair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &queue{t: t, lanes: engine.NewLanes(1)}
		var mine, huge, small engine.Flow
		first := q.lanes.Lane(&mine)
		if err := first.Take(t.Context()); err != nil {
			t.Fatal(err)
		}
		q.wait(t.Context(), "huge", &huge, 1000)
		q.wait(t.Context(), "small", &small, 1)
		first.Drop()
		q.group.Wait()
		if got := slices.Index(q.order, "small"); got != 1 {
			t.Errorf("the small transfer got lane number %d, want the second", got+1)
		}
		if got := q.lanes.Busy(); got != 0 || len(q.order) != 1001 {
			t.Errorf("got %d lanes busy and %d given, want 0 and 1001", got, len(q.order))
		}
	})
}

// Lanes go round, one each, whatever has been given up before.
func TestLanesStayFairAfterCancels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &queue{t: t, lanes: engine.NewLanes(1)}
		var mine, a, b engine.Flow
		first := q.lanes.Lane(&mine)
		if err := first.Take(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 5 { // a stands in line and leaves
			ctx, cancel := context.WithCancelCause(t.Context())
			q.wait(ctx, "nobody", &a, 3)
			cancel(errGaveUp)
			synctest.Wait()
		}
		q.wait(t.Context(), "a", &a, 5)
		q.wait(t.Context(), "b", &b, 5)
		first.Drop()
		q.group.Wait()
		if want := []string{"a", "b", "a", "b", "a", "b", "a", "b", "a", "b"}; !slices.Equal(q.order, want) {
			t.Errorf("got lanes in the order %v, want %v", q.order, want)
		}
	})
}

// A flow all of whose waiters have gone is passed over.
func TestLanesPassOverThoseWhoLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &queue{t: t, lanes: engine.NewLanes(2)}
		var mine, gone, b engine.Flow
		held := []*engine.Lane{q.lanes.Lane(&mine), q.lanes.Lane(&mine)}
		for _, ln := range held {
			if err := ln.Take(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		q.wait(ctx, "gone", &gone, 2)
		q.wait(t.Context(), "b", &b, 1)
		cancel(errGaveUp)
		synctest.Wait()
		for _, ln := range held {
			ln.Drop()
		}
		q.group.Wait()
		if want := []string{"b"}; !slices.Equal(q.order, want) || q.lanes.Busy() != 0 {
			t.Errorf("got %v and %d lanes busy, want %v and 0", q.order, q.lanes.Busy(), want)
		}
	})
}

func TestLaneTakeAndDropTwice(t *testing.T) {
	lanes := engine.NewLanes(3)
	ln := lanes.Lane(&engine.Flow{})
	for _, want := range []int{1, 1} {
		if err := ln.Take(t.Context()); err != nil || lanes.Busy() != want {
			t.Errorf("after Take: got %d busy, %v, want %d", lanes.Busy(), err, want)
		}
	}
	for range 2 {
		if ln.Drop(); lanes.Busy() != 0 {
			t.Errorf("after Drop: got %d busy, want 0", lanes.Busy())
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errGaveUp)
	if err := ln.Take(ctx); !errors.Is(err, errGaveUp) || ln.Held() || lanes.Busy() != 0 {
		t.Errorf("with an ended context: got %v, %d busy, want %v, 0", err, lanes.Busy(), errGaveUp)
	}
}

func TestLaneAway(t *testing.T) {
	lanes := engine.NewLanes(1)
	ln := lanes.Lane(&engine.Flow{})
	if err := ln.Take(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := lanes.Lane(&engine.Flow{})
	err := ln.Away(t.Context(), func() error {
		if ln.Held() {
			t.Error("the lane is held while away")
		}
		err := other.Take(t.Context()) // it is there for others
		other.Drop()
		return err
	})
	if err != nil || !ln.Held() || lanes.Busy() != 1 {
		t.Errorf("back again: got %v, held %v, %d busy, want held", err, ln.Held(), lanes.Busy())
	}
	if err := ln.Away(t.Context(), func() error { return errGaveUp }); !errors.Is(err, errGaveUp) || ln.Held() {
		t.Errorf("after an error: got %v, held %v, want %v, not held", err, ln.Held(), errGaveUp)
	}
	if err := ln.Take(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	err = ln.Away(ctx, func() error { cancel(errGaveUp); return nil })
	if !errors.Is(err, errGaveUp) || ln.Held() || lanes.Busy() != 0 {
		t.Errorf("cancelled while away: got %v, held %v, %d busy, want %v, not held", err, ln.Held(), lanes.Busy(), errGaveUp)
	}
}

// Whatever is taken, given up and given back, in the end no lane is lost, at no
// time are there more than there are, and nobody waits for ever (the bubble
// would panic).
func TestLanesProperty(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			total := 1 + rng.IntN(5)
			lanes := engine.NewLanes(total)
			flows := make([]engine.Flow, 1+rng.IntN(4))
			var group sync.WaitGroup
			for range 100 {
				f, own := &flows[rng.IntN(len(flows))], rand.New(rand.NewPCG(rng.Uint64(), 0))
				group.Go(func() { useLanes(t, lanes, total, f, own) })
			}
			group.Wait()
			if got := lanes.Busy(); got != 0 {
				t.Errorf("seed %d: got %d lanes busy in the end, want 0", seed, got)
			}
		})
	}
}

// useLanes takes a lane some times, with a patience that ends now and then.
func useLanes(t *testing.T, lanes *engine.Lanes, total int, f *engine.Flow, rng *rand.Rand) {
	moment := func() time.Duration { return time.Duration(rng.IntN(20)) * time.Millisecond }
	ln := lanes.Lane(f)
	for range 5 {
		ctx, cancel := context.WithTimeout(t.Context(), 3*moment())
		if ln.Take(ctx) == nil {
			if busy := lanes.Busy(); busy < 1 || busy > total {
				t.Errorf("got %d lanes busy, want 1 to %d", busy, total)
			}
			<-time.After(moment())
			if rng.IntN(2) == 0 {
				_ = ln.Away(ctx, func() error { <-time.After(moment()); return nil }) // it may have no patience left
			}
			ln.Drop()
		}
		cancel()
	}
}
