package engine

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"time"

	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/throttle"
	"github.com/haul-s3/haul/internal/wire"
	"github.com/haul-s3/haul/internal/wire/h1"
)

// Lanes and Flow are what the tests of lanes and tuner see.
type (
	Lanes = lanes
	Flow  = flow
)

// NewTunedLanes returns n lanes whose number is tuned up to most.
func NewTunedLanes(n, most int, count func() (bytes, requests int64)) *Lanes {
	return newLanes(n, newTuner(lanesFloor, most, count))
}

// Acquire waits for a lane.
func (l *lanes) Acquire(ctx context.Context, f *Flow) error { return l.acquire(ctx, f, nil) }

// Release gives a lane back.
func (l *lanes) Release() { l.release(nil) }

// Waiting is how many transfers wait for a lane.
func (c *Client) Waiting() int {
	c.lanes.mu.Lock()
	defer c.lanes.mu.Unlock()
	return len(c.lanes.ring)
}

// Progressed says that a slice was carried.
func (l *lanes) Progressed() { l.progressed() }

// Throttled says that the server asks to slow down.
func (l *lanes) Throttled() { l.throttled() }

// Counts is how many lanes there are, and how many are in use.
func (l *lanes) Counts() (limit, busy int) { return l.counts() }

// Decisions are the tuner's.
func (l *lanes) Decisions() []Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tuner.decisions()
}

// NewLanes returns n lanes, however busy they are.
func NewLanes(n int) *Lanes { return newLanes(n, nil) }

// Busy is how many lanes are in use.
func (l *lanes) Busy() int {
	_, busy := l.counts()
	return busy
}

// Lane is a goroutine's hold on a lane.
type Lane = lane

// Lane returns a transfer's hold, which holds nothing yet.
func (l *lanes) Lane(f *Flow) *Lane { return &lane{lanes: l, flow: f} }

// Take acquires the lane.
func (l *lane) Take(ctx context.Context) error { return l.take(ctx) }

// Drop releases the lane.
func (l *lane) Drop() { l.drop() }

// Held says whether the lane is held.
func (l *lane) Held() bool { return l.held }

// Away runs fn without the lane.
func (l *lane) Away(ctx context.Context, fn func() error) error { return l.away(ctx, fn) }

// Watch ends an attempt that stalls.
type Watch = watch

// NewWatch returns a watch and the context that it ends.
func NewWatch(ctx context.Context) (context.Context, *Watch) { return newWatch(ctx, &work{}) }

// Begin says what is being done from now on.
func (w *watch) Begin(doing string, limit time.Duration) { w.begin(doing, limit) }

// Progress starts the limit anew.
func (w *watch) Progress() { w.progress() }

// Pause stands still.
func (w *watch) Pause() { w.pause() }

// Stop ends the watch.
func (w *watch) Stop() { w.stop() }

// SetQuery is setQuery.
func SetQuery(raw string, pairs ...string) string { return setQuery(raw, pairs...) }

// StrongETag is strongETag.
func StrongETag(etag string) string { return strongETag(etag) }

// NewFilePayload is the payload of a file of n bytes under a limit, with its
// checksum in the head.
func NewFilePayload(c *Client, f *os.File, n int64, limit *throttle.Limiter) wire.Filed {
	ctx, w := newWatch(context.Background(), &work{})
	w.stop()
	t := &transfer{client: c, job: &driver.Job{Bandwidth: limit}}
	return t.payload(ctx, w, content{at: f, length: n, local: true}, &proof{algorithm: checksum.CRC64NVME}, false)
}

// DialBy has the client's own HTTP/1.1 use connections of dial.
func (c *Client) DialBy(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	c.exchange = h1.New(h1.Config{Dial: dial, TLS: &tls.Config{}, Buffers: c.pool})
}

// SetCPUTime replaces the clock of the process's use of processors.
func (c *Client) SetCPUTime(f func() time.Duration) {
	c.lanes.mu.Lock()
	defer c.lanes.mu.Unlock()
	c.lanes.sampler.cpuTime = f
}

// Patience knows how long answers take.
type Patience = patience

// Limit is how long an attempt at op may wait for its answer from host.
func (p *patience) Limit(host string, op s3api.Operation, attempt, attempts int, configured time.Duration) time.Duration {
	return p.limit(answers{host, op}, attempt, attempts, configured)
}

// Note takes the time that an answer took, or for which one was waited in vain.
func (p *patience) Note(host string, op s3api.Operation, took time.Duration, inVain bool) {
	p.note(answers{host, op}, took, inVain)
}

// Moved fills the budget for races as n bytes that were sent would.
func (c *Client) Moved(n int64) { c.sent.Add(n) }

// Raced is how many bytes of that budget are spent.
func (c *Client) Raced() int64 { return c.raced.Load() }
