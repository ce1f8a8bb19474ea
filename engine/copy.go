package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/plan"
	"github.com/haul-s3/haul/internal/s3api"
)

// A copy goes through these stages; its bytes never leave S3:
//
//	source   HEAD of the source, unless its size and ETag are known and it is small
//	single   one CopyObject
//	ranges   create with what is kept of the source; UploadPartCopy on all lanes; complete; tags

func (t *transfer) copy(ctx context.Context) (*driver.Outcome, error) {
	head, err := t.copyHead(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := plan.PartSize(head.Size, t.job.PartSize); err != nil {
		return nil, err
	}
	t.events.Found(head.Size, head.ETag)
	if head.Size < t.threshold() {
		return t.copySingle(ctx, head)
	}
	return t.copyRanges(ctx, head)
}

// copyHead learns what must be known of the source.
func (t *transfer) copyHead(ctx context.Context) (*driver.ObjectHead, error) {
	if t.job.Size >= 0 && t.job.ETag != "" && t.job.Size < t.threshold() {
		return &driver.ObjectHead{Size: t.job.Size, ETag: t.job.ETag}, nil
	}
	if t.job.SourceHead != nil {
		return t.job.SourceHead(ctx)
	}
	template, err := t.form(ctx, s3api.HeadObject)
	if err != nil {
		return nil, err
	}
	ln := t.lane()
	defer ln.drop()
	c := &call{template: template}
	resp, err := t.do(ctx, ln, c)
	if err != nil {
		return nil, err
	}
	head, err := objectHead(resp)
	if err != nil {
		return nil, t.failure(c, err)
	}
	if t.job.CopyTags && head.TagCount > 0 && head.Size >= t.threshold() {
		head.Tags, err = t.tags(ctx, ln)
	}
	return head, err
}

func objectHead(resp *s3api.Response) (*driver.ObjectHead, error) {
	h := resp.Header
	size := resp.ContentLength
	if size < 0 {
		return nil, errors.New("the answer to HeadObject has no Content-Length")
	}
	tags, _ := strconv.Atoi(h.Get(s3api.HeaderTaggingCount)) // absent: none
	return &driver.ObjectHead{
		Size: size, ETag: h.Get(s3api.HeaderETag), VersionID: h.Get(s3api.HeaderVersionID),
		CacheControl: h.Get("Cache-Control"), ContentDisposition: h.Get("Content-Disposition"),
		ContentEncoding: h.Get(s3api.HeaderContentEncoding), ContentLanguage: h.Get("Content-Language"),
		ContentType: h.Get(s3api.HeaderContentType), Expires: h.Get("Expires"),
		WebsiteRedirect: h.Get("X-Amz-Website-Redirect-Location"), Metadata: metadata(h), TagCount: tags,
	}, nil
}

func (t *transfer) tags(ctx context.Context, ln *lane) ([]s3api.Tag, error) {
	template, err := t.form(ctx, s3api.GetObjectTagging)
	if err != nil {
		return nil, err
	}
	c := &call{template: template}
	resp, err := t.do(ctx, ln, c)
	if err != nil {
		return nil, err
	}
	tags, err := s3api.ParseTags(resp.Body)
	if err != nil {
		return nil, t.failure(c, err)
	}
	return tags, nil
}

// copySingle copies with one request.
func (t *transfer) copySingle(ctx context.Context, head *driver.ObjectHead) (*driver.Outcome, error) {
	template, err := t.form(ctx, s3api.CopyObject)
	if err != nil {
		return nil, err
	}
	ln := t.lane()
	defer ln.drop()
	resp, err := t.do(ctx, ln, &call{template: template, slow: true})
	if err != nil {
		return nil, t.explainCopy(err, head, template)
	}
	t.events.Progress(head.Size)
	result, _ := s3api.ParseComplete(resp.Body) // do has seen that it is one
	out := t.outcome(s3api.CopyObject, resp)
	out.ETag, out.Size, out.Parts = result.ETag, head.Size, 1
	out.LastModified, _ = parseISOTime(result.LastModified)
	out.Checksum = copyChecksum(&result)
	return out, nil
}

// copyChecksum tells the checksum that the store has computed of the copy.
func copyChecksum(r *s3api.CompleteResult) driver.Checksum {
	for _, a := range preference {
		if value := r.Checksum(a.String()); value != "" {
			return driver.Checksum{Algorithm: a, Type: r.ChecksumType, Value: value, How: "the store copied by itself"}
		}
	}
	return driver.Checksum{How: "the store copied by itself and told no checksum"}
}

// copyRanges copies range by range.
func (t *transfer) copyRanges(ctx context.Context, head *driver.ObjectHead) (*driver.Outcome, error) {
	partSize, err := plan.PartSize(head.Size, t.job.PartSize)
	if err != nil {
		return nil, err
	}
	create, err := t.serializer.Serialize(ctx, s3api.CreateMultipartUpload, t.job.CopyCreate(head))
	if err != nil {
		return nil, err
	}
	m, err := t.create(ctx, s3api.UploadPartCopy, create)
	if err != nil {
		return nil, err
	}
	m.combiner = nil // the bytes are not seen here
	u := plan.Uniform{Size: head.Size, PartSize: partSize}
	for range u.Count() {
		m.results = append(m.results, &s3api.CompletedPart{})
	}
	err = t.spread(ctx, u.Count(), func(ctx context.Context, ln *lane, i int) error {
		return m.copyPart(ctx, ln, i, u.At(i), head)
	})
	out, err := m.finish(ctx, err, content{length: head.Size})
	if err == nil {
		err = t.putLongTags(ctx, head, out.VersionID)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// copyPart copies one range, of the very object that the transfer began with.
func (m *multipart) copyPart(ctx context.Context, ln *lane, i int, r plan.Range, head *driver.ObjectHead) error {
	c := &call{template: m.part, part: i + 1, slow: true, prepare: func(h http.Header, query *string) {
		*query = setQuery(*query, s3api.QueryPartNumber, strconv.Itoa(i+1))
		h[s3api.HeaderCopySourceRange] = []string{r.Header()}
		if etag := strongETag(head.ETag); etag != "" {
			h[s3api.HeaderCopySourceIfMatch] = []string{etag}
		}
	}}
	resp, err := m.do(ctx, ln, c)
	if err != nil {
		return m.explainCopy(err, head, nil)
	}
	result, _ := s3api.ParseComplete(resp.Body) // do has seen that it is one
	done := s3api.CompletedPart{Number: i + 1, ETag: result.ETag}
	if a := m.job.Checksum.Algorithm; a != checksum.None {
		done.Checksum = result.Checksum(a.String())
	}
	*m.results[i] = done
	m.events.Progress(r.Length)
	return nil
}

// explainCopy turns S3's 412 for our own condition into what it means. user is
// the template if the condition in it is the user's.
func (t *transfer) explainCopy(err error, head *driver.ObjectHead, user *s3api.Template) error {
	var failure *driver.Failure
	var answer interface{ HTTPStatusCode() int }
	if user == nil && errors.As(err, &failure) && errors.As(failure.Err, &answer) && answer.HTTPStatusCode() == http.StatusPreconditionFailed {
		failure.Err = &driver.ObjectModifiedError{Bucket: t.job.Bucket, Key: t.job.Key, ETag: head.ETag, Err: failure.Err}
	}
	return err
}

// putLongTags sets tags that were too long for CreateMultipartUpload's header.
func (t *transfer) putLongTags(ctx context.Context, head *driver.ObjectHead, versionID string) error {
	if t.job.CopyTagging == nil {
		return nil
	}
	in := t.job.CopyTagging(head, versionID)
	if in == nil {
		return nil
	}
	template, err := t.serializer.Serialize(ctx, s3api.PutObjectTagging, in)
	if err != nil {
		return err
	}
	ln := t.lane()
	defer ln.drop()
	if _, err = t.do(ctx, ln, &call{template: template}); err != nil {
		return fmt.Errorf("the object was copied, its tags were not: %w", err)
	}
	return nil
}
