package haul

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

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
	target    *fileSink // of a Download with resume
}

func newRequest(kind driver.Kind, bucket, key *string, input any, o *transferOptions) *transfer {
	f := &Future{meta: Meta{
		kind: kind, bucket: aws.ToString(bucket), key: aws.ToString(key), input: input, size: -1,
	}}
	return &transfer{future: f, request: request{meta: &f.meta, o: o}}
}

var errNilInput = errors.New("input is nil")

func (m *Manager) newUpload(src Source, in *s3.PutObjectInput, o *transferOptions) (*transfer, error) {
	if in == nil {
		return nil, (&Meta{kind: driver.Upload}).fail(errNilInput)
	}
	t := newRequest(driver.Upload, in.Bucket, in.Key, copyInput(in), o)
	if s, ok := src.(source); ok {
		t.src = s
	}
	err := m.check(&t.request)
	if err == nil {
		err = checkSource(&t.src, m.o.FS)
	}
	if err == nil && o.resume != nil {
		err = checkResumeSource(t.src)
	}
	return t, t.meta.refuse(err)
}

func (m *Manager) newDownload(in *s3.GetObjectInput, dst Sink, o *transferOptions) (*transfer, error) {
	if in == nil {
		return nil, (&Meta{kind: driver.Download}).fail(errNilInput)
	}
	t := newRequest(driver.Download, in.Bucket, in.Key, copyInput(in), o)
	err := m.check(&t.request)
	if err == nil {
		err = m.checkSink(&t.request, dst)
	}
	return t, t.meta.refuse(err)
}

// checkSink takes the sink of a Download, if it will do.
func (m *Manager) checkSink(r *request, dst Sink) error {
	if dst == nil {
		return errors.New("sink is nil")
	}
	if r.o.resume != nil {
		if err := checkResumeSink(dst, m.o.FS); err != nil {
			return err
		}
		target := dst.(fileSink)
		r.target = &target
	}
	r.sink = dst.sink(body.FileOptions{Durable: m.o.Durable || r.o.resume != nil, Direct: m.o.DirectIO})
	err := r.sink.Check(m.o.FS)
	if len(r.o.subscribers) > 0 && errors.Is(err, fs.ErrNotExist) {
		r.sinkLater, err = true, nil
	}
	return err
}

func (m *Manager) newCopy(in *s3.CopyObjectInput, o *transferOptions) (*transfer, error) {
	if in == nil {
		return nil, (&Meta{kind: driver.Copy}).fail(errNilInput)
	}
	t := newRequest(driver.Copy, in.Bucket, in.Key, copyInput(in), o)
	return t, t.meta.refuse(m.check(&t.request))
}

func (m *Manager) newDelete(in *s3.DeleteObjectInput, o *transferOptions) (*transfer, error) {
	if in == nil {
		return nil, (&Meta{kind: driver.Delete}).fail(errNilInput)
	}
	t := newRequest(driver.Delete, in.Bucket, in.Key, copyInput(in), o)
	return t, t.meta.refuse(m.check(&t.request))
}

// check finds every fault that any request may have, and reports them as one
// error.
func (m *Manager) check(r *request) error {
	if m.open.Err() != nil {
		return ErrShutdown
	}
	return errors.Join(checkName(r.meta.bucket, r.meta.key), checkInput(r.meta.input), r.o.validate(r.meta.kind, m))
}

// refuse makes a TransferError of an error, and nothing of nil.
func (m *Meta) refuse(err error) error {
	if err == nil {
		return nil
	}
	return m.fail(err)
}

// objectLambda is the form of an S3 Object Lambda access point's ARN.
var objectLambda = regexp.MustCompile(`^arn:aws[^:]*:s3-object-lambda:[a-z\-0-9]*:[0-9]{12}:accesspoint[/:][a-zA-Z0-9\-]{1,63}`)

func checkName(bucket, key string) error {
	var missing, wrong error
	if bucket == "" {
		missing = errors.New("bucket is missing")
	}
	switch {
	case key == "":
		wrong = errors.New("key is missing")
	case len(key) > s3api.MaxKeyBytes:
		wrong = fmt.Errorf("key has %d bytes: S3's maximum is %d", len(key), s3api.MaxKeyBytes)
	}
	return errors.Join(missing, checkBucket(bucket), wrong)
}

func checkBucket(bucket string) error {
	if strings.HasPrefix(bucket, "arn:") && objectLambda.MatchString(bucket) {
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
	var body, length error
	if in.Body != nil {
		body = errors.New("PutObjectInput.Body is set: pass the bytes as Source")
	}
	if n := aws.ToInt64(in.ContentLength); n < 0 {
		length = fmt.Errorf("ContentLength is %d: it must not be negative", n)
	}
	_, err := givenChecksum(in)
	return errors.Join(body, length, err)
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
