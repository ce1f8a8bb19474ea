package haul

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
)

// jobMemory is a driver's job with what most jobs point to, so that they are one
// object of the heap.
type jobMemory struct {
	driver.Job
	source boundSource
	sink   boundSink
	up     uploadCalls
	down   downloadCalls
}

// job forms the driver's job from a request, as the OnQueued hooks left it.
func (m *Manager) job(r *request) (*driver.Job, error) {
	meta := r.meta
	input, size, etag := meta.given()
	j := &jobMemory{Job: driver.Job{
		Kind: meta.kind, ID: meta.id, Bucket: meta.bucket, Key: meta.key, Size: max(size, -1), ETag: etag,
		PartSize: r.o.size(m), Concurrency: m.o.Concurrency, LeaveParts: m.o.LeavePartsOnError || r.o.leaveParts,
		Retry: m.o.retries(), Limits: m.o.limits(), Bandwidth: m.limiter,
	}}
	if r.o.concurrency != nil {
		j.Concurrency = *r.o.concurrency
	}
	if j.Threshold = m.o.MultipartThreshold; j.Threshold == 0 {
		j.Threshold = j.PartSize
	}
	m.callOptions(&j.Job, r.o)
	var err error
	switch in := input.(type) {
	case *s3.PutObjectInput:
		err = m.uploadJob(j, r, in)
	case *s3.GetObjectInput:
		err = m.downloadJob(j, r, in)
	case *s3.CopyObjectInput:
		err = m.copyJob(&j.Job, r, in)
	case *s3.DeleteObjectInput:
		j.Calls = &deleteCalls{in, meta}
	}
	return &j.Job, err
}

// callOptions hands on the SDK's options: to the engine in its serializer, to
// the plain SDK as they are.
func (m *Manager) callOptions(j *driver.Job, o *transferOptions) {
	if m.serializer == nil {
		j.OptFns = slices.Concat(m.classicS3, o.s3)
	} else if len(o.s3) > 0 {
		j.Serializer = m.sdk.With(o.s3...)
	}
}

// ContentMD5 and WriteOffsetBytes belong on PutObject alone, AnnotationDirective
// on CopyObject alone: with these a transfer is never made in parts below
// S3's limit for one request, where they would be left out silently.

func (m *Manager) uploadJob(j *jobMemory, r *request, in *s3.PutObjectInput) error {
	plan, g, err := m.uploadChecksum(in)
	if err != nil {
		return err
	}
	j.source = boundSource{r.src.Source, m.o.FS}
	j.Source, j.Checksum = &j.source, plan
	if j.Size < 0 && in.ContentLength != nil {
		j.Size = *in.ContentLength
	}
	if in.ContentMD5 != nil || in.WriteOffsetBytes != nil {
		size := max(r.src.size, j.Size)
		if size < 0 || size >= s3api.MaxPartSize {
			return fmt.Errorf("ContentMD5 and WriteOffsetBytes are for one request of less than 5 GiB, size of the source is %d (-1: set ContentLength)", size)
		}
		j.Threshold, j.OneRequest = s3api.MaxPartSize, true
	}
	algorithm := plan.Algorithm.String()
	if plan.Algorithm == checksum.None {
		algorithm = g.name // of a value that is only passed on; or empty
	}
	j.up = newUploadCalls(in, r.meta, algorithm, plan.Type)
	j.Calls = &j.up
	if r.o.resume != nil {
		return m.resumeUpload(&j.Job, r, in)
	}
	return nil
}

func (m *Manager) downloadJob(j *jobMemory, r *request, in *s3.GetObjectInput) error {
	if r.sinkLater {
		if err := r.sink.Check(m.o.FS); err != nil {
			return err
		}
	}
	j.sink = boundSink{r.sink, m.o.FS}
	j.Sink, j.Checksum = &j.sink, m.downloadChecksum(in, r.o)
	j.Range, j.PartNumber = aws.ToString(in.Range), aws.ToInt32(in.PartNumber)
	j.down = downloadCalls{in, r.meta, j.Checksum.Validate}
	j.Calls = &j.down
	if r.o.resume != nil {
		return m.resumeDownload(&j.Job, r, in)
	}
	return nil
}

func (m *Manager) copyJob(j *driver.Job, r *request, in *s3.CopyObjectInput) error {
	source, err := parseCopySource(aws.ToString(in.CopySource))
	if err != nil {
		return err
	}
	if j.Checksum.Algorithm, err = parseAlgorithm(in.ChecksumAlgorithm); err != nil {
		return err
	}
	if j.Checksum.Algorithm != checksum.None {
		j.Checksum.Chosen = true
		if j.Checksum.Type, err = checksumType(j.Checksum.Algorithm, m.o.ChecksumType); err != nil {
			return err
		}
	}
	if in.AnnotationDirective != "" {
		j.Threshold = s3api.MaxPartSize
	}
	j.CopyTags = keepsTags(in)
	j.CopyCreate = func(head *driver.ObjectHead) any { return copyCreate(in, r.meta, head, j.Checksum) }
	j.CopyTagging = func(head *driver.ObjectHead, versionID string) any {
		return copyTagging(in, r.meta, head, versionID)
	}
	j.Calls = &copyCalls{in, r.meta, source, j.Checksum}
	if r.o.sourceClient != nil {
		j.SourceHead = sourceHead(r.o, j)
	}
	return nil
}

// sourceHead asks a client of the caller's for head and tags of the source.
func sourceHead(o *transferOptions, j *driver.Job) func(context.Context) (*driver.ObjectHead, error) {
	head := j.Calls.Input(s3api.HeadObject).(*s3.HeadObjectInput)
	tagging := j.Calls.Input(s3api.GetObjectTagging).(*s3.GetObjectTaggingInput)
	return func(ctx context.Context) (*driver.ObjectHead, error) {
		out, err := o.sourceClient.HeadObject(ctx, head, o.s3...)
		if err != nil {
			return nil, fmt.Errorf("head of the source: %w", err)
		}
		h := &driver.ObjectHead{
			Size: aws.ToInt64(out.ContentLength), ETag: aws.ToString(out.ETag),
			CacheControl: aws.ToString(out.CacheControl), ContentDisposition: aws.ToString(out.ContentDisposition),
			ContentEncoding: aws.ToString(out.ContentEncoding), ContentLanguage: aws.ToString(out.ContentLanguage),
			ContentType: aws.ToString(out.ContentType), Expires: aws.ToString(out.ExpiresString),
			WebsiteRedirect: aws.ToString(out.WebsiteRedirectLocation), Metadata: out.Metadata,
			VersionID: aws.ToString(out.VersionId), TagCount: int(aws.ToInt32(out.TagCount)),
		}
		if !j.CopyTags || h.TagCount == 0 {
			return h, nil
		}
		tags, err := o.sourceClient.GetObjectTagging(ctx, tagging, o.s3...)
		if err != nil {
			return nil, fmt.Errorf("tags of the source: %w", err)
		}
		for _, t := range tags.TagSet {
			h.Tags = append(h.Tags, s3api.Tag{Key: aws.ToString(t.Key), Value: aws.ToString(t.Value)})
		}
		return h, nil
	}
}
