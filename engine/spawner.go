package engine

import "sync/atomic"

// spawner puts goroutines of one transfer to work: one at first, and another
// each time one of them has got a lane while yet another is free. So a transfer
// hardly ever has more goroutines than there are lanes for, and has as many as
// the tuner makes room for.
type spawner struct {
	lanes   *lanes
	group   *group
	run     func() error // a goroutine's work
	most    int64
	started atomic.Int64
}

// spawner returns one that starts at most so many goroutines, and no more than
// the job's concurrency.
func (t *transfer) spawner(g *group, most int) *spawner {
	if t.job.Concurrency > 0 {
		most = min(most, t.job.Concurrency)
	}
	return &spawner{lanes: t.client.lanes, group: g, most: int64(max(1, most))}
}

// more starts another goroutine if there is a lane for it. It is called by
// those that hold a lane and have a piece; the first call always starts one.
func (s *spawner) more() {
	if n := s.started.Load(); n > 0 && (n >= s.most || !s.lanes.spare()) {
		return
	}
	if s.started.Add(1) > s.most {
		s.started.Add(-1) // somebody was faster
		return
	}
	s.group.goes(s.run)
}
