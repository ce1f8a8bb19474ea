package haul

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/plan"
	"github.com/haul-s3/haul/internal/s3api"
)

// request is what the caller asked for, checked as far as it can be at once.
// The check of an input runs again when the OnQueued hooks are through with it.
type request struct {
	meta *Meta
	o    *transferOptions
	src  source    // Upload
	sink body.Sink // Download
	// sinkLater says that the sink's folder was missing, and that a hook may
	// make it.
	sinkLater bool
	target    fileSink // of a Download with resume
}

func newRequest(kind driver.Kind, bucket, key *string, input any, o *transferOptions) *request {
	return &request{o: o, meta: &Meta{
		kind: kind, bucket: aws.ToString(bucket), key: aws.ToString(key), input: input, size: -1,
	}}
}

var errNilInput = errors.New("input is nil")

func (m *Manager) newUpload(src Source, in *s3.PutObjectInput, o *transferOptions) (*request, error) {
	if in == nil {
		return nil, (&Meta{kind: driver.Upload}).fail(errNilInput)
	}
	c := *in
	c.Metadata = maps.Clone(in.Metadata)
	r := newRequest(driver.Upload, in.Bucket, in.Key, &c, o)
	if s, ok := src.(source); ok {
		r.src = s
	}
	return r, m.check(r, func() error {
		err := checkSource(&r.src, m.o.FS)
		if err == nil && o.resume != nil {
			err = checkResumeSource(r.src)
		}
		return err
	})
}

func (m *Manager) newDownload(in *s3.GetObjectInput, dst Sink, o *transferOptions) (*request, error) {
	if in == nil {
		return nil, (&Meta{kind: driver.Download}).fail(errNilInput)
	}
	c := *in
	r := newRequest(driver.Download, in.Bucket, in.Key, &c, o)
	return r, m.check(r, func() error {
		if dst == nil {
			return errors.New("sink is nil")
		}
		if o.resume != nil {
			if err := checkResumeSink(dst, m.o.FS); err != nil {
				return err
			}
			r.target = dst.(fileSink)
		}
		r.sink = dst.sink(m.o.Durable || o.resume != nil)
		err := r.sink.Check(m.o.FS)
		if len(o.subscribers) > 0 && errors.Is(err, fs.ErrNotExist) {
			r.sinkLater, err = true, nil
		}
		return err
	})
}

func (m *Manager) newCopy(in *s3.CopyObjectInput, o *transferOptions) (*request, error) {
	if in == nil {
		return nil, (&Meta{kind: driver.Copy}).fail(errNilInput)
	}
	c := *in
	c.Metadata = maps.Clone(in.Metadata)
	r := newRequest(driver.Copy, in.Bucket, in.Key, &c, o)
	return r, m.check(r, nil)
}

func (m *Manager) newDelete(in *s3.DeleteObjectInput, o *transferOptions) (*request, error) {
	if in == nil {
		return nil, (&Meta{kind: driver.Delete}).fail(errNilInput)
	}
	c := *in
	r := newRequest(driver.Delete, in.Bucket, in.Key, &c, o)
	return r, m.check(r, nil)
}

// check reports every fault that a request has, as one error.
func (m *Manager) check(r *request, more func() error) error {
	if m.open.Err() != nil {
		return r.meta.fail(ErrShutdown)
	}
	err := errors.Join(checkName(r.meta.bucket, r.meta.key), checkInput(r.meta.input), r.o.validate(r.meta.kind, m))
	if err == nil && more != nil {
		err = more()
	}
	if err != nil {
		return r.meta.fail(err)
	}
	return nil
}

// objectLambda is the form of an S3 Object Lambda access point's ARN.
var objectLambda = regexp.MustCompile(`^arn:aws[^:]*:s3-object-lambda:[a-z\-0-9]*:[0-9]{12}:accesspoint[/:][a-zA-Z0-9\-]{1,63}`)

func checkName(bucket, key string) error {
	var errs []error
	if bucket == "" {
		errs = append(errs, errors.New("bucket is missing"))
	}
	errs = append(errs, checkBucket(bucket))
	switch {
	case key == "":
		errs = append(errs, errors.New("key is missing"))
	case len(key) > s3api.MaxKeyBytes:
		errs = append(errs, fmt.Errorf("key has %d bytes: S3's maximum is %d", len(key), s3api.MaxKeyBytes))
	}
	return errors.Join(errs...)
}

func checkBucket(bucket string) error {
	if objectLambda.MatchString(bucket) {
		return fmt.Errorf("bucket %s is an S3 Object Lambda resource, which transfers don't support: use the SDK's client directly", bucket)
	}
	return nil
}

// checkInput checks the fields of the SDK's inputs that haul looks at; all
// others are S3's to judge.
func checkInput(input any) error {
	switch in := input.(type) {
	case *s3.PutObjectInput:
		return checkPut(in)
	case *s3.GetObjectInput:
		return checkGet(in)
	case *s3.CopyObjectInput:
		_, err := parseCopySource(aws.ToString(in.CopySource))
		_, aerr := parseAlgorithm(in.ChecksumAlgorithm)
		return errors.Join(err, aerr)
	}
	return nil
}

func checkPut(in *s3.PutObjectInput) error {
	var errs []error
	if in.Body != nil {
		errs = append(errs, errors.New("PutObjectInput.Body is set: pass the bytes as Source"))
	}
	if n := aws.ToInt64(in.ContentLength); n < 0 {
		errs = append(errs, fmt.Errorf("ContentLength is %d: it must not be negative", n))
	}
	_, err := givenChecksum(in)
	return errors.Join(append(errs, err)...)
}

func checkGet(in *s3.GetObjectInput) error {
	if in.Range != nil && in.PartNumber != nil {
		return errors.New("both Range and PartNumber are set: S3 takes one of them")
	}
	if n := in.PartNumber; n != nil && (*n < 1 || *n > s3api.MaxParts) {
		return fmt.Errorf("PartNumber is %d: parts are numbered from 1 to %d", *n, s3api.MaxParts)
	}
	if in.Range != nil {
		_, err := plan.ParseRange(*in.Range)
		return err
	}
	return nil
}

// checkSource finds what is wrong with a source without opening it, and the
// size of a file.
func checkSource(src *source, fsys FS) error {
	switch {
	case src.Source == nil:
		return errors.New("source is nil")
	case src.isNil && src.kind == sourceStream:
		return errors.New("source is a nil io.Reader")
	case src.isNil:
		return errors.New("source is a nil io.ReaderAt")
	}
	if src.kind == sourceSized && (src.size < 0 || src.size > s3api.MaxObjectSize) {
		return fmt.Errorf("size of the source is %d bytes: it must be from 0 to %d (48.8 TiB)", src.size, s3api.MaxObjectSize)
	}
	if src.kind != sourceFile {
		return nil
	}
	info, err := fsys.Stat(src.path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("source %s is a directory: name a file", src.path)
	}
	if info.Mode().IsRegular() {
		src.size = info.Size()
	}
	if src.size > s3api.MaxObjectSize {
		return fmt.Errorf("source %s has %d bytes: the largest object has %d (48.8 TiB)", src.path, src.size, s3api.MaxObjectSize)
	}
	return nil
}
