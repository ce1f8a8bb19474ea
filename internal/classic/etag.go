package classic

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
)

// An ETag that is an MD5 is compared on request, where the object has no
// checksum that can be. MD5s can't be combined: one of the whole object is made
// of its bytes in their order, as they go into an ordered sink, or read from the
// sink again once they are all there.

// ofETag is what is compared in place of a checksum.
type ofETag struct {
	sum  driver.Checksum
	hash *checksum.Hash // of all bytes in their order, where they come in parts; else nil
	back io.ReaderAt    // reads the sink again; nil: the bytes go through hash on their way
}

// chooseETag has the bytes compared with the object's ETag; where that can't be,
// it notes why.
func (o *object) chooseETag(ctx context.Context) {
	if !o.t.job.Checksum.ValidateETag || !o.whole() {
		return
	}
	value, parts, why := checksum.ETag{
		Text: o.etag, Encryption: string(o.first.ServerSideEncryption), StorageClass: string(o.first.StorageClass),
		CustomerKeyEncrypts: aws.ToString(o.first.SSECustomerAlgorithm) != "",
	}.MD5()
	kind := s3api.ChecksumFullObject
	if parts > 0 {
		kind, why = s3api.ChecksumComposite, o.cutAt(ctx, int64(parts))
	}
	if why != "" {
		o.noETag = "; for its ETag: " + why
		return
	}
	o.byETag = &ofETag{sum: driver.Checksum{Algorithm: checksum.MD5, Type: kind, Value: value}}
	switch {
	case parts > 0:
		o.algorithm, o.digests = checksum.MD5, make([][]byte, o.cut.Count())
	case o.cut.Count() > 1:
		o.byETag.hash = checksum.New(checksum.MD5)
	default:
		o.algorithm = checksum.MD5
	}
}

// unfit takes back that the ETag is compared, and says why.
func (o *object) unfit(why string) {
	o.byETag, o.noETag = nil, "; the ETag is an MD5, but "+why
}

// follow returns the sink as the parts are to be written to it, for a MD5 of all
// bytes in their order.
func (o *object) follow(w body.Writer) body.Writer {
	if o.byETag == nil || o.byETag.hash == nil {
		return w
	}
	if w.Ordered() {
		return body.Through(w, o.byETag.hash)
	}
	if o.byETag.back = body.ReadBack(w); o.byETag.back == nil {
		o.unfit("what was written in parts can't be read back from " + o.t.job.Sink.String())
	}
	return w
}

// readBack hashes what is in the sink, if it must be read for that. What can't
// be read is a failure if the file is haul's own.
func (o *object) readBack(ctx context.Context) error {
	e := o.byETag
	if e == nil || e.back == nil {
		return nil
	}
	slice := o.t.pool.Get(bufpool.SliceSize)
	defer o.t.pool.PutSlice(slice)
	for e.hash.Bytes() < o.size {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		p := slice[:min(int64(len(slice)), o.size-e.hash.Bytes())]
		n, err := e.back.ReadAt(p, e.hash.Bytes())
		e.hash.Write(p[:n])
		if n == len(p) {
			continue
		}
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		if _, own := o.writer.(body.Kept); own {
			return fmt.Errorf("read back what was written: %w", err)
		}
		o.unfit("what was written can't be read back: " + err.Error())
		return nil
	}
	return nil
}
