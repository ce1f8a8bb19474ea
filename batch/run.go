package batch

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/haul-s3/haul"
)

// Options say how Run goes about it. The zero value is ready for use.
type Options struct {
	// MaxPending is how many transfers may be begun and not ended. The
	// Manager's engine decides how many of them move bytes. Default 1,000.
	MaxPending int
	// StopOnError ends everything at the first failure: no further Item is
	// begun, what runs is cancelled. Default: the others go on.
	StopOnError bool
	// Skip says which failures count as skipped, such as a refused condition.
	// It must be safe for concurrent use. Default: none.
	Skip func(error) bool
	// Done is told of the end of each Item, also of one that was skipped (err
	// is a SkippedError) or never begun. It may run on several goroutines at
	// once, and should be quick: a transfer waits for it. Default: nobody is.
	Done func(item Item, r *haul.Result, err error)
}

const defaultMaxPending = 1000

// Run takes the Items of a sequence one after the other and starts the transfer
// of each, then waits for all of them. A failure doesn't stop the others, but
// is in the Tally. When ctx ends, no further Item is begun, all transfers are
// cancelled and awaited, and the error is the context's cause. With
// Options.StopOnError it is the first failure. Otherwise it is nil.
func Run(ctx context.Context, items iter.Seq2[Item, error], start Start, o Options) (*Tally, error) {
	if o.MaxPending <= 0 {
		o.MaxPending = defaultMaxPending
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &run{o: o, start: start, cancel: cancel, slots: make(chan struct{}, o.MaxPending)}
	for item, err := range items {
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			r.ended(item, nil, err)
			continue
		}
		r.begin(ctx, item)
	}
	r.pending.Wait()
	return &r.tally, context.Cause(ctx)
}

// run is one call of Run.
type run struct {
	o       Options                 // immutable
	start   Start                   // immutable
	cancel  context.CancelCauseFunc // ends all transfers
	slots   chan struct{}           // holds a token for each pending transfer
	pending sync.WaitGroup

	mu    sync.Mutex
	tally Tally // guarded by mu while transfers are pending
}

// begin starts a transfer as soon as there is a slot for it.
func (r *run) begin(ctx context.Context, item Item) {
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return
	}
	r.pending.Add(1)
	hooks := haul.SubscriberFuncs{
		Queued: func(f *haul.Future) error {
			if item.ETag != "" {
				f.Meta().ProvideSize(item.Size)
				f.Meta().ProvideETag(item.ETag)
			}
			return nil
		},
		Done: func(f *haul.Future) {
			defer r.release()
			result, err := f.Outcome()
			r.ended(item, result, err)
		},
	}
	if _, err := r.start(ctx, item, haul.WithSubscribers(hooks)); err != nil {
		defer r.release()
		r.ended(item, nil, err)
	}
}

func (r *run) release() {
	<-r.slots
	r.pending.Done()
}

// ended takes account of an Item.
func (r *run) ended(item Item, result *haul.Result, err error) {
	var skipped *SkippedError
	if err != nil && r.o.Skip != nil && !errors.As(err, &skipped) && r.o.Skip(err) {
		err = &SkippedError{err}
	}
	failed := r.count(result, err)
	if r.o.Done != nil {
		r.o.Done(item, result, err)
	}
	if failed && r.o.StopOnError {
		r.cancel(err)
	}
}

func (r *run) count(result *haul.Result, err error) (failed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tally.add(result, err)
}
