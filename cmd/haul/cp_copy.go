package main

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/haul-s3/haul/batch"
)

// copyJob is cp within S3.
func (r *route) copyJob(ctx context.Context, t *tools) *job {
	in := &s3.CopyObjectInput{Bucket: &r.dst.bucket}
	r.flags.object.copy(in)
	if r.flags.noClobber {
		in.IfNoneMatch = aws.String("*")
	}
	j := &job{verb: "copy", from: key, source: r.src.String(), bytes: true, many: r.flags.recursive, skip: r.skipExisting()}
	if r.flags.recursive {
		in.Key = aws.String(r.dst.prefix().key)
		j.items = t.listed(ctx, r.src.prefix())
	} else {
		key := r.targetKey(base(r.src.key))
		in.Key = aws.String(key[:len(key)-len(base(key))])
		j.items = one(object(r.src, base(key)))
	}
	j.to = func(item batch.Item) string { return r.dst.object(*in.Key + item.Name).String() }
	j.start = batch.Copy(t.manager, in)
	return j
}

// skipExisting says that an object is there already, for --no-clobber: the
// condition of the request wasn't met.
func (r *route) skipExisting() func(error) bool {
	if !r.flags.noClobber {
		return nil
	}
	return func(err error) bool {
		var api smithy.APIError
		return errors.As(err, &api) && api.ErrorCode() == "PreconditionFailed"
	}
}
