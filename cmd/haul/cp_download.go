package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/batch"
)

var errExists = errors.New("the file exists already")

// downloadJob is cp from S3 to files.
func (r *route) downloadJob(ctx context.Context, t *tools) *job {
	j := &job{verb: "download", from: key, source: r.src.String(), bytes: true, many: r.flags.recursive}
	folder := r.dst.path
	switch {
	case r.flags.recursive:
		j.items = t.listed(ctx, r.src.prefix())
	case r.intoDir:
		j.items = one(object(r.src, base(r.src.key)))
	default:
		folder = filepath.Dir(r.dst.path)
		j.items = one(object(r.src, filepath.Base(r.dst.path)))
	}
	j.to = func(item batch.Item) string {
		return location{kind: local, path: filepath.Join(folder, filepath.FromSlash(item.Name))}.String()
	}
	start := batch.Download(t.manager, &s3.GetObjectInput{}, folder, []haul.FileOption{haul.WithModTime()})
	j.start = func(ctx context.Context, item batch.Item, opts ...haul.TransferOption) (*haul.Future, error) {
		if r.flags.noClobber && taken(folder, item.Name) {
			return nil, &batch.SkippedError{Err: errExists}
		}
		return start(ctx, item, opts...)
	}
	return j
}

// taken says that a file is there already.
func taken(folder, name string) bool {
	path, err := batch.LocalPath(folder, name)
	if err != nil {
		return false // the download will say what is wrong with it
	}
	_, err = os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// streamJob is cp from S3 to standard output.
func (r *route) streamJob(t *tools) *job {
	return &job{
		verb: "download", items: one(object(r.src, r.src.key)), source: r.src.String(), quietOut: true, bytes: true,
		from: key, to: func(batch.Item) string { return "-" },
		start: func(ctx context.Context, item batch.Item, opts ...haul.TransferOption) (*haul.Future, error) {
			out := newStdout(ctx, t.app.stdout)
			opts = append([]haul.TransferOption{haul.WithSubscribers(out)}, opts...)
			return t.manager.Download(ctx, &s3.GetObjectInput{Bucket: &item.Bucket, Key: &item.Key}, haul.ToWriter(out), opts...)
		},
	}
}
