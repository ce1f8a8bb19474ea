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
	if !r.intoDir {
		return r.fileJob(t)
	}
	j := &job{verb: "download", from: key, source: r.src.String(), bytes: true, many: r.flags.recursive}
	folder := r.dst.path
	if r.flags.recursive {
		j.items = t.listed(ctx, r.src.prefix())
	} else {
		j.items = one(object(r.src, base(r.src.key)))
	}
	j.to = func(item batch.Item) string {
		return location{kind: local, path: filepath.Join(folder, filepath.FromSlash(item.Name))}.String()
	}
	start := batch.Download(t.manager, &s3.GetObjectInput{}, folder, []haul.FileOption{haul.WithModTime()})
	j.start = func(ctx context.Context, item batch.Item, opts ...haul.TransferOption) (*haul.Future, error) {
		path, err := batch.LocalPath(folder, item.Name)
		if r.flags.noClobber && err == nil && taken(path) { // the download will say what is wrong with the name
			return nil, &batch.SkippedError{Err: errExists}
		}
		return start(ctx, item, opts...)
	}
	return j
}

// fileJob is cp from S3 to the file that the user has named. Nobody else has a
// say in where that is, so it may be a symbolic link, wherever that leads, or a
// device.
func (r *route) fileJob(t *tools) *job {
	path := r.dst.path
	return &job{
		verb: "download", items: one(object(r.src, r.src.key)), source: r.src.String(), bytes: true,
		quietOut: sameFile(path, t.app.stdout), // as /dev/stdout is
		from:     key, to: func(batch.Item) string { return r.dst.String() },
		start: func(ctx context.Context, item batch.Item, opts ...haul.TransferOption) (*haul.Future, error) {
			if r.flags.noClobber && taken(path) {
				return nil, &batch.SkippedError{Err: errExists}
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				return nil, err
			}
			return t.manager.Download(ctx, getInput(item), haul.ToFile(path, haul.WithModTime()), opts...)
		},
	}
}

// taken says that a file is there already.
func taken(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// sameFile says that a path leads to an open file.
func sameFile(path string, f *os.File) bool {
	named, err := os.Stat(path)
	if err != nil {
		return false
	}
	open, err := f.Stat()
	return err == nil && os.SameFile(named, open)
}

func getInput(item batch.Item) *s3.GetObjectInput {
	return &s3.GetObjectInput{Bucket: &item.Bucket, Key: &item.Key}
}

// streamJob is cp from S3 to standard output.
func (r *route) streamJob(t *tools) *job {
	return &job{
		verb: "download", items: one(object(r.src, r.src.key)), source: r.src.String(), quietOut: true, bytes: true,
		from: key, to: func(batch.Item) string { return "-" },
		start: func(ctx context.Context, item batch.Item, opts ...haul.TransferOption) (*haul.Future, error) {
			widen(t.app.stdout)
			out := newStdout(ctx, t.app.stdout)
			opts = append([]haul.TransferOption{haul.WithSubscribers(out)}, opts...)
			return t.manager.Download(ctx, getInput(item), haul.ToWriter(out), opts...)
		},
	}
}
