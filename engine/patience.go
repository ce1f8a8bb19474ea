package engine

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/haul-s3/haul/internal/s3api"
)

// patience knows how long the answers to the requests of parts take, so that
// one that will not come is given up long before the limit that is configured.
// It is safe for concurrent use.
//
// It only ever shortens the first attempts of a request: each further one may
// take four times as long, and the last one has the whole configured limit. So
// nothing fails that would have succeeded with that limit. An attempt that was
// given up counts as an answer that took as long: where one answer in twenty or
// more is slower than the limit, the limit grows.
type patience struct {
	mu    sync.Mutex
	known map[answers]*firstBytes // guarded by mu
}

// answers are those of one host to one kind of request.
type answers struct {
	host string
	op   s3api.Operation
}

// firstBytes are the times that the last answers took.
type firstBytes struct {
	took  [64]time.Duration // a ring
	n     int               // answers there were
	usual time.Duration     // nineteen in twenty were no slower; 0: not known yet
}

const (
	// Amazon's advice is to ask again after 2 seconds where answers usually take
	// tens of milliseconds (Amazon S3 User Guide, "Timeouts and retries for
	// latency-sensitive applications"). A connection whose first packet is lost
	// comes about in that time too.
	patienceFloor = 2 * time.Second
	// patienceFactor is how much slower than usual an answer may be.
	patienceFactor = 4
	// patienceEnough is how many answers say what is usual.
	patienceEnough = 16
	// patienceMost bounds what is remembered; past it everything is forgotten.
	patienceMost = 1000
)

// limit is how long this attempt may wait for its answer, never more than the
// configured limit.
func (p *patience) limit(a answers, attempt, attempts int, configured time.Duration) time.Duration {
	if attempt >= attempts {
		return configured
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.known[a]
	if f == nil || f.usual == 0 {
		return configured
	}
	limit := max(patienceFloor, patienceFactor*f.usual)
	for ; attempt > 1 && limit < configured; attempt-- {
		limit *= patienceFactor
	}
	return min(limit, configured)
}

// note takes the time that an answer took, or for which one was waited in vain.
func (p *patience) note(a answers, took time.Duration, inVain bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.known[a]
	if f == nil {
		if p.known == nil || len(p.known) >= patienceMost {
			p.known = map[answers]*firstBytes{}
		}
		f = &firstBytes{}
		p.known[a] = f
	}
	f.took[f.n%len(f.took)] = took
	f.n++
	if f.n%patienceEnough == 0 || inVain && f.n > patienceEnough {
		f.settle()
	}
}

// settle works out what is usual.
func (f *firstBytes) settle() {
	sorted := f.took
	known := sorted[:min(f.n, len(sorted))]
	slices.Sort(known)
	f.usual = max(1, known[int(math.Ceil(0.95*float64(len(known))))-1])
}

// patient says whether the limit on the answer adapts: to the requests of parts,
// which may be sent again without any effect, unlike a PutObject, which may make
// another version.
func (c *call) patient() bool {
	return c.template.Op == s3api.GetObject || c.template.Op == s3api.UploadPart
}

func (c *call) answers() answers { return answers{c.template.URL.Host, c.template.Op} }
