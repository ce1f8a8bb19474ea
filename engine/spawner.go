package engine

import "sync/atomic"

// spawner puts goroutines of one transfer to work: one at first, and another
// each time one of them has got a lane, or carried a slice, while yet another is
// free. So a transfer hardly ever has more goroutines than there are lanes for,
// and has as many as the tuner makes room for. A nil one starts none.
type spawner struct {
	transfer *transfer
	group    *group
	run      func() error // a goroutine's work
	most     int64
	started  atomic.Int64
	idle     atomic.Int64 // of these, those that have found no more to do
	starting atomic.Bool  // one was started for a lane that it may not have yet
}

// spawner makes the transfer's spawner, of at most so many goroutines, and no
// more than the job's concurrency.
func (t *transfer) spawner(g *group, most int) *spawner {
	if t.job.Concurrency > 0 {
		most = min(most, t.job.Concurrency)
	}
	t.spawn = &spawner{transfer: t, group: g, most: int64(max(1, most))}
	return t.spawn
}

// more starts another goroutine if there is a lane for it. It is called by
// those that have just got a lane and a piece; the first call always starts one.
func (s *spawner) more() {
	if s == nil {
		return
	}
	s.starting.Store(false)
	s.carried()
}

// carried does the same for those that have carried a slice, all of which may
// see the same lane free.
func (s *spawner) carried() {
	if s == nil {
		return
	}
	if n := s.started.Load(); n > 0 && (n >= s.most || s.starting.Load() || !s.transfer.client.lanes.spare() || s.transfer.crowded()) {
		return
	}
	if s.starting.Swap(true) {
		return // somebody was faster
	}
	if s.started.Add(1) > s.most {
		s.started.Add(-1)
		return
	}
	s.group.goes(s.run)
}
