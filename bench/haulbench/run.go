package haulbench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/testbody"
)

// Clients are what the suite calls S3_CLIENT.
var Clients = []string{"haul", "haul-classic"}

// Options are the suite's command line: S3_CLIENT WORKLOAD BUCKET REGION
// TARGET_THROUGHPUT.
type Options struct {
	Client   string
	Workload string // path
	Bucket   string
	Region   string
	Gbps     float64 // the target
	NICs     []string
	Out      io.Writer
}

// Run does the workload again and again, as its file says, and reports each run
// as a line. Files are below the current folder. An error that is
// ErrUnsupported means that the suite is to skip the workload.
func Run(ctx context.Context, o Options) error {
	w, err := Read(o.Workload)
	if err != nil {
		return err
	}
	if len(o.NICs) > 0 {
		return fmt.Errorf("choosing network cards: %w", ErrUnsupported)
	}
	if o.Gbps <= 0 || math.IsInf(o.Gbps, 0) || math.IsNaN(o.Gbps) {
		return fmt.Errorf("target throughput is %v Gbit/s: it must be positive", o.Gbps)
	}
	m, err := newManager(ctx, o, w)
	if err != nil {
		return err
	}
	r := &runner{manager: m, workload: w, bucket: o.Bucket}
	return errors.Join(r.repeat(ctx, o.Out), m.Shutdown(ctx))
}

func newManager(ctx context.Context, o Options, w *Workload) (*haul.Manager, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(o.Region))
	if err != nil {
		return nil, err
	}
	options := func(ho *haul.Options) {
		ho.ChecksumAlgorithm = types.ChecksumAlgorithm(w.Checksum)
		ho.MaxQueued = max(len(w.Tasks), 1)
	}
	switch o.Client {
	case "haul":
		return haul.New(cfg, options, func(ho *haul.Options) {
			ho.Engine = &engine.Options{TargetThroughput: engine.Gbps(o.Gbps)}
		})
	case "haul-classic":
		return haul.NewClassic(s3.NewFromConfig(cfg), options)
	}
	return nil, fmt.Errorf("client %q: %w", o.Client, ErrUnsupported)
}

type runner struct {
	manager  *haul.Manager
	workload *Workload
	bucket   string
}

// repeat runs until the workload's number or time is reached.
func (r *runner) repeat(ctx context.Context, out io.Writer) error {
	var runs []time.Duration
	bytes := r.workload.bytes()
	for begin := time.Now(); len(runs) < r.workload.MaxRepeatCount; {
		if len(runs) > 0 && time.Since(begin) >= r.workload.timeLimit() {
			break
		}
		if err := r.prepare(); err != nil {
			return err
		}
		took, err := r.once(ctx)
		if err != nil {
			return fmt.Errorf("run %d: %w", len(runs)+1, err)
		}
		runs = append(runs, took)
		fmt.Fprintf(out, "Run:%d Secs:%f Gb/s:%f\n", len(runs), took.Seconds(), gigabits(bytes, took))
	}
	report(out, bytes, runs)
	return nil
}

// prepare removes what an earlier run has downloaded, and makes folders.
func (r *runner) prepare() error {
	if !r.workload.FilesOnDisk {
		return nil
	}
	for _, t := range r.workload.Tasks {
		if !t.downloads() {
			continue
		}
		path := filepath.FromSlash(t.Key)
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// once begins all tasks and waits for all.
func (r *runner) once(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begin := time.Now()
	futures := make([]*haul.Future, 0, len(r.workload.Tasks))
	for i := range r.workload.Tasks {
		f, err := r.begin(ctx, &r.workload.Tasks[i])
		if err != nil {
			return 0, err
		}
		futures = append(futures, f)
	}
	for i, f := range futures {
		result, err := f.Result(ctx)
		t := &r.workload.Tasks[i]
		if err == nil && result.Size != t.Size {
			err = fmt.Errorf("%s %s: %d bytes, the workload says %d", t.Action, t.Key, result.Size, t.Size)
		}
		if err != nil {
			cancel(err) // ends the others
			return 0, err
		}
	}
	return time.Since(begin), nil
}

func (r *runner) begin(ctx context.Context, t *Task) (*haul.Future, error) {
	bucket, key, path := aws.String(r.bucket), aws.String(t.Key), filepath.FromSlash(t.Key)
	if t.downloads() {
		sink := haul.ToWriterAt(nowhere{})
		if r.workload.FilesOnDisk {
			sink = haul.ToFile(path)
		}
		return r.manager.Download(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key}, sink)
	}
	source := haul.FromReaderAt(looped{}, t.Size)
	if r.workload.FilesOnDisk {
		source = haul.FromFile(path)
	}
	return r.manager.Upload(ctx, source, &s3.PutObjectInput{Bucket: bucket, Key: key})
}

// nowhere drops what is written.
type nowhere struct{}

func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

// looped is an endless body: 8 MiB of random bytes again and again, as in the
// suite's own runners.
type looped struct{}

var loop = testbody.Bytes(1, 8<<20)

func (looped) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		n += copy(p[n:], loop[(off+int64(n))%int64(len(loop)):])
	}
	return n, nil
}
