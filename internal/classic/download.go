package classic

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/plan"
	"github.com/haul-s3/haul/internal/s3api"
)

// A download begins with a GET as the user asked for it. Its answer brings the
// size, the ETag and the checksum of the whole object. A small object is read
// from it; of a larger one it gives the first part, and the others are asked
// for by ranges that are pinned to the ETag and the version:
//
//	download -> ask first -> describe -> fetchAll -> validate -> Commit

// object is what the first answer told, and where its bytes go; immutable but
// for the combiner.
type object struct {
	t      *transfer
	first  *s3.GetObjectOutput
	base   int64 // offset in the object of the first byte asked for
	size   int64 // bytes asked for, -1 if unknown
	total  int64 // size of the whole object, -1 if unknown
	etag   string
	cut    plan.Uniform
	writer body.Writer

	sum       driver.Checksum    // that the object has
	unaligned string             // why a composite checksum can't be compared, or ""
	algorithm checksum.Algorithm // of the value to compare with; None if there is nothing to compare
	combiner  *checksum.Combiner // nil if the algorithm can't be combined
	digests   [][]byte           // of the stored parts, nil unless the checksum is composite
	digest    *checksum.Hash     // of the one part, with an algorithm that cannot
	byETag    *ofETag            // what is compared in place of sum; or nil
	noETag    string             // why the ETag is not compared, or ""
}

// download carries a download.
func (t *transfer) download(ctx context.Context) (*driver.Outcome, error) {
	in, err := input[s3.GetObjectInput](t, s3api.GetObject)
	if err != nil {
		return nil, err
	}
	pinned := in.IfMatch == nil && strong(t.job.ETag)
	if pinned {
		in.IfMatch = &t.job.ETag
	}
	a, attempt, err := t.ask(ctx, in)
	if err != nil {
		if pinned && preconditionFailed(err) {
			err = t.modified(t.job.ETag, err)
		}
		return nil, failure(0, attempt, err)
	}
	o, err := t.describe(ctx, a.out)
	if err != nil {
		a.close()
		return nil, err
	}
	t.events.Found(o.size, o.etag)
	return o.deliver(ctx, a)
}

// describe reads the first answer.
func (t *transfer) describe(ctx context.Context, out *s3.GetObjectOutput) (*object, error) {
	o := &object{t: t, first: out, size: -1, total: -1, etag: aws.ToString(out.ETag)}
	if o.etag == "" && out.LastModified == nil && aws.ToString(out.ContentType) == "application/xml" {
		return nil, errors.New("the answer to GetObject is an XML document with neither ETag nor date: it is no object")
	}
	if out.ContentLength != nil {
		o.size, o.total = *out.ContentLength, *out.ContentLength
	}
	if out.ContentRange != nil {
		first, last, total, err := plan.ParseContentRange(*out.ContentRange)
		if err != nil {
			return nil, err
		}
		if err := t.askedFor(first, last, total); err != nil {
			return nil, err
		}
		if o.size >= 0 && o.size != last-first+1 {
			return nil, fmt.Errorf("content range %q of a body of %d bytes", *out.ContentRange, o.size)
		}
		o.base, o.size, o.total = first, last-first+1, total
	} else if err := t.wholeAsked(o.size); err != nil {
		return nil, err
	}
	if known := t.job.Size; known >= 0 && o.total >= 0 && known != o.total {
		return nil, fmt.Errorf("the object has %d bytes, but its size was given as %d", o.total, known)
	}
	o.cut = plan.Uniform{Size: max(o.size, 0), PartSize: t.partSize}
	if o.size < t.threshold { // an unknown size too
		o.cut.PartSize = max(o.size, 1)
	}
	o.choose(ctx)
	return o, nil
}

// askedFor holds the first answer's range to what the caller asked for: all, or
// a Range. Of one that can't be read the server is the judge.
func (t *transfer) askedFor(first, last, total int64) error {
	if t.job.PartNumber > 0 || total < 0 {
		return nil
	}
	want := plan.Range{Length: total}
	if t.job.Range != "" {
		spec, err := plan.ParseRange(t.job.Range)
		if err != nil {
			return nil
		}
		if want, err = spec.Resolve(total); err != nil {
			return fmt.Errorf("the answer has bytes: %w", err)
		}
	}
	if first != want.Offset || last != want.End()-1 {
		return fmt.Errorf("asked for %q, the answer has the bytes %d-%d of %d", t.job.Range, first, last, total)
	}
	return nil
}

// wholeAsked accepts the whole object as the answer to a Range that means the
// whole object.
func (t *transfer) wholeAsked(size int64) error {
	if t.job.Range == "" {
		return nil
	}
	spec, err := plan.ParseRange(t.job.Range)
	if err != nil {
		return err
	}
	if r, err := spec.Resolve(size); err != nil || r.Offset != 0 || r.Length != size {
		return fmt.Errorf("the store ignored the range %s and sent all %d bytes", t.job.Range, size)
	}
	return nil
}

// whole says that the bytes asked for are those of the whole object.
func (o *object) whole() bool { return o.base == 0 && o.size == o.total && o.t.job.PartNumber == 0 }

// deliver brings the bytes to the sink and ends it.
func (o *object) deliver(ctx context.Context, a *answer) (_ *driver.Outcome, err error) {
	defer a.close()
	w, err := o.t.job.Sink.Open(ctx, o.t.d.c.FS, o.size)
	if err != nil {
		return nil, err
	}
	o.writer = o.follow(w)
	err = errEnded // so it is if the caller's code ends this goroutine
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Abort())
		}
	}()
	size, sum, err := o.fetchAll(ctx, a)
	if err == nil {
		err = ended(ctx, ctx.Err())
	}
	if err == nil {
		err = w.Commit(body.Info{Size: size, LastModified: aws.ToTime(o.first.LastModified)})
	}
	if err != nil {
		return nil, err
	}
	out := *o.first
	out.Body = http.NoBody
	return &driver.Outcome{
		ETag: o.etag, VersionID: aws.ToString(out.VersionId), Size: size, ContentType: aws.ToString(out.ContentType),
		Metadata: out.Metadata, LastModified: aws.ToTime(out.LastModified), Checksum: sum, Parts: max(1, o.cut.Count()), Output: output(&out),
	}, nil
}

// fetchAll fetches all bytes and compares their checksum.
func (o *object) fetchAll(ctx context.Context, a *answer) (size int64, sum driver.Checksum, err error) {
	if o.size < 0 {
		hash, err := o.fetch(ctx, 0, plan.Range{Length: -1}, a, o.writer.WriteAt)
		if err != nil {
			return 0, sum, err
		}
		o.t.events.Found(hash.Bytes(), o.etag)
		o.add(0, hash)
		sum, err = o.validate(ctx)
		return hash.Bytes(), sum, err
	}
	if o.size == 0 {
		a.close()
		sum, err = o.validate(ctx)
		return 0, sum, err
	}
	if o.writer.Ordered() {
		err = o.fetchOrdered(ctx, a)
	} else {
		err = o.fetchAnyhow(ctx, a)
	}
	if err != nil {
		return 0, sum, err
	}
	sum, err = o.validate(ctx)
	return o.size, sum, err
}

// fetchAnyhow fetches the parts into a writer that takes them in any order.
func (o *object) fetchAnyhow(ctx context.Context, a *answer) error {
	defer a.close() // if no lane came to it
	return parallel(ctx, min(o.t.lanes, o.cut.Count()), counted(o.cut.Count()), func(ctx context.Context, i int) error {
		hash, err := o.fetch(ctx, i, o.cut.At(i), firstOnly(i, a), o.writer.WriteAt)
		if err == nil {
			o.add(i, hash)
		}
		return err
	})
}

// orderedPart is a part and its place in the order.
type orderedPart struct {
	i    int
	part *body.OrderedPart
}

// readAhead is how many parts may be under way to an ordered writer for each
// lane.
const readAhead = 4

// fetchOrdered fetches parts ahead, as far as the memory allows, and writes them
// in order.
func (o *object) fetchOrdered(ctx context.Context, a *answer) error {
	defer a.close()
	orderer := body.NewOrderer(o.writer, o.t.pool, func() int { return readAhead * o.t.lanes })
	defer orderer.Drop()
	count := counted(o.cut.Count())
	next := func(ctx context.Context) (p orderedPart, ok bool, err error) {
		if p.i, ok, _ = count(ctx); !ok {
			return p, false, nil
		}
		r := o.cut.At(p.i)
		p.part, err = orderer.Part(ctx, r.Offset, r.Length)
		return p, true, err
	}
	return parallel(ctx, min(o.t.lanes, o.cut.Count()), next, func(ctx context.Context, p orderedPart) error {
		hash, err := o.fetch(ctx, p.i, o.cut.At(p.i), firstOnly(p.i, a), func(b []byte, _ int64) (int, error) { return p.part.Write(b) })
		if err != nil {
			return err
		}
		o.add(p.i, hash)
		return p.part.Close()
	})
}

// firstOnly returns the first answer for the first part.
func firstOnly(i int, a *answer) *answer {
	if i == 0 {
		return a
	}
	return nil
}

// modified is the error for an object that is no longer what it was.
func (t *transfer) modified(etag string, err error) error {
	return &driver.ObjectModifiedError{Bucket: t.job.Bucket, Key: t.job.Key, ETag: etag, Err: err}
}

// strong says that an ETag may stand in If-Match (RFC 9110 §13.1.1).
func strong(etag string) bool { return etag != "" && !strings.HasPrefix(etag, "W/") }
