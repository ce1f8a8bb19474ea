//go:build linux

package scarcetest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
)

const (
	descriptorLimit = 64
	manyObjects     = 100
)

// fewDescriptors is a process that may have 64 files and connections, and moves
// many more files than that at once, down and up again.
func fewDescriptors(endpoint string) error {
	limit := &syscall.Rlimit{Cur: descriptorLimit, Max: descriptorLimit}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, limit); err != nil {
		return err
	}
	m, err := newManager(endpoint, inPieces)
	if err != nil {
		return err
	}
	ctx := context.Background()
	down := func(i int) (*haul.Future, error) {
		in := &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("a")}
		return m.Download(ctx, in, haul.ToFile(fmt.Sprintf("f%d", i)), haul.WithPartSize(piece))
	}
	up := func(i int) (*haul.Future, error) {
		in := &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(fmt.Sprintf("f%d", i))}
		return m.Upload(ctx, haul.FromFile(fmt.Sprintf("f%d", i)), in)
	}
	for _, begin := range []func(int) (*haul.Future, error){down, up} {
		var futures []*haul.Future
		for i := range manyObjects {
			f, err := begin(i)
			if err != nil {
				return err
			}
			futures = append(futures, f)
		}
		for i, f := range futures {
			if _, ferr := f.Result(ctx); ferr != nil {
				err = errors.Join(err, fmt.Errorf("object %d: %w", i, ferr))
			}
		}
	}
	return err
}

func TestDescriptorLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 200 MiB")
	}
	s := newStore(t)
	dir := t.TempDir()
	run(t, s.child("descriptors", dir, ""))
	want := make([]string, manyObjects)
	for i := range want {
		want[i] = fmt.Sprintf("f%d", i)
		if err := whole(filepath.Join(dir, want[i])); err != nil {
			t.Error(err)
		}
		if o, ok := s.fake.Object(bucket, want[i]); !ok || len(o.Data) != size {
			t.Errorf("object %s: got none or another, want %d bytes", want[i], size)
		}
	}
	wantFiles(t, dir, want...)
}
