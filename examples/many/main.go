// Command many submits many transfers at once, watches them with subscribers,
// and collects their results: it uploads N small objects below KEY/, downloads
// them into memory, compares them, and deletes them.
//
//	many BUCKET KEY [N]
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
)

func main() {
	n := 100
	var err error
	if len(os.Args) == 4 {
		n, err = strconv.Atoi(os.Args[3])
	}
	if err != nil || n < 1 || len(os.Args) < 3 || len(os.Args) > 4 {
		fmt.Fprintln(os.Stderr, "usage: many BUCKET KEY [N]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, os.Args[1], os.Args[2], n); err != nil {
		fmt.Fprintln(os.Stderr, "many:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, bucket, prefix string, n int) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	m, err := haul.New(cfg)
	if err != nil {
		return err
	}
	j := &job{manager: m, bucket: bucket, prefix: prefix, n: n}
	return m.Run(ctx, func(ctx context.Context) error {
		for _, step := range []struct {
			name string
			do   func(context.Context) error
		}{{"upload", j.upload}, {"download", j.download}, {"delete", j.delete}} {
			if err := step.do(ctx); err != nil {
				return fmt.Errorf("%s: %w", step.name, err)
			}
			fmt.Fprintf(out, "%s: %d objects, %d bytes so far\n", step.name, n, j.tally.bytes.Load())
		}
		return nil
	})
}

// job is what this program does.
type job struct {
	manager        *haul.Manager
	bucket, prefix string
	n              int
	tally          tally
}

func (j *job) key(i int) *string { return aws.String(fmt.Sprintf("%s/%04d.txt", j.prefix, i)) }

func text(i int) []byte { return bytes.Repeat(fmt.Appendf(nil, "object %d\n", i), 100) }

func (j *job) upload(ctx context.Context) error {
	return collect(j.n, func(i int) (*haul.Future, error) {
		return j.manager.Upload(ctx, haul.FromBytes(text(i)), &s3.PutObjectInput{
			Bucket: &j.bucket, Key: j.key(i),
		}, haul.WithSubscribers(plainText, &j.tally))
	})
}

func (j *job) download(ctx context.Context) error {
	got := make([]bytes.Buffer, j.n)
	err := collect(j.n, func(i int) (*haul.Future, error) {
		return j.manager.Download(ctx, &s3.GetObjectInput{
			Bucket: &j.bucket, Key: j.key(i),
		}, haul.ToWriter(&got[i]), haul.WithSubscribers(&j.tally))
	})
	if err != nil {
		return err
	}
	for i := range got {
		if !bytes.Equal(got[i].Bytes(), text(i)) {
			return fmt.Errorf("%s came back different", *j.key(i))
		}
	}
	return nil
}

func (j *job) delete(ctx context.Context) error {
	return collect(j.n, func(i int) (*haul.Future, error) {
		return j.manager.Delete(ctx, &s3.DeleteObjectInput{Bucket: &j.bucket, Key: j.key(i)})
	})
}

// collect submits n transfers and waits for all of them. Submitting blocks only
// while Options.MaxQueued transfers wait. One that fails stops no other: all
// errors are returned together.
func collect(n int, submit func(i int) (*haul.Future, error)) error {
	var errs []error
	futures := make([]*haul.Future, 0, n)
	for i := range n {
		f, err := submit(i)
		if err != nil {
			errs = append(errs, err) // it was never begun
			continue
		}
		futures = append(futures, f)
	}
	for _, f := range futures {
		// The transfers have a context of their own; this one is for the waiting.
		if _, err := f.Result(context.Background()); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// plainText sets a content type in OnQueued, the only place where the input may
// be changed.
var plainText = haul.SubscriberFuncs{Queued: func(f *haul.Future) error {
	if in, ok := f.Meta().Input().(*s3.PutObjectInput); ok {
		in.ContentType = aws.String("text/plain")
	}
	return nil
}}

// tally is a Subscriber that counts over many transfers.
type tally struct {
	haul.NopSubscriber
	bytes atomic.Int64
}

// OnProgress adds n, which is negative where a download goes back.
func (t *tally) OnProgress(_ *haul.Future, n int64) { t.bytes.Add(n) }
