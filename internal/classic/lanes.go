package classic

import (
	"context"
	"errors"
	"sync"
)

// parallel runs up to n lanes, each of which takes the next piece of work and
// does it, until next says that there is none. next is called by one lane at a
// time and in order, and may block. The first error ends all lanes; parallel
// waits for them and returns it, or the cause of ctx if that ended them. A lane
// that runtime.Goexit ends, in the caller's code, has failed.
func parallel[P any](ctx context.Context, n int, next func(context.Context) (P, bool, error), do func(context.Context, P) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var turn sync.Mutex // held while next runs
	over := false       // guarded by turn
	take := func() (p P, ok bool, err error) {
		turn.Lock()
		defer turn.Unlock()
		if over || ctx.Err() != nil {
			return p, false, nil
		}
		p, ok, err = next(ctx)
		over = !ok || err != nil
		return p, ok && err == nil, err
	}
	lane := func() {
		err := errEnded
		defer func() {
			if err != nil {
				cancel(err)
			}
		}()
		err = work(ctx, take, do)
	}
	var lanes sync.WaitGroup
	for range n {
		lanes.Go(lane)
	}
	lanes.Wait()
	return context.Cause(ctx) // nil unless a lane or the caller ended it
}

// errEnded is the error of a goroutine that was ended by runtime.Goexit.
var errEnded = errors.New("the goroutine that carried the bytes ended in the caller's code")

// work is what a lane does.
func work[P any](ctx context.Context, take func() (P, bool, error), do func(context.Context, P) error) error {
	for {
		p, ok, err := take()
		if ok {
			err = do(ctx, p)
		}
		if !ok || err != nil {
			return err
		}
	}
}

// counted returns a next for parallel that counts to n: 0, 1, … n-1.
func counted(n int) func(context.Context) (int, bool, error) {
	i := -1
	return func(context.Context) (int, bool, error) {
		i++
		return i, i < n, nil
	}
}
