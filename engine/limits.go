package engine

import (
	"runtime"
	"sync/atomic"
	"time"
)

// What limits a client is found out by looking at its lanes a hundred times a
// second: each lane says what it is about by one atomic store whenever that
// changes, and reads no clock. What most lanes are found at, in a window as long
// as the tuner's, is what limits.

// Limit is what keeps a client from moving more.
type Limit int

// The limits. They are judged by what lanes spend their time on, so that they
// name the place where to look, not its cause.
const (
	// LimitNone: the lanes had nothing to do.
	LimitNone Limit = iota
	// LimitNetwork: bytes on their way, in either direction. A server that sends
	// or takes them slowly looks the same from here.
	LimitNetwork
	// LimitServer: answers that are waited for, and waits after answers that ask
	// to slow down. The latency of the network and the opening of connections
	// are part of it.
	LimitServer
	// LimitDisk: file calls.
	LimitDisk
	// LimitCPU: the process uses all the processors that it may (GOMAXPROCS), or
	// checksums all the threads of Options.NumThreads.
	LimitCPU
	// LimitCaller: the caller's readers and writers, and a bandwidth limit of
	// the caller's.
	LimitCaller
)

// String is one word, to read behind "limited by".
func (l Limit) String() string {
	if l < LimitNone || l > LimitCaller {
		return "unknown"
	}
	return [...]string{"nothing", "network", "server", "disk", "CPU", "caller"}[l]
}

// task is what a lane is about.
type task int32

const (
	atNothing task = iota // or at something too short to count
	atNetwork             // body bytes
	atAnswer              // waiting for the head of an answer
	atReply               // the same once a body was sent, some of which the system may still hold
	atDisk
	atCPU
	atThread // waiting for a thread, for disk or CPU
	atCaller
	tasks // their number
)

// work is what one lane is about, for the sampler to see.
type work struct {
	now atomic.Int32 // a task; set by whoever works for the lane

	prev, next *work // among those that hold lanes; guarded by lanes.mu
}

func (w *work) set(t task) { w.now.Store(int32(t)) }

// Of the sampler.
const (
	sampleEvery = 10 * time.Millisecond
	// busyShare is the share of the processors from which on they limit.
	busyShare = 0.85
)

// sampler is guarded by lanes.mu.
type sampler struct {
	holding work       // a ring of those that hold lanes; holding itself is none of them
	outside [tasks]int // goroutines without a lane, by what they are at

	ticking bool
	timer   *time.Timer // calls look; of the lanes while ticking
	began   time.Time   // of the window
	used    time.Duration
	looks   int
	found   [tasks]float64 // in this window; one for each look
	limit   Limit          // of the last whole window
	whole   bool           // there was one
	cpuTime func() time.Duration
}

func newSampler() sampler { return sampler{cpuTime: cpuTime} }

// holdLocked notes that w's lane is held from now on. A nil w tells nothing.
func (l *lanes) holdLocked(w *work) {
	l.tickLocked()
	if w == nil {
		return
	}
	s := &l.sampler
	if s.holding.next == nil {
		s.holding.next, s.holding.prev = &s.holding, &s.holding
	}
	w.set(atNothing)
	w.prev, w.next = s.holding.prev, &s.holding
	w.prev.next, w.next.prev = w, w
}

// letGoLocked is its opposite.
func (w *work) letGoLocked() {
	if w == nil {
		return
	}
	w.prev.next, w.next.prev = w.next, w.prev
	w.prev, w.next = nil, nil
}

// tickLocked has the sampler look from now on, until there was nothing to be
// seen in a whole window.
func (l *lanes) tickLocked() {
	s := &l.sampler
	if s.ticking || s.cpuTime == nil {
		return
	}
	s.ticking = true
	s.beginLocked(time.Now())
	s.timer = time.AfterFunc(sampleEvery, l.look)
}

func (s *sampler) beginLocked(now time.Time) {
	s.began, s.used, s.looks, s.found = now, s.cpuTime(), 0, [tasks]float64{}
}

// look is the timer's.
func (l *lanes) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &l.sampler
	s.lookLocked(l.busy < l.limit)
	if now := time.Now(); now.Sub(s.began) >= window {
		s.limit, s.whole = s.concludeLocked(now), true
		s.ticking = s.found[atNothing] < float64(s.looks)
		s.beginLocked(now)
	}
	if s.ticking {
		s.timer.Reset(sampleEvery)
	}
}

// lookLocked looks at the lanes once. spare says that not all of them are held:
// where a caller's code is at work then, it is what the others wait for.
func (s *sampler) lookLocked(spare bool) {
	s.looks++
	if s.outside[atCaller] > 0 && spare {
		s.found[atCaller]++
		return
	}
	at, n := s.outside, 0
	for _, k := range at {
		n += k
	}
	for w := s.holding.next; w != nil && w != &s.holding; w = w.next {
		if t := w.now.Load(); t != int32(atNothing) {
			at[t]++
			n++
		}
	}
	if n == 0 {
		s.found[atNothing]++
		return
	}
	for t := range at {
		s.found[t] += float64(at[t]) / float64(n)
	}
}

// concludeLocked says what limits, from what was found since the window began.
func (s *sampler) concludeLocked(now time.Time) Limit {
	processors := now.Sub(s.began).Seconds() * float64(runtime.GOMAXPROCS(0))
	if used := s.cpuTime() - s.used; used.Seconds() >= busyShare*processors && processors > 0 {
		return LimitCPU
	}
	f := s.found
	// What was handed to the system is sent while the answer is waited for: as
	// long as handing it over took is reckoned for that.
	sent := min(f[atReply], f[atNetwork])
	at := [...]float64{
		LimitNone:    f[atNothing],
		LimitNetwork: f[atNetwork] + sent,
		LimitServer:  f[atAnswer] + f[atReply] - sent,
		LimitDisk:    f[atDisk],
		LimitCPU:     f[atCPU],
		LimitCaller:  f[atCaller],
	}
	// Who waits for a thread waits for what the threads are at.
	if held := f[atDisk] + f[atCPU]; held > 0 {
		at[LimitDisk] += f[atThread] * f[atDisk] / held
		at[LimitCPU] += f[atThread] * f[atCPU] / held
	}
	most := LimitNone
	for l, n := range at {
		if n > at[most] {
			most = Limit(l)
		}
	}
	return most
}

// limitLocked is what limited in the last whole window, or limits so far.
func (s *sampler) limitLocked() Limit {
	if !s.whole && s.ticking {
		return s.concludeLocked(time.Now())
	}
	return s.limit
}

// outside runs fn, which is at something without holding a lane.
func (l *lanes) outside(at task, fn func() error) error {
	l.countOutside(at, 1)
	defer l.countOutside(at, -1)
	return fn()
}

func (l *lanes) countOutside(at task, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sampler.outside[at] += n
	l.tickLocked()
}
