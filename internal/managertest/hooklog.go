package managertest

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/haul-s3/haul"
)

// hookLog notes what subscribers are told.
type hookLog struct {
	mu      sync.Mutex
	calls   []string // guarded by mu: "a queued", "a progress", …
	amounts []int64  // guarded by mu: what the first subscriber's OnProgress got
}

// subscriber notes its hooks under a name.
func (l *hookLog) subscriber(name string) haul.SubscriberFuncs {
	add := func(hook string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.calls = append(l.calls, name+" "+hook)
	}
	return haul.SubscriberFuncs{
		Queued: func(*haul.Future) error { add("queued"); return nil },
		Progress: func(_ *haul.Future, n int64) {
			add("progress")
			if name == "a" {
				l.mu.Lock()
				defer l.mu.Unlock()
				l.amounts = append(l.amounts, n)
			}
		},
		Done: func(*haul.Future) { add("done") },
	}
}

// of are the calls of one subscriber, or those of one hook.
func (l *hookLog) of(word string) (calls []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.calls {
		if slices.Contains(strings.Fields(c), word) {
			calls = append(calls, c)
		}
	}
	return calls
}

// check fails the test unless each subscriber was told queued once and first,
// done once and last, and each hook came in the order of the subscribers.
func (l *hookLog) check(t *testing.T, names ...string) {
	t.Helper()
	var queued, done []string
	for _, name := range names {
		queued, done = append(queued, name+" queued"), append(done, name+" done")
		calls := l.of(name)
		if len(calls) < 2 || calls[0] != name+" queued" || calls[len(calls)-1] != name+" done" {
			t.Errorf("subscriber %s: got %q, want queued first and done last", name, calls)
		}
	}
	if got := l.of("queued"); !slices.Equal(got, queued) {
		t.Errorf("OnQueued: got %q, want %q", got, queued)
	}
	if got := l.of("done"); !slices.Equal(got, done) {
		t.Errorf("OnDone: got %q, want %q", got, done)
	}
}

// progress are the sum of what OnProgress got, and the least and the most of it.
func (l *hookLog) progress() (sum, least, most int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.amounts {
		sum, least, most = sum+n, min(least, n), max(most, n)
	}
	return sum, least, most
}
