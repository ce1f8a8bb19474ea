package engine

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
)

// An ETag that is an MD5 is compared on request, where the object has no
// checksum that can be. MD5s can't be combined: one of the whole object is made
// of its bytes in their order, as they go into an ordered sink, or read from the
// sink again once they are all there. One of the parts' MD5s is a composite
// value like others.

// inOrder is the MD5 of all bytes in their order, where they come in several
// pieces.
type inOrder struct {
	hash *checksum.Hash
	back io.ReaderAt // nil: the bytes go through hash on their way to the sink
}

// expectETag has the bytes compared with the object's ETag.
func (d *download) expectETag(ctx context.Context, ln *lane, h http.Header) {
	e := &d.expected
	if !d.job.Checksum.ValidateETag || e.algorithm != checksum.None || d.base != 0 || d.size != d.whole {
		return
	}
	value, parts, why := checksum.ETag{
		Text: d.etag, Encryption: h.Get(s3api.HeaderEncryption), StorageClass: h.Get(s3api.HeaderStorageClass),
		CustomerKeyEncrypts: h.Get(s3api.HeaderCustomerAlgorithm) != "",
	}.MD5()
	kind := s3api.ChecksumFullObject
	if parts > 0 {
		kind, why = s3api.ChecksumComposite, d.align(ctx, ln, parts)
	}
	if why != "" {
		e.result.How += "; for its ETag: " + why
		return
	}
	e.unlike, e.algorithm = e.result, checksum.MD5
	e.result = driver.Checksum{Algorithm: checksum.MD5, Type: kind, Value: value}
	switch {
	case parts > 0:
		e.parts = make([][]byte, d.pieces)
	case d.pieces > 1:
		e.inOrder = &inOrder{hash: checksum.New(checksum.MD5)}
	default:
		e.digest = checksum.New(checksum.MD5)
	}
}

// unfit takes back that the ETag is compared, and says why.
func (e *expectation) unfit(why string) {
	e.result, e.algorithm, e.inOrder = e.unlike, checksum.None, nil
	e.result.How += "; the ETag is an MD5, but " + why
}

// follow returns the sink as the lanes are to write it, for a MD5 of all bytes
// in their order.
func (d *download) follow(sink body.Writer) body.Writer {
	e := &d.expected
	if e.inOrder == nil {
		return sink
	}
	if sink.Ordered() {
		return body.Through(sink, e.inOrder.hash)
	}
	if e.inOrder.back = body.ReadBack(sink); e.inOrder.back == nil {
		e.unfit("what was written in parts can't be read back from " + d.job.Sink.String())
	}
	return sink
}

// compare holds the bytes against the store's value, and reads them again for
// that if it must.
func (d *download) compare(ctx context.Context) error {
	if e := &d.expected; e.inOrder != nil && e.inOrder.back != nil {
		err := d.client.lanes.outside(d.sinkTask(), func() error { return d.readBack(ctx, e.inOrder) })
		if err != nil {
			return err
		}
	}
	return d.expected.compare()
}

// readBack hashes what is in the sink. What can't be read is a failure if the
// file is haul's own.
func (d *download) readBack(ctx context.Context, o *inOrder) error {
	o.hash.Reset()
	buf := d.client.pool.Get(bufpool.SliceSize)
	defer d.client.pool.PutSlice(buf)
	for off := int64(0); off < d.size; {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		b := buf[:min(int64(len(buf)), d.size-off)]
		n, err := d.readSlice(o, b, off)
		if off += int64(n); n == len(b) {
			continue
		}
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		if _, own := d.sink.(body.Kept); own {
			return fmt.Errorf("read back what was written: %w", err)
		}
		d.expected.unfit("what was written can't be read back: " + err.Error())
		return nil
	}
	return nil
}

// readSlice reads and hashes one slice, on a thread where it is a file call.
func (d *download) readSlice(o *inOrder, b []byte, off int64) (int, error) {
	read := func() (int, error) {
		n, err := o.back.ReadAt(b, off)
		_, _ = o.hash.Write(b[:n]) // it never fails
		return n, err
	}
	if d.sink.Local() {
		return d.client.onThread(&work{}, atDisk, read) // no lane's: compare has told of it
	}
	return read()
}
