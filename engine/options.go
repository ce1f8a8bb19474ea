// Package engine is haul's own S3 client: it takes requests as templates, which
// a request serializer formed, derives the requests of a transfer's parts from
// them, signs them at the moment of sending and carries every part from start
// to end on one goroutine through one small buffer. It knows S3's protocol and
// nothing of the AWS SDK.
//
// A Client is made once and shared by everything that transfers. Most programs
// don't use this package by itself: haul.New makes a client for them.
package engine

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net/http"
	"runtime"

	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/s3api"
)

// Options configure a Client. The zero value is ready for use.
type Options struct {
	// Region signs requests whose template names no region. Default: none, as
	// the serializer's endpoint rules know the region.
	Region string
	// NumThreads bounds the goroutines that are inside a checksum or a file
	// call at a time; these hold a thread of the system each. It is never held
	// while waiting for a socket or a caller's reader or writer. Default:
	// runtime.GOMAXPROCS.
	NumThreads int
	// TargetThroughput is the goal in bytes per second; see Gbps. It decides
	// with how many lanes a client begins, one for each 0.4 Gbit/s and at least
	// 10; from then on what is measured decides. It is never a cap. Default: 10
	// Gbit/s.
	TargetThroughput float64
	// PartSize is the part size of transfers that don't set one, in bytes, from
	// 5 MiB to 5 GiB. Default 8 MiB. It grows by itself where an object would
	// need more than 10,000 parts.
	PartSize int64
	// MaxConnections is a hard cap on connections, and so on lanes. Default
	// 512, and never more than half of the process's descriptor limit.
	MaxConnections int
	// MemoryLimit bounds the memory for what must be buffered, in bytes: a half
	// for streams that are uploaded, a half for what is read ahead for ordered
	// writers. Lanes need 256 KiB each beside it. Default:
	// a quarter of the machine's or cgroup's memory, at most 2 GiB.
	MemoryLimit int64
	// DisableSSL sends to https endpoints over plain HTTP.
	DisableSSL bool
	// TLS is used as it is, where set; CABundle and InsecureSkipVerify are then
	// not looked at.
	TLS *tls.Config
	// CABundle is a PEM file whose certificates are trusted beside the system's.
	CABundle string
	// InsecureSkipVerify turns the verification of certificates off.
	InsecureSkipVerify bool
	// HTTP carries the requests, where set, and the four fields above are not
	// looked at. It must not follow redirects. For tests, recorders and
	// proxies of a special kind.
	HTTP http.RoundTripper
}

// Gbps converts gigabits per second into the bytes per second of
// Options.TargetThroughput: Gbps(10) is 1.25e9.
func Gbps(g float64) float64 { return g * 1e9 / 8 }

// The Common Runtime's rule for the number of connections, so that the same
// target means the same here.
const (
	laneThroughput          = 0.4e9 / 8 // bytes per second that one lane is reckoned for
	lanesMin                = 10
	defaultTargetThroughput = 10e9 / 8
	defaultMaxConnections   = 512
)

func (o Options) withDefaults() Options {
	if o.NumThreads == 0 {
		o.NumThreads = runtime.GOMAXPROCS(0)
	}
	if o.TargetThroughput == 0 {
		o.TargetThroughput = defaultTargetThroughput
	}
	if o.PartSize == 0 {
		o.PartSize = s3api.DefaultPartSize
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = defaultMaxConnections
	}
	if half := descriptorLimit() / 2; half > 0 && o.MaxConnections > half {
		o.MaxConnections = half
	}
	if o.MemoryLimit == 0 {
		o.MemoryLimit = bufpool.DefaultLimit()
	}
	return o
}

// validate reports every fault of the options together.
func (o Options) validate() error {
	var errs []error
	bad := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(o.NumThreads < 0, "NumThreads is %d: it must be positive, or 0 for the default", o.NumThreads)
	bad(o.TargetThroughput < 0 || math.IsNaN(o.TargetThroughput) || math.IsInf(o.TargetThroughput, 0),
		"TargetThroughput is %v bytes/s: it must be positive, or 0 for the default", o.TargetThroughput)
	bad(o.PartSize < 0 || o.PartSize > 0 && o.PartSize < s3api.MinPartSize,
		"PartSize is %d bytes: S3's minimum is %d (5 MiB)", o.PartSize, s3api.MinPartSize)
	bad(o.PartSize > s3api.MaxPartSize, "PartSize is %d bytes: S3's maximum is %d (5 GiB)", o.PartSize, s3api.MaxPartSize)
	bad(o.MaxConnections < 0, "MaxConnections is %d: it must be positive, or 0 for the default", o.MaxConnections)
	bad(o.MemoryLimit < 0, "MemoryLimit is %d bytes: it must be positive, or 0 for the default", o.MemoryLimit)
	return errors.Join(errs...)
}

// lanes is how many lanes the target asks for.
func (o Options) lanes() int {
	n := max(lanesMin, int(math.Ceil(min(o.TargetThroughput/laneThroughput, 1e6))))
	return min(n, o.MaxConnections)
}
