package bufpool_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"unsafe"

	"github.com/haul-s3/haul/internal/bufpool"
)

// mustPanic fails the test if call does not panic.
func mustPanic(t *testing.T, what string, call func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: got no panic, want one", what)
		}
	}()
	call()
}

// reserve reserves n bytes that must be free.
func reserve(t *testing.T, p *bufpool.Pool, n int64) *bufpool.Reservation {
	t.Helper()
	r, err := p.Reserve(t.Context(), n)
	if err != nil {
		t.Fatalf("reserve %d: %v", n, err)
	}
	return r
}

func TestGetRoundsUpToClass(t *testing.T) {
	p := bufpool.New(1)
	tests := []struct{ n, length, capacity int }{
		{0, 0, 4 << 10},
		{1, 1, 4 << 10},
		{4 << 10, 4 << 10, 4 << 10},
		{4<<10 + 1, 4<<10 + 1, 16 << 10},
		{64 << 10, 64 << 10, 64 << 10},
		{64<<10 + 1, 64<<10 + 1, bufpool.SliceSize},
		{bufpool.SliceSize, bufpool.SliceSize, bufpool.SliceSize},
		{1 << 30, bufpool.SliceSize, bufpool.SliceSize},
	}
	for _, test := range tests {
		b := p.Get(test.n)
		if len(b) != test.length || cap(b) != test.capacity {
			t.Errorf("%d: got %d of %d, want %d of %d", test.n, len(b), cap(b), test.length, test.capacity)
		}
		p.PutSlice(b)
	}
	if got := len(p.GetSlice()); got != bufpool.SliceSize {
		t.Errorf("full slice: got %d bytes, want %d", got, bufpool.SliceSize)
	}
}

func TestSliceIsLentAgain(t *testing.T) {
	p := bufpool.New(1)
	b := p.GetSlice()
	b[0] = 1
	p.PutSlice(b[:10])
	again := p.GetSlice()
	if &again[0] != &b[0] || len(again) != bufpool.SliceSize {
		t.Errorf("got another slice of %d bytes, want the same of %d", len(again), bufpool.SliceSize)
	}
	p.PutSlice(again)
	if got := testing.AllocsPerRun(100, func() { p.PutSlice(p.GetSlice()) }); got != 0 {
		t.Errorf("get and put allocate %v times, want 0", got)
	}
}

func TestIdleSlicesAreBounded(t *testing.T) {
	p := bufpool.New(1)
	var lent [][]byte
	for i := range 200 {
		lent = append(lent, p.Get(bufpool.SliceSize>>(i%4)))
	}
	if got := p.Outstanding(); got != 200 {
		t.Errorf("outstanding: got %d, want 200", got)
	}
	for _, b := range lent {
		p.PutSlice(b)
	}
	if idle, _ := p.Idle(); idle > bufpool.IdleBytesMax || p.Outstanding() != 0 {
		t.Errorf("got %d bytes idle and %d outstanding, want at most %d and 0", idle, p.Outstanding(), bufpool.IdleBytesMax)
	}
	p.Trim()
	if idle, _ := p.Idle(); idle != 0 {
		t.Errorf("after Trim: got %d bytes idle, want 0", idle)
	}
}

func TestPutSlicePanicsOnMisuse(t *testing.T) {
	p := bufpool.New(1)
	mustPanic(t, "more given back than lent", func() { p.PutSlice(make([]byte, bufpool.SliceSize)) })
	b := p.GetSlice()
	mustPanic(t, "cut at its start", func() { p.PutSlice(b[1:]) })
	mustPanic(t, "odd capacity", func() { p.PutSlice(make([]byte, 100)) })
	p.PutSlice(b)
	mustPanic(t, "given back twice", func() { p.PutSlice(b) })
	mustPanic(t, "negative limit", func() { bufpool.New(-1) })
}

func TestZeroLimitIsDefault(t *testing.T) {
	got, want := bufpool.New(0).Limit(), bufpool.DefaultLimit()
	if got != want || got <= 0 || got > 2<<30 {
		t.Errorf("got %d, want %d, from 1 to 2 GiB", got, want)
	}
}

func TestReservationIsReusedAndBounded(t *testing.T) {
	p := bufpool.New(100)
	r := reserve(t, p, 60)
	if idle := p.InUse(); idle != 60 || r.Len() != 60 || p.Outstanding() != 1 {
		t.Errorf("got %d in use, length %d, %d outstanding, want 60, 60, 1", idle, r.Len(), p.Outstanding())
	}
	first := r.Bytes()
	if len(first) != 60 || &r.Bytes()[0] != &first[0] {
		t.Errorf("got %d bytes, want always the same 60", len(first))
	}
	r.Release()
	r = reserve(t, p, 60)
	if &r.Bytes()[0] != &first[0] {
		t.Error("got a new buffer, want the idle one of this size")
	}
	r.Release()
	r = reserve(t, p, 50) // 60 idle and 50 in use are over the limit
	if _, idle := p.Idle(); idle != 0 {
		t.Errorf("got %d bytes idle, want 0", idle)
	}
	r.Release() // never allocated: nothing to keep
	if _, idle := p.Idle(); idle != 0 || p.InUse() != 0 || p.Outstanding() != 0 {
		t.Errorf("got %d idle, %d in use, %d outstanding, want 0", idle, p.InUse(), p.Outstanding())
	}
}

func TestIdleStagingIsSmallWhenNothingIsLent(t *testing.T) {
	p := bufpool.New(1 << 30)
	var lent []*bufpool.Reservation
	for range 5 {
		r := reserve(t, p, 8<<20)
		r.Bytes()
		lent = append(lent, r)
	}
	for _, r := range lent {
		r.Release()
	}
	if _, idle := p.Idle(); idle != bufpool.IdleBytesMax {
		t.Errorf("got %d bytes idle, want %d", idle, bufpool.IdleBytesMax)
	}
	p.Trim()
	if _, idle := p.Idle(); idle != 0 {
		t.Errorf("after Trim: got %d bytes idle, want 0", idle)
	}
}

func TestReservationPanicsOnMisuse(t *testing.T) {
	r := reserve(t, bufpool.New(10), 5)
	r.Release()
	mustPanic(t, "released twice", r.Release)
	mustPanic(t, "bytes after release", func() { r.Bytes() })
}

func TestReserveRefuses(t *testing.T) {
	p := bufpool.New(10)
	_, err := p.Reserve(t.Context(), 11)
	var tooLarge *bufpool.LimitError
	if !errors.As(err, &tooLarge) || *tooLarge != (bufpool.LimitError{Bytes: 11, Limit: 10}) || !strings.Contains(err.Error(), "limit of 10 bytes") {
		t.Errorf("over the limit: got %v, want an error that names 11 and 10", err)
	}
	if _, err := p.Reserve(t.Context(), -1); err == nil || !strings.Contains(err.Error(), "-1") {
		t.Errorf("negative: got %v, want an error that names -1", err)
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := p.Reserve(ctx, 1); !errors.Is(err, cause) || p.InUse() != 0 {
		t.Errorf("ended context: got %v and %d in use, want %v and 0", err, p.InUse(), cause)
	}
}

func TestReserveIsFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := bufpool.New(10)
		holder := reserve(t, p, 6)
		var mu sync.Mutex
		var order []int64 // guarded by mu; read while all goroutines are blocked
		lent := make(chan *bufpool.Reservation, 3)
		for _, n := range []int64{9, 3, 2} { // 3 would fit now, but stands behind 9
			go func() {
				r, err := p.Reserve(t.Context(), n)
				if err != nil {
					t.Errorf("reserve %d: %v", n, err)
					return
				}
				mu.Lock()
				order = append(order, n)
				mu.Unlock()
				lent <- r
			}()
			synctest.Wait()
		}
		if len(order) != 0 {
			t.Errorf("granted before release: got %v, want none", order)
		}
		holder.Release()
		synctest.Wait()
		if len(order) != 1 || order[0] != 9 {
			t.Fatalf("after the first release: got %v, want 9 alone", order)
		}
		(<-lent).Release()
		synctest.Wait()
		if len(order) != 3 || p.InUse() != 5 {
			t.Fatalf("after the second: got %v with %d in use, want all three with 5", order, p.InUse())
		}
		(<-lent).Release()
		(<-lent).Release()
	})
}

func TestCanceledWaiterLetsOthersPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := bufpool.New(10)
		holder := reserve(t, p, 6)
		cause := errors.New("not wanted any more")
		ctx, cancel := context.WithCancelCause(t.Context())
		failed := make(chan error, 1)
		go func() {
			_, err := p.Reserve(ctx, 9)
			failed <- err
		}()
		synctest.Wait()
		lent := make(chan *bufpool.Reservation, 1)
		go func() { lent <- reserve(t, p, 4) }()
		synctest.Wait()
		cancel(cause)
		if err := <-failed; !errors.Is(err, cause) {
			t.Errorf("got %v, want %v", err, cause)
		}
		(<-lent).Release()
		holder.Release()
		if p.InUse() != 0 || p.Outstanding() != 0 {
			t.Errorf("got %d in use, %d outstanding, want 0", p.InUse(), p.Outstanding())
		}
	})
}

// TestManyGoroutinesShareTheLimit lets goroutines with cancelled and living
// contexts fight for the memory and checks that no two own the same byte.
func TestManyGoroutinesShareTheLimit(t *testing.T) {
	p := bufpool.New(1000)
	var inUse atomic.Int64
	var all sync.WaitGroup
	for g := range 16 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(g)))
			for range 200 {
				fight(t, p, &inUse, byte(g), random)
			}
		})
	}
	all.Wait()
	if _, idle := p.Idle(); p.InUse() != 0 || p.Outstanding() != 0 || idle > 1000 {
		t.Errorf("got %d in use, %d outstanding, %d idle, want 0, 0, at most 1000", p.InUse(), p.Outstanding(), idle)
	}
}

// fight takes and gives back one slice and one reservation.
func fight(t *testing.T, p *bufpool.Pool, inUse *atomic.Int64, mark byte, random *rand.Rand) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if random.IntN(2) == 0 {
		go cancel()
	}
	slice := p.Get(random.IntN(1 << 14))
	defer p.PutSlice(slice)
	r, err := p.Reserve(ctx, 100*random.Int64N(11))
	if err != nil {
		return
	}
	if now := inUse.Add(r.Len()); now > p.Limit() {
		t.Errorf("got %d bytes in use, limit %d", now, p.Limit())
	}
	for _, b := range [][]byte{slice, r.Bytes()} {
		for i := range b {
			b[i] = mark
		}
	}
	for _, b := range [][]byte{slice, r.Bytes()} {
		if bytes.Count(b, []byte{mark}) != len(b) {
			t.Error("someone else wrote into a lent buffer")
		}
	}
	inUse.Add(-r.Len())
	r.Release()
}

func TestSlicesAreAligned(t *testing.T) {
	p := bufpool.New(1 << 20)
	for n := 1; n <= bufpool.SliceSize; n *= 4 {
		b := p.Get(n)
		if at := uintptr(unsafe.Pointer(unsafe.SliceData(b))); at%bufpool.Alignment != 0 {
			t.Errorf("a slice of %d bytes begins at %#x, want a multiple of %d", n, at, bufpool.Alignment)
		}
		p.PutSlice(b)
	}
}

func TestTryReserveNeverWaits(t *testing.T) {
	p := bufpool.New(10)
	first := p.TryReserve(6)
	if first == nil || first.Len() != 6 || p.InUse() != 6 {
		t.Fatalf("got %v with %d bytes in use, want a reservation of 6", first, p.InUse())
	}
	if r := p.TryReserve(5); r != nil {
		t.Error("got more than the limit, want nothing")
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := p.Reserve(ctx, 9)
			ended <- err
		}()
		synctest.Wait()
		if r := p.TryReserve(1); r != nil {
			t.Error("got what another waits for, want nothing")
		}
		cancel()
		<-ended
	})
	second := p.TryReserve(4)
	if second == nil {
		t.Fatal("got nothing, want what is left")
	}
	first.Release()
	second.Release()
}
