//go:build linux

package peers

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/bench/workload"
	"github.com/haul-s3/haul/engine"
)

func runHaul(ctx context.Context, w *workload.Spec) error {
	cfg, err := sdkConfig(w)
	if err != nil {
		return err
	}
	m, err := haul.New(cfg, haulOptions(w), func(o *haul.Options) {
		o.S3 = append(o.S3, func(o *s3.Options) { o.UsePathStyle = true })
		o.Engine = &engine.Options{
			MaxConnections:   w.Concurrency,
			TargetThroughput: engine.Gbps(0.4) * float64(w.Concurrency), // the number of lanes, by its rule
			CABundle:         w.CA,
		}
	})
	if err != nil {
		return err
	}
	if w.Pipe {
		return runPipe(ctx, m, w)
	}
	return runManagerOfHaul(ctx, m, w)
}

func runClassic(ctx context.Context, w *workload.Spec) error {
	c, err := sdkClient(w)
	if err != nil {
		return err
	}
	m, err := haul.NewClassic(c, haulOptions(w))
	if err != nil {
		return err
	}
	return runManagerOfHaul(ctx, m, w)
}

func haulOptions(w *workload.Spec) func(*haul.Options) {
	return func(o *haul.Options) {
		o.PartSize, o.Concurrency = w.PartSize, w.Concurrency
		o.DirectIO, o.Durable = w.DirectIO, w.Durable
	}
}

// runManagerOfHaul hands all objects to the Manager, whose queue decides, and
// then waits for each.
func runManagerOfHaul(ctx context.Context, m *haul.Manager, w *workload.Spec) error {
	var err error
	futures := make([]*haul.Future, w.Objects)
	for i := range futures {
		if futures[i], err = start(ctx, m, w, i); err != nil {
			return err
		}
	}
	for i, f := range futures {
		r, err := f.Result(ctx)
		if err == nil && r.Size != w.Size {
			err = fmt.Errorf("%d bytes, want %d", r.Size, w.Size)
		}
		if err == nil && !w.Up && !r.Checksum.Validated {
			err = fmt.Errorf("not validated: %s", r.Checksum.How)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("object %d: %w", i, err), m.ShutdownNow(ctx, err))
		}
	}
	return m.Shutdown(ctx)
}

func start(ctx context.Context, m *haul.Manager, w *workload.Spec, i int) (*haul.Future, error) {
	bucket, key := aws.String(workload.Bucket), aws.String(w.Key(i))
	switch {
	case w.Up && w.File:
		return m.Upload(ctx, haul.FromFile(w.Path(i)), &s3.PutObjectInput{Bucket: bucket, Key: key})
	case w.Up:
		return m.Upload(ctx, haul.FromBytes(w.Source()), &s3.PutObjectInput{Bucket: bucket, Key: key})
	case w.File:
		return m.Download(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key}, haul.ToFile(w.Path(i)))
	}
	return m.Download(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key}, haul.ToWriterAt(w.Target()))
}
