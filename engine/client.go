package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/retry"
	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/sigv4"
	"github.com/haul-s3/haul/internal/wire"
)

// Client is the engine: lanes, connections, signer, memory. It is safe for
// concurrent use, and is shared by any number of managers.
type Client struct {
	o        Options // immutable, with defaults
	exchange wire.Exchange
	signer   *sigv4.Signer
	lanes    *lanes
	// What is read ahead for ordered writers has a half of the memory limit, and
	// what is staged of streams the other: an upload that reads what a download
	// writes must not find all memory taken by what it can't reach yet.
	pool     *bufpool.Pool // slices, and staging of streams
	ahead    *bufpool.Pool // read-ahead of ordered writers
	threads  chan struct{} // one token for each goroutine in a checksum or file call
	budget   *retry.Budget
	regions  buckets   // where a bucket turned out to be
	refusing buckets   // buckets whose store refuses checksums
	fields   sync.Pool // of *[]sigv4.Field, to sign with
	patience patience  // how long answers take

	active int // transfers that are worth running at once; immutable

	refreshing chan struct{} // holds one token while a lane renews the credentials

	preparing atomic.Int64 // lanes that are ready for uploads that aren't open yet
	awaiting  atomic.Int64 // goroutines that have parts of such uploads

	skew     atomic.Int64 // nanoseconds that the server's clock is ahead
	closed   atomic.Bool
	requests atomic.Int64
	retries  atomic.Int64
	races    atomic.Int64
	raced    atomic.Int64 // bytes moved by second copies, or reserved for them
	sent     atomic.Int64
	received atomic.Int64
}

// The retries that all transfers of a client share, and how fast they come
// back: enough for every lane to lose its connection at once, and to go on at
// some tens a second through an outage.
const (
	budgetSize = 500
	budgetRate = 50
)

// New returns a client. It fails on options that can't be used, naming every
// fault, and on a CA bundle that can't be read.
func New(o Options) (*Client, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	slices := bufpool.New(max(1, o.MemoryLimit/2))
	exchange, err := newExchange(o, slices)
	if err != nil {
		return nil, err
	}
	c := &Client{
		o: o, exchange: exchange, signer: sigv4.New(),
		pool: slices, ahead: bufpool.New(max(1, o.MemoryLimit/2)),
		refreshing: make(chan struct{}, 1), threads: make(chan struct{}, o.NumThreads), budget: retry.NewBudget(budgetSize, budgetRate),
	}
	c.lanes = newLanes(o.lanes(), newTuner(lanesFloor, o.MaxConnections, c.moved))
	c.active = active(o.MaxConnections, descriptorLimit())
	return c, nil
}

// moved is what the tuner counts.
func (c *Client) moved() (bytes, requests int64) {
	return c.sent.Load() + c.received.Load(), c.requests.Load()
}

// Close closes the client's connections. Transfers must have ended: a Manager's
// Shutdown waits for them. It may be called again and then does nothing.
func (c *Client) Close(context.Context) error {
	if c.closed.CompareAndSwap(false, true) {
		c.exchange.CloseIdle()
	}
	return nil
}

// PartSize is the part size of transfers that don't set one, in bytes.
func (c *Client) PartSize() int64 { return c.o.PartSize }

// MemoryLimit is the limit on buffered bytes.
func (c *Client) MemoryLimit() int64 { return c.o.MemoryLimit }

// Stats is a snapshot of what a client does and has done.
type Stats struct {
	Lanes         int   // lanes there are: parts and small objects carried at once
	LanesMax      int   // lanes there may be
	LanesBusy     int   // lanes that carry something
	Requests      int64 // requests sent, retries included
	Retries       int64 // of these: attempts after the first
	Races         int64 // of these: second copies of a part that was late
	BytesSent     int64 // object bytes of uploads, retries included
	BytesReceived int64 // object bytes of downloads, retries included
	MemoryLimit   int64 // bytes that may be buffered
	MemoryInUse   int64 // bytes that are

	// Goodput is what the last window brought in which all lanes were busy, in
	// bytes per second, with 32 KiB for each request; 0 if there was none yet.
	Goodput float64
	// LimitedBy is what kept the client from moving more in the last quarter of
	// a second: where its lanes spent their time, and whether the process had
	// processors left.
	LimitedBy Limit
	// Decisions are the last changes of the number of lanes, the oldest first.
	Decisions []Decision
}

// Stats returns a snapshot; it may be called at any time.
func (c *Client) Stats() Stats {
	s := Stats{
		LanesMax: c.o.MaxConnections,
		Requests: c.requests.Load(), Retries: c.retries.Load(), Races: c.races.Load(),
		BytesSent: c.sent.Load(), BytesReceived: c.received.Load(),
		MemoryLimit: c.o.MemoryLimit, MemoryInUse: c.pool.InUse() + c.ahead.InUse(),
	}
	c.lanes.mu.Lock()
	defer c.lanes.mu.Unlock()
	s.Lanes, s.LanesBusy = c.lanes.limit, c.lanes.busy
	s.LimitedBy = c.lanes.sampler.limitLocked()
	s.Goodput, s.Decisions = c.lanes.tuner.goodput, c.lanes.tuner.decisions()
	return s
}

// Driver returns the client as the driver of a manager whose requests s forms.
// It is for package haul.
func (c *Client) Driver(s s3api.Serializer) driver.Driver { return &jobs{client: c, serializer: s} }

// jobs is the driver.Driver.
type jobs struct {
	client     *Client
	serializer s3api.Serializer
}

// activeMin is how many transfers run at once at least: small ones shall not
// wait behind a few huge ones.
const activeMin = 256

// active is how many transfers run at once. Each may have a file open and the
// file of its journal, so that few descriptors allow few: connections may take
// half of them.
func active(connections, descriptors int) int {
	n := max(activeMin, connections)
	if descriptors > 0 {
		n = min(n, max(1, descriptors/8))
	}
	return n
}

// Parallel is asked with every transfer.
func (j *jobs) Parallel() int { return j.client.active }

// Close leaves the client alone: who made it closes it.
func (j *jobs) Close(context.Context) error { return nil }

// Transfer carries one job.
func (j *jobs) Transfer(ctx context.Context, job *driver.Job, ev driver.Events) (*driver.Outcome, error) {
	t := &transfer{client: j.client, job: job, events: ev, serializer: j.serializer, began: time.Now()}
	if job.Serializer != nil {
		t.serializer = job.Serializer
	}
	t.limits = job.Limits.WithDefaults()
	t.policy = job.Retry.WithDefaults()
	switch job.Kind {
	case driver.Upload:
		return t.upload(ctx)
	case driver.Download:
		return t.downloadWithJournal(ctx)
	case driver.Copy:
		return t.copy(ctx)
	default:
		return t.delete(ctx)
	}
}
