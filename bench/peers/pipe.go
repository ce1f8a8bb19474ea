//go:build linux

package peers

import (
	"context"
	"errors"
	"os/exec"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/bench/workload"
)

// runPipe has haul move the objects one after the other through pipes: cat reads
// the file or takes what arrives, and its time isn't counted.
func runPipe(ctx context.Context, m *haul.Manager, w *workload.Spec) error {
	move := downloadToPipe
	if w.Up {
		move = uploadFromPipe
	}
	for i := range w.Objects {
		if err := move(ctx, m, w, i); err != nil {
			return errors.Join(err, m.ShutdownNow(ctx, err))
		}
	}
	return m.Shutdown(ctx)
}

func uploadFromPipe(ctx context.Context, m *haul.Manager, w *workload.Spec, i int) error {
	bucket, key := workload.Bucket, w.Key(i)
	cat := exec.CommandContext(ctx, "cat", w.Path(i))
	out, err := cat.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cat.Start(); err != nil {
		return err
	}
	_, err = haul.Wait(m.Upload(ctx, haul.FromReader(out), &s3.PutObjectInput{Bucket: &bucket, Key: &key}))
	return errors.Join(err, cat.Wait())
}

func downloadToPipe(ctx context.Context, m *haul.Manager, w *workload.Spec, i int) error {
	bucket, key := workload.Bucket, w.Key(i)
	cat := exec.CommandContext(ctx, "cat")
	target := w.Target()
	if w.Verify {
		cat.Stdout = target
	}
	in, err := cat.StdinPipe()
	if err != nil {
		return err
	}
	if err := cat.Start(); err != nil {
		return err
	}
	_, err = haul.Wait(m.Download(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key}, haul.ToWriter(in)))
	if err = errors.Join(err, in.Close(), cat.Wait()); err == nil && w.Verify {
		err = target.Done(w.Size)
	}
	return err
}
