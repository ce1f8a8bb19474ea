//go:build linux

// Package load lets one haul client, in a process of its own, move objects until
// all are moved or the time is over, and tells what it took and what the engine
// did meanwhile.
//
//	load.go    what is moved, and the client that does it
//	watch.go   samples of the engine's counters and of the machine
//	child.go   the process
package load

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/batch"
	"github.com/haul-s3/haul/bench/workload"
	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/serialize"
)

// Spec is one load.
type Spec struct {
	Endpoint string // URL of the null server
	Up       bool
	Size     int64 // of each object, in bytes
	PartSize int64 // 0: the default
	// Objects is how many there are; 0: as many as there is time for.
	Objects int
	// Listed has the objects found by listing their prefix.
	Listed bool
	// AtOnce is how many transfers are begun and not ended; 0: batch's default.
	AtOnce int
	// Dir is a folder for files; "": memory.
	Dir string
	// For is when the load is cut off; 0: when all is moved.
	For time.Duration
	// Every is the time between samples; 0: there are none.
	Every time.Duration

	Fixed            int     // number of lanes; 0: the engine finds it
	TargetThroughput float64 // as in engine.Options
	NumThreads       int     // the same
}

// Outcome is what came of a load.
type Outcome struct {
	workload.Usage
	Objects     int   // that were moved to their end
	Requests    int64 // that were sent
	Samples     []Sample
	Decisions   []engine.Decision
	ThreadsPeak int // threads of the system that the process had
}

// Run does a load in this process.
func Run(ctx context.Context, s Spec) (out Outcome, err error) {
	w := workload.Spec{Up: s.Up, File: s.Dir != "", Objects: max(1, s.Objects), Size: s.Size, Dir: s.Dir}
	if err := errors.Join(w.Warm(), w.Prepare()); err != nil {
		return out, err
	}
	r := &run{spec: s, work: &w}
	watching := &watcher{every: s.Every}
	out.Usage, err = workload.Measure(func() error {
		if err := r.connect(); err != nil {
			return err
		}
		stop := watching.start(r.engine)
		defer stop()
		return r.move(ctx)
	})
	if err != nil {
		return out, err
	}
	stats := r.engine.Stats()
	out.Objects, out.Requests, out.Decisions = r.moved, stats.Requests, stats.Decisions
	out.Samples, out.ThreadsPeak = watching.samples, watching.threads
	return out, nil
}

// run is a load under way.
type run struct {
	spec    Spec
	work    *workload.Spec
	s3      *s3.Client
	engine  *engine.Client
	manager *haul.Manager
	moved   int
}

func (r *run) connect() (err error) {
	o := engine.Options{TargetThroughput: r.spec.TargetThroughput, NumThreads: r.spec.NumThreads}
	if n := r.spec.Fixed; n > 0 {
		// The tuner can't have more, and does not look for fewer in the first
		// seconds.
		o.MaxConnections, o.TargetThroughput = n, engine.Gbps(0.4)*float64(n)
	}
	if r.engine, err = engine.New(o); err != nil {
		return err
	}
	r.s3 = s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(r.spec.Endpoint), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("AKIABENCH", "secret", ""),
	})
	r.manager, err = haul.NewManager(r.engine, serialize.New(r.s3), func(o *haul.Options) { o.PartSize = r.spec.PartSize })
	return err
}

var errOver = errors.New("the time is over")

// move moves the objects.
func (r *run) move(ctx context.Context) error {
	outer := ctx
	if r.spec.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, r.spec.For, errOver)
		defer cancel()
	}
	tally, err := batch.Run(ctx, r.items(ctx), r.start, batch.Options{
		MaxPending: r.spec.AtOnce, StopOnError: true, Done: r.done,
	})
	if err = r.judge(tally, err); err == nil {
		err = r.manager.Shutdown(outer)
	}
	return errors.Join(err, r.engine.Close(outer))
}

// judge takes the end of the time for success, and a missing object for none.
func (r *run) judge(tally *batch.Tally, err error) error {
	r.moved = tally.Objects
	switch {
	case errors.Is(err, errOver):
		return nil
	case err != nil:
		return err
	case tally.Failed > 0 || r.spec.Objects > 0 && r.spec.For == 0 && tally.Objects != r.spec.Objects:
		return fmt.Errorf("%d objects failed, %d were moved, want %d", tally.Failed, tally.Objects, r.spec.Objects)
	}
	return nil
}

// items are the objects: listed, or one after the other by their names.
func (r *run) items(ctx context.Context) iter.Seq2[batch.Item, error] {
	if r.spec.Listed {
		return batch.Objects(ctx, r.s3, &s3.ListObjectsV2Input{Bucket: aws.String(workload.Bucket), Prefix: aws.String(r.work.Prefix())})
	}
	return func(yield func(batch.Item, error) bool) {
		for i := 0; i < r.spec.Objects || r.spec.Objects == 0; i++ {
			if !yield(batch.Item{Name: r.work.Name(i), Bucket: workload.Bucket, Key: r.work.Key(i), Size: r.spec.Size}, nil) {
				return
			}
		}
	}
}

func (r *run) start(ctx context.Context, item batch.Item, opts ...haul.TransferOption) (*haul.Future, error) {
	bucket, key := aws.String(item.Bucket), aws.String(item.Key)
	if !r.spec.Up {
		sink := haul.ToWriterAt(r.work.Target())
		if r.work.File {
			sink = haul.ToFile(filepath.Join(r.work.Targets(), item.Name))
		}
		return r.manager.Download(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key}, sink, opts...)
	}
	source := haul.FromBytes(r.work.Source())
	if r.work.File {
		source = haul.FromFile(filepath.Join(r.work.Sources(), item.Name))
	}
	return r.manager.Upload(ctx, source, &s3.PutObjectInput{Bucket: bucket, Key: key}, opts...)
}

// done holds every object that was moved to what was promised of it.
func (r *run) done(item batch.Item, result *haul.Result, err error) {
	switch {
	case err != nil:
	case result.Size != r.spec.Size:
		panic(fmt.Sprintf("%s: %d bytes were moved, want %d", item.Key, result.Size, r.spec.Size))
	case !r.spec.Up && !result.Checksum.Validated:
		panic(fmt.Sprintf("%s was not validated: %s", item.Key, result.Checksum.How))
	}
}
