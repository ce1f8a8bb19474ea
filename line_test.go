package haul_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/driver"
)

// However many transfers wait on a context, it is watched once, and its end is
// that of all of them and of no other.
func TestWaitingOnFewContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := make(gate)
		d := &fakeDriver{parallel: 1, do: g.transfer}
		m := newManager(t, d)
		upload(t, m) // runs
		shared, end := context.WithCancelCause(t.Context())
		alike := context.WithValue(shared, gate(nil), "another context that ends with it")
		own, endOwn := context.WithCancelCause(t.Context())
		defer endOwn(nil)
		waits := func(ctx context.Context) *haul.Future {
			f, err := m.Upload(ctx, haul.FromBytes(nil), put())
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		var ended, kept []*haul.Future
		for range 20 {
			ended = append(ended, waits(shared), waits(alike))
			kept = append(kept, waits(own), waits(context.Background()))
		}
		if got := haul.Watched(m); got != 2 {
			t.Errorf("contexts watched for 80 transfers: got %d, want 2", got)
		}
		for i := range 10 { // from the middle, the end and the beginning
			for _, f := range []*haul.Future{ended[(20+7*i)%40], kept[39-i]} {
				if !f.Cancel() {
					t.Error("Cancel of one that waits: got false, want true")
				}
			}
		}
		cause := errors.New("all of them")
		end(cause)
		synctest.Wait()
		n := 0
		for _, f := range ended {
			if _, err := f.Outcome(); errors.Is(err, cause) && f.IsDone() {
				n++
			}
		}
		if n != 30 {
			t.Errorf("ended with their context: got %d, want the 30 that were not cancelled before", n)
		}
		close(g)
		shutdown(t, m)
		for i, f := range kept {
			if _, err := f.Outcome(); (err == nil) != (i < 30) {
				t.Errorf("transfer %d of the others: got %v, want success for the 30 that were not cancelled", i, err)
			}
		}
		if got := haul.Watched(m); got != 0 {
			t.Errorf("contexts watched at the end: got %d, want none", got)
		}
	})
}

// A cancel in OnQueued comes before the transfer stands in the queue.
func TestCancelInOnQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := make(gate)
		d := &fakeDriver{parallel: 1, do: g.transfer}
		m := newManager(t, d)
		upload(t, m)
		f := upload(t, m, haul.SubscriberFuncs{Queued: func(f *haul.Future) error { f.Cancel(); return nil }})
		<-f.Done() // while the first one still runs
		_, err := f.Outcome()
		wantErr(t, "Outcome", err, haul.ErrCanceled)
		close(g)
		shutdown(t, m)
	})
}

// What a transfer is made of when its turn comes is what OnQueued left, whoever
// has hands on the input since.
func TestInputIsFrozen(t *testing.T) {
	for _, c := range []struct {
		name  string
		taken bool // by the hook
	}{{"taken-in-the-hook", true}, {"taken-afterwards", false}} {
		t.Run(c.name, func(t *testing.T) {
			g := make(gate)
			d := &fakeDriver{parallel: 1, do: g.transfer}
			m := newManager(t, d)
			upload(t, m)
			in := put()
			in.Metadata = map[string]string{"a": "b"}
			hook := haul.SubscriberFuncs{Queued: func(f *haul.Future) error {
				if c.taken {
					inputOf(f).ContentType = &text
				}
				return nil
			}}
			f, err := m.Upload(t.Context(), haul.FromBytes(nil), in, haul.WithSubscribers(hook))
			if err != nil {
				t.Fatal(err)
			}
			late := inputOf(f)
			late.ContentLanguage, late.Metadata["a"] = &text, "c"
			in.CacheControl, in.Metadata["a"] = &text, "d"
			close(g)
			shutdown(t, m)
			sent := putOf(d.jobs[1])
			if (sent.ContentType != nil) != c.taken || sent.ContentLanguage != nil || sent.CacheControl != nil || sent.Metadata["a"] != "b" {
				t.Errorf("PutObject: got %+v, want what OnQueued left", sent)
			}
			if got := inputOf(f); got != late {
				t.Errorf("Input afterwards: got %p, want %p again", got, late)
			}
		})
	}
}

var text = "text"

func inputOf(f *haul.Future) *s3.PutObjectInput { return f.Meta().Input().(*s3.PutObjectInput) }

func putOf(j *driver.Job) *s3.PutObjectInput { return j.Calls.Input("PutObject").(*s3.PutObjectInput) }
