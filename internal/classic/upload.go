package classic

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/plan"
	"github.com/haul-s3/haul/internal/s3api"
)

// An upload is one PutObject, or Create, the parts in parallel, Complete:
//
//	upload -> uploadAt     -> put | inParts (piece -> uploadPart)
//	       -> uploadStream -> put | inParts (stream.next -> uploadPart)

// upload carries an upload.
func (t *transfer) upload(ctx context.Context) (*driver.Outcome, error) {
	src, err := t.job.Source.Open(ctx, t.d.c.FS)
	if err != nil {
		return nil, err
	}
	var out *driver.Outcome
	if src.At != nil {
		out, err = t.uploadAt(ctx, src)
	} else {
		out, err = t.uploadStream(ctx, src)
	}
	if cerr := src.Close(); err != nil {
		return nil, err
	} else if cerr != nil {
		return nil, cerr
	}
	return out, nil
}

// piece is one part of an upload, and the right to the memory it is in.
type piece struct {
	number  int // from 1
	source  io.ReaderAt
	start   int64 // in source
	size    int64
	release func()
}

// uploadAt uploads what can be read by position.
func (t *transfer) uploadAt(ctx context.Context, src *body.Reader) (*driver.Outcome, error) {
	if size := t.job.Size; size >= 0 && size != src.Size {
		return nil, fmt.Errorf("%d bytes were announced, but the source has %d", size, src.Size)
	}
	t.events.Found(src.Size, "")
	if src.Size < t.threshold && src.Size <= s3api.MaxPartSize {
		return t.put(ctx, src.At, src.Size, src.Check)
	}
	partSize, err := plan.PartSize(src.Size, t.partSize)
	if err != nil {
		return nil, err
	}
	cut := plan.Uniform{Size: src.Size, PartSize: partSize}
	return t.uploadInParts(ctx, func(ctx context.Context, m *multipart) error {
		err := parallel(ctx, min(t.lanes, cut.Count()), counted(cut.Count()), func(ctx context.Context, i int) error {
			r := cut.At(i)
			return m.upload(ctx, piece{number: i + 1, source: src.At, start: r.Offset, size: r.Length, release: func() {}})
		})
		if err != nil {
			return err
		}
		return src.Check()
	})
}

// put uploads in one request. check is asked before the last byte leaves.
func (t *transfer) put(ctx context.Context, source io.ReaderAt, size int64, check func() error) (*driver.Outcome, error) {
	in, err := input[s3.PutObjectInput](t, s3api.PutObject)
	if err != nil {
		return nil, err
	}
	b := t.newBody(source, 0, size)
	b.last = check
	if err := t.prepare(b, in); err != nil {
		return nil, err
	}
	in.Body = b
	out, attempt, err := call(ctx, t, t.d.api.PutObject, in, b)
	if err != nil {
		if out, ok := t.ownPut(ctx, err, attempt, b); ok {
			return out, nil
		}
		return nil, failure(0, attempt, err)
	}
	hash, err := b.succeed()
	if err != nil {
		return nil, err
	}
	sum, err := t.uploaded(out, hash.Base64())
	return &driver.Outcome{
		ETag: aws.ToString(out.ETag), VersionID: aws.ToString(out.VersionId), Size: size, Parts: 1,
		ContentType: aws.ToString(in.ContentType), Metadata: in.Metadata, Checksum: sum, Output: output(out),
	}, err
}

// prepare computes the body's checksum beforehand where it goes as a header.
func (t *transfer) prepare(b *outBody, in any) error {
	a := t.job.Checksum.Algorithm
	if !t.header || a == checksum.None || sumOf(in, a) != "" {
		return nil
	}
	hash, err := b.sum()
	if err != nil {
		return err
	}
	setSum(in, a, hash.Base64())
	return nil
}

// uploaded tells what S3 said of the checksum of a body that was uploaded
// whole, of which ours is known.
func (t *transfer) uploaded(out any, ours string) (driver.Checksum, error) {
	a := t.job.Checksum.Algorithm
	theirs := sumOf(out, a)
	switch {
	case a == checksum.None:
		return driver.Checksum{How: "no checksum was asked for"}, nil
	case theirs == "":
		return driver.Checksum{Algorithm: a, How: "the store returned no " + a.String()}, nil
	case theirs != ours:
		return driver.Checksum{}, &driver.ChecksumError{Algorithm: a, Want: ours, Got: theirs}
	}
	return driver.Checksum{Algorithm: a, Type: s3api.ChecksumFullObject, Value: theirs, Validated: true, How: "S3 compared it with what it received"}, nil
}

// uploadInParts uploads by Create, fill and Complete.
func (t *transfer) uploadInParts(ctx context.Context, fill func(context.Context, *multipart) error) (*driver.Outcome, error) {
	in, err := input[s3.CreateMultipartUploadInput](t, s3api.CreateMultipartUpload)
	if err != nil {
		return nil, err
	}
	m, out, err := t.inParts(ctx, in, fill)
	if err != nil {
		return nil, err
	}
	return &driver.Outcome{
		ETag: aws.ToString(out.ETag), VersionID: aws.ToString(out.VersionId), Size: m.size, Parts: len(m.parts),
		ContentType: aws.ToString(in.ContentType), Metadata: in.Metadata, Checksum: m.checksum(out), Output: output(out),
	}, nil
}

// upload uploads one part and gives its memory back.
func (m *multipart) upload(ctx context.Context, p piece) error {
	defer p.release()
	t := m.t
	in, err := input[s3.UploadPartInput](t, s3api.UploadPart)
	if err != nil {
		return err
	}
	b := t.newBody(p.source, p.start, p.size)
	if err := t.prepare(b, in); err != nil {
		return failure(p.number, 0, err)
	}
	if t.job.Checksum.Algorithm == checksum.None {
		in.ChecksumAlgorithm = "" // of a value that is only passed on, which the SDK may not know
	}
	in.UploadId, in.PartNumber, in.Body = &m.id, aws.Int32(int32(p.number)), b
	out, attempt, err := call(ctx, t, t.d.api.UploadPart, in, b)
	if err != nil {
		return failure(p.number, attempt, err)
	}
	hash, err := b.succeed()
	if err != nil {
		return failure(p.number, attempt, err)
	}
	a := t.job.Checksum.Algorithm
	theirs := sumOf(out, a)
	if theirs != "" && theirs != hash.Base64() {
		return failure(p.number, attempt, &driver.ChecksumError{Algorithm: a, Want: hash.Base64(), Got: theirs})
	}
	done := types.CompletedPart{PartNumber: in.PartNumber, ETag: out.ETag}
	setSum(&done, a, theirs)
	m.add(p.number, done, p.size)
	if m.combiner != nil {
		m.combiner.Add(p.number-1, hash.Sum64(), p.size)
	}
	return nil
}

// output returns what Outcome.Output is.
func output(out any) func() (any, error) { return func() (any, error) { return out, nil } }
