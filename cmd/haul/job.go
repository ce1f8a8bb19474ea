package main

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/batch"
)

// job is a command made ready: what is moved, and how.
type job struct {
	verb     string // of the lines: "upload"
	items    iter.Seq2[batch.Item, error]
	start    batch.Start
	from, to func(batch.Item) string // for the lines; to may be nil
	source   string                  // what the command names, where there is no item
	many     bool                    // any number of items: there is a summary
	quietOut bool                    // standard output is for the object's bytes
	bytes    bool                    // there are bytes to count
	skip     func(error) bool        // failures that count as skipped; nil: none
}

// tools are what jobs are made with.
type tools struct {
	app     *app
	client  *s3.Client
	manager *haul.Manager
}

// one is the sequence of one item.
func one(item batch.Item) iter.Seq2[batch.Item, error] {
	return func(yield func(batch.Item, error) bool) { yield(item, nil) }
}

// listed is the sequence of the objects below a prefix.
func (t *tools) listed(ctx context.Context, l location) iter.Seq2[batch.Item, error] {
	return batch.Objects(ctx, t.client, &s3.ListObjectsV2Input{Bucket: &l.bucket, Prefix: &l.key})
}

// object is the item of an object that nothing is known of yet.
func object(l location, name string) batch.Item {
	return batch.Item{Name: name, Bucket: l.bucket, Key: l.key, Size: -1}
}

// key names an item that is an object.
func key(item batch.Item) string { return scheme + item.Bucket + "/" + item.Key }

// path names an item that is a file.
func path(item batch.Item) string { return location{kind: local, path: item.Path}.String() }
