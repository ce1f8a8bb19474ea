package main

import (
	"context"
	"mime"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/batch"
)

// uploadJob is cp from a file, a folder or standard input to S3.
func (r *route) uploadJob(t *tools) *job {
	if r.src.kind == pipe {
		return r.stdinJob(t)
	}
	in := r.putInput()
	j := &job{verb: "upload", from: path, source: r.src.String(), bytes: true, many: r.flags.recursive, skip: r.skipExisting()}
	if r.flags.recursive {
		in.Key = aws.String(r.dst.prefix().key)
		j.items = batch.Files(r.src.path)
	} else {
		key := r.targetKey(localBase(r.src.path))
		in.Key = aws.String(key[:len(key)-len(base(key))])
		j.items = one(localFile(r.src.path, base(key)))
	}
	j.to = func(item batch.Item) string { return r.dst.object(*in.Key + item.Name).String() }
	j.start = func(ctx context.Context, item batch.Item, opts ...haul.TransferOption) (*haul.Future, error) {
		typed := *in
		if typed.ContentType == nil {
			typed.ContentType = contentType(item.Path)
		}
		return batch.Upload(t.manager, &typed)(ctx, item, opts...)
	}
	return j
}

// putInput is what the flags say of an uploaded object.
func (r *route) putInput() *s3.PutObjectInput {
	in := &s3.PutObjectInput{Bucket: &r.dst.bucket}
	r.flags.object.put(in)
	if r.flags.noClobber {
		in.IfNoneMatch = aws.String("*")
	}
	return in
}

// targetKey is the key of the one object that is written: the target's, or
// below it if that is a prefix.
func (r *route) targetKey(name string) string {
	if r.dst.isPrefix() {
		return r.dst.key + name
	}
	return r.dst.key
}

// localFile is the item of one file. What is no regular file has no size.
func localFile(path, name string) batch.Item {
	item := batch.Item{Name: name, Path: path, Size: -1}
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		item.Size, item.ModTime = info.Size(), info.ModTime()
	}
	return item
}

// contentType guesses by the name of a file; nil leaves it to S3.
func contentType(path string) *string {
	if t := mime.TypeByExtension(filepath.Ext(path)); t != "" {
		return &t
	}
	return nil
}

// stdinJob is cp from standard input.
func (r *route) stdinJob(t *tools) *job {
	in := r.putInput()
	in.Key = &r.dst.key
	return &job{
		verb: "upload", items: one(batch.Item{Name: r.dst.key, Size: -1}), source: "-", bytes: true, skip: r.skipExisting(),
		from: func(batch.Item) string { return "-" },
		to:   func(batch.Item) string { return r.dst.String() },
		start: func(ctx context.Context, _ batch.Item, opts ...haul.TransferOption) (*haul.Future, error) {
			src, err := stdinSource(ctx, t.app.stdin)
			if err != nil {
				return nil, err
			}
			return t.manager.Upload(ctx, src, in, append(opts, r.partSizeHint(t)...)...)
		},
	}
}
