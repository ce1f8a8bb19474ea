package batch

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
)

// Start begins the transfer of an Item. It must pass opts on to the Manager:
// through them Run learns of the end. It runs on Run's goroutine, one Item at a
// time. Its error ends the Item: a SkippedError, or a failure.
type Start func(ctx context.Context, item Item, opts ...haul.TransferOption) (*haul.Future, error)

// ErrFolder is why Download leaves out an object of no bytes whose key ends in
// a slash: it stands for a folder.
var ErrFolder = errors.New("the object stands for a folder")

// Upload begins uploads of files. An Item's key is in.Key, which may be nil or
// empty, followed by its Name; all else is as in says. opts go to every transfer.
func Upload(m *haul.Manager, in *s3.PutObjectInput, opts ...haul.TransferOption) Start {
	return func(ctx context.Context, item Item, more ...haul.TransferOption) (*haul.Future, error) {
		put := *in
		put.Key = aws.String(aws.ToString(in.Key) + item.Name)
		return m.Upload(ctx, haul.FromFile(item.Path), &put, join(opts, more)...)
	}
}

// Download begins downloads of objects into files below folder, each at the
// LocalPath of its Name, if it is Contained there; missing folders are made. All
// but bucket and key is as in says. file has the wishes about each file.
func Download(m *haul.Manager, in *s3.GetObjectInput, folder string, file []haul.FileOption, opts ...haul.TransferOption) Start {
	return func(ctx context.Context, item Item, more ...haul.TransferOption) (*haul.Future, error) {
		if item.Size == 0 && strings.HasSuffix(item.Key, "/") {
			return nil, &SkippedError{ErrFolder}
		}
		path, err := LocalPath(folder, item.Name)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", item.Key, err)
		}
		if err := Contained(folder, path); err != nil {
			return nil, fmt.Errorf("key %q: %w", item.Key, err)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return nil, err
		}
		get := *in
		get.Bucket, get.Key = &item.Bucket, &item.Key
		return m.Download(ctx, &get, haul.ToFile(path, file...), join(opts, more)...)
	}
}

// Copy begins copies of objects within S3. An Item's new key is in.Key, which
// may be nil or empty, followed by its Name; all but the source is as in says.
func Copy(m *haul.Manager, in *s3.CopyObjectInput, opts ...haul.TransferOption) Start {
	return func(ctx context.Context, item Item, more ...haul.TransferOption) (*haul.Future, error) {
		c := *in
		c.Key = aws.String(aws.ToString(in.Key) + item.Name)
		if *c.Key == "" { // the object that stands for the source's folder
			return nil, &SkippedError{ErrFolder}
		}
		c.CopySource = aws.String(copySource(item.Bucket, item.Key))
		return m.Copy(ctx, &c, join(opts, more)...)
	}
}

// Delete begins deletions of objects. All but bucket and key is as in says.
func Delete(m *haul.Manager, in *s3.DeleteObjectInput, opts ...haul.TransferOption) Start {
	return func(ctx context.Context, item Item, more ...haul.TransferOption) (*haul.Future, error) {
		del := *in
		del.Bucket, del.Key = &item.Bucket, &item.Key
		return m.Delete(ctx, &del, join(opts, more)...)
	}
}

// join is opts and more in a slice of its own.
func join(opts, more []haul.TransferOption) []haul.TransferOption {
	return append(opts[:len(opts):len(opts)], more...)
}

// copySource names an object as x-amz-copy-source does: URL-encoded, with the
// slashes left as they are.
func copySource(bucket, key string) string {
	separator := "/"
	if strings.HasPrefix(bucket, "arn:") {
		separator = "/object/"
	}
	escaped := strings.ReplaceAll(url.QueryEscape(bucket+separator+key), "%2F", "/")
	return strings.ReplaceAll(escaped, "+", "%20")
}
