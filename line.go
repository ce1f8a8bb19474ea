package haul

import "context"

// line is the order of the transfers that wait. It costs them no allocation, and
// however many wait on one context, that is watched once.
type line struct {
	first, last *transfer
	length      int
	watches     map[<-chan struct{}]*watch // by the Done channel of a caller's context
	// ended is called, on a goroutine of its own, when a parent ends that
	// transfers wait on, with its Done channel.
	ended func(done <-chan struct{}) // immutable
}

// waiting is a transfer's place in a line.
type waiting struct {
	waits      bool
	prev, next *transfer
	done       <-chan struct{} // of its parent; nil: that never ends
	watched    int             // its index in the watch
}

// watch is over the transfers that wait on contexts which end together.
type watch struct {
	members []*transfer
	stop    func() bool
}

// push puts a transfer at the end.
func (l *line) push(t *transfer) {
	t.wait = waiting{waits: true, prev: l.last, done: t.parent.Done()}
	if l.last == nil {
		l.first = t
	} else {
		l.last.wait.next = t
	}
	l.last = t
	l.length++
	done := t.wait.done
	if done == nil {
		return
	}
	w := l.watches[done]
	if w == nil {
		w = &watch{stop: context.AfterFunc(t.parent, func() { l.ended(done) })}
		if l.watches == nil {
			l.watches = make(map[<-chan struct{}]*watch)
		}
		l.watches[done] = w
	}
	t.wait.watched = len(w.members)
	w.members = append(w.members, t)
}

// remove takes a transfer out that waits.
func (l *line) remove(t *transfer) {
	if w := l.watches[t.wait.done]; w != nil {
		last := len(w.members) - 1
		moved := w.members[last]
		w.members[t.wait.watched], moved.wait.watched = moved, t.wait.watched
		w.members[last] = nil
		if w.members = w.members[:last]; last == 0 {
			w.stop() // where it comes too late, nobody is found
			delete(l.watches, t.wait.done)
		}
	}
	l.unlink(t)
}

// removeAll takes all transfers out whose parents have this Done channel.
func (l *line) removeAll(done <-chan struct{}) []*transfer {
	w := l.watches[done]
	if w == nil {
		return nil
	}
	delete(l.watches, done)
	for _, t := range w.members {
		l.unlink(t)
	}
	return w.members
}

func (l *line) unlink(t *transfer) {
	if t.wait.prev == nil {
		l.first = t.wait.next
	} else {
		t.wait.prev.wait.next = t.wait.next
	}
	if t.wait.next == nil {
		l.last = t.wait.prev
	} else {
		t.wait.next.wait.prev = t.wait.prev
	}
	t.wait = waiting{}
	l.length--
}
