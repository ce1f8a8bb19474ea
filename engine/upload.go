package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/plan"
	"github.com/haul-s3/haul/internal/s3api"
)

// An upload goes through these stages:
//
//	upload   open the source, decide between one request and many; again without
//	         a checksum where the store refuses it (refusal.go)
//	put      one PutObject
//	parts    create (opening.go); all lanes carry parts of a source that is read by position; complete
//	stream   the same for a source that is read once: staged in order, sent in parallel
//	abort    on failure, until nothing is left on the server

func (t *transfer) upload(ctx context.Context) (out *driver.Outcome, err error) {
	src, err := t.job.Source.Open(ctx, t.job.FS)
	if err != nil {
		return nil, err
	}
	defer func() { // also where a hook or a reader of the caller's ends this goroutine
		if cerr := src.Close(); err == nil && cerr != nil {
			out, err = nil, cerr
		}
	}()
	return t.uploadWithJournal(ctx, src)
}

// uploadOnce decides between one request and many.
func (t *transfer) uploadOnce(ctx context.Context, src *body.Reader) (*driver.Outcome, error) {
	size := src.Size
	if size < 0 {
		size = t.job.Size
	} else if t.job.Size >= 0 && t.job.Size != size {
		return nil, fmt.Errorf("ContentLength is %d but the source has %d bytes", t.job.Size, size)
	}
	if size >= 0 {
		if _, err := plan.PartSize(size, t.job.PartSize); err != nil {
			return nil, err
		}
		t.events.Found(size, "")
	}
	switch {
	case src.At == nil:
		return t.stream(ctx, src.Stream, size)
	case size < t.threshold():
		return t.put(ctx, whole(src))
	}
	return t.parts(ctx, whole(src))
}

// threshold is the size from which an object goes in parts: the job's, and
// never more than one request can carry.
func (t *transfer) threshold() int64 { return min(t.job.Threshold, s3api.MaxPartSize) }

func whole(src *body.Reader) content {
	return content{at: src.At, length: src.Size, local: src.Local, inMemory: src.InMemory, check: src.Check, info: src.Info}
}

// trailer decides where the checksum travels. As a trailer the source is read
// once; AWS's own endpoints take it. Other stores all take a header.
func (t *transfer) trailer(template *s3api.Template, c content) bool {
	switch t.job.Checksum.Place {
	case driver.PlaceHeader:
		return false
	case driver.PlaceTrailer:
		return true
	}
	return !c.inMemory && t.https(template) && strings.HasSuffix(template.URL.Hostname(), ".amazonaws.com")
}

// scheme is what a template's requests go over.
func (t *transfer) scheme(template *s3api.Template) string {
	if t.client.o.DisableSSL {
		return "http"
	}
	return template.URL.Scheme
}

func (t *transfer) https(template *s3api.Template) bool { return t.scheme(template) == "https" }

// put sends the whole object with one request.
func (t *transfer) put(ctx context.Context, c content) (*driver.Outcome, error) {
	template, err := t.form(ctx, s3api.PutObject)
	if err != nil {
		return nil, err
	}
	ln := t.leadLane()
	defer ln.drop()
	call := &call{template: template}
	if err := ln.take(ctx); err != nil { // send reads the source before it sends
		return nil, t.failure(call, err)
	}
	resp, proof, err := t.send(ctx, ln, call, c)
	if err != nil {
		own, ok := t.putOurOwn(ctx, call, err, c.length, proof)
		if !ok {
			return nil, err
		}
		resp = own
	}
	out := t.outcome(s3api.PutObject, resp)
	out.Size, out.Parts = c.length, 1
	out.Checksum = t.uploadChecksum(proof.algorithm, s3api.ChecksumFullObject, proof.value, resp.Header.Get(proof.algorithm.HeaderKey()))
	return out, nil
}

// putOurOwn looks whether a PutObject that failed has been carried out.
func (t *transfer) putOurOwn(ctx context.Context, c *call, cause error, size int64, p *proof) (*s3api.Response, bool) {
	if p == nil || c.attempts < 2 || !maybeOurOwn(c, cause) {
		return nil, false
	}
	part, err := t.form(ctx, s3api.UploadPart)
	if err != nil {
		return nil, false
	}
	own, ok := t.ourOwn(ctx, c, cause, part, size, p.value)
	if ok { // the last attempt may have been answered early
		t.credit(size - c.body.moved())
	}
	return own, ok
}

// send carries content with one call, its checksum before or behind it. What it
// knows of the checksum it tells on an error too.
func (t *transfer) send(ctx context.Context, ln *lane, c *call, src content) (*s3api.Response, *proof, error) {
	algorithm := t.job.Checksum.Algorithm
	given := t.job.Checksum.Given != "" && c.template.Op == s3api.PutObject
	if given {
		algorithm = checksum.None // the caller's own value is in the template
	}
	p := src.proof
	if p == nil {
		var err error
		if p, err = t.prove(ctx, &ln.work, src, algorithm, t.trailer(c.template, src)); err != nil {
			return nil, nil, t.failure(c, err)
		}
	}
	resp, err := t.sendProven(ctx, ln, c, src, p)
	if given {
		p.algorithm, p.value = t.job.Checksum.Algorithm, t.job.Checksum.Given
	}
	if err != nil {
		return nil, p, err
	}
	if err := p.confirm(resp); err != nil {
		return nil, nil, t.failure(c, err)
	}
	return resp, p, nil
}

func (t *transfer) sendProven(ctx context.Context, ln *lane, c *call, src content, p *proof) (*s3api.Response, error) {
	c.payload = func(ctx context.Context, w *watch) *payload {
		b := t.payload(ctx, w, src, p, t.https(c.template))
		b.quiet = c.second
		return b
	}
	c.undo = func() { c.body.undo() }
	return t.do(ctx, ln, c)
}

// uploadChecksum tells what was proven about an upload: S3 refuses what doesn't
// match, and says which checksum it has stored.
func (t *transfer) uploadChecksum(a checksum.Algorithm, kind, sent, stored string) driver.Checksum {
	c := driver.Checksum{Algorithm: a, Type: kind, Value: sent}
	switch {
	case t.plain:
		return driver.Checksum{How: noteRefused}
	case a == checksum.None:
		return driver.Checksum{How: "no checksum was asked for"}
	case stored == "":
		c.How = "sent with the object; the store did not say that it compared it"
	case stored == sent:
		c.Validated, c.How = true, "the store compared it with what it received"
	default:
		c.Value, c.How = stored, "the store tells another value than was sent"
	}
	return c
}

// multipart is an upload in parts.
type multipart struct {
	*transfer
	id       string
	part     *s3api.Template // of UploadPart or UploadPartCopy, with the upload's id
	results  []*s3api.CompletedPart
	combiner *checksum.Combiner // nil: the object gets no full-object value from us
	own      *s3api.Response    // of the object, if an earlier transfer has completed the upload

	mu    sync.Mutex
	raced map[int]int64 // by number, the length of parts that were raced; guarded by mu
}

// create opens the upload.
func (t *transfer) create(ctx context.Context, partOp s3api.Operation, create *s3api.Template) (*multipart, error) {
	part, err := t.form(ctx, partOp)
	if err != nil {
		return nil, err
	}
	ln := t.lane()
	defer ln.drop()
	c := &call{template: create, linger: t.limits.Abort}
	resp, err := t.do(ctx, ln, c)
	if err != nil {
		return nil, err
	}
	id, err := s3api.ParseUploadID(resp.Body)
	if err != nil {
		return nil, t.failure(c, err)
	}
	t.events.Open(id)
	return t.multipart(part, id), nil
}

// multipart is the upload with this id; part is a template of its parts'
// requests.
func (t *transfer) multipart(part *s3api.Template, id string) *multipart {
	part = part.Clone()
	part.URL.RawQuery = setQuery(part.URL.RawQuery, s3api.QueryUploadID, id)
	m := &multipart{transfer: t, id: id, part: part}
	if a := t.job.Checksum.Algorithm; a.Combinable() && t.job.Checksum.Type == s3api.ChecksumFullObject {
		m.combiner = checksum.NewCombiner(a, -1)
	}
	return m
}

// createUpload opens the upload with the headers of an uploaded object.
func (t *transfer) createUpload(ctx context.Context) (*multipart, error) {
	template, err := t.form(ctx, s3api.CreateMultipartUpload)
	if err != nil {
		return nil, err
	}
	template = template.Clone()
	template.Header.Del(s3api.HeaderChecksumAlgorithm)
	template.Header.Del(s3api.HeaderChecksumType)
	if a := t.job.Checksum.Algorithm; a != checksum.None {
		template.Header[s3api.HeaderChecksumAlgorithm] = []string{a.String()}
		template.Header[s3api.HeaderChecksumType] = []string{t.job.Checksum.Type}
	}
	return t.create(ctx, s3api.UploadPart, template)
}

// parts uploads a source that is read by position.
func (t *transfer) parts(ctx context.Context, c content) (*driver.Outcome, error) {
	partSize, err := plan.PartSize(c.length, t.job.PartSize)
	if err != nil {
		return nil, err
	}
	u := plan.Uniform{Size: c.length, PartSize: partSize}
	o, err := t.opening(ctx, func(ctx context.Context) (*multipart, error) { return t.openParts(ctx, c, u) })
	if err != nil {
		return nil, err
	}
	err = t.spread(ctx, u.Count(), func(ctx context.Context, ln *lane, i int) error {
		r := u.At(i)
		part := c
		part.off, part.length = c.off+r.Offset, r.Length
		m, err := o.await(ctx, ln, &part)
		if err != nil || m.done(i) {
			return err
		}
		if err := m.upload(ctx, ln, i, part, m.results[i]); err != nil {
			return err
		}
		return m.mark(i, r.Length)
	})
	m, err := o.end(err)
	if m == nil {
		return nil, err
	}
	return m.finish(ctx, err, c)
}

// spread carries n pieces on lanes of the transfer, in ascending order, until
// one fails.
func (t *transfer) spread(ctx context.Context, n int, carry func(ctx context.Context, ln *lane, i int) error) error {
	var next atomic.Int64
	g, ctx := newGroup(ctx)
	s := t.spawner(g, n)
	s.run = func() error {
		ln := t.lane()
		defer ln.drop()
		for {
			i := int(next.Add(1)) - 1
			if i >= n {
				t.race(ctx, ln)
				return nil
			}
			if err := ln.take(ctx); err != nil {
				return err
			}
			s.more()
			if err := carry(ctx, ln, i); err != nil {
				return err
			}
			ln.drop() // it is others' turn
		}
	}
	s.more()
	return g.wait()
}

// upload sends part i (from 0), which another lane may send too if it is late,
// and notes what Complete must tell about it.
func (m *multipart) upload(ctx context.Context, ln *lane, i int, src content, done *s3api.CompletedPart) error {
	first, second := m.sending(i), m.sending(i)
	second.call.second = true
	c := &carried{length: src.length, left: func() int64 { return src.length }}
	again := src
	if src.proof != nil && src.proof.trailer {
		again.proof = nil // one that is made on the way belongs to one copy
	}
	c.second = func(ctx context.Context, ln *lane) (int64, error) {
		err := m.sendPart(ctx, ln, second, again)
		return second.call.body.moved(), err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	m.tail.enter(c, cancel)
	if err := m.tail.carry(c, func() error { return m.sendPart(ctx, ln, first, src) }); err != nil {
		return err
	}
	s := first
	switch told := first.call.body.moved(); {
	case c.won:
		s = second
		m.credit(src.length - told) // the rest of what the first one has told as progress
		m.extraBytes.Add(told)
	case c.gone != nil:
		m.extraBytes.Add(second.call.body.moved())
	}
	if c.gone != nil {
		m.noteRaced(i, src.length)
	}
	*done = s3api.CompletedPart{Number: i + 1, ETag: s.etag, Checksum: s.proof.value}
	if m.combiner != nil {
		m.combiner.Add(i, s.proof.crc, src.length)
	}
	return nil
}

// sending is one copy of a part on its way, and what came of it.
type sending struct {
	call  *call
	etag  string
	proof *proof
}

func (m *multipart) sending(i int) *sending {
	return &sending{call: &call{template: m.part, part: i + 1, prepare: func(_ http.Header, query *string) {
		*query = setQuery(*query, s3api.QueryPartNumber, fmt.Sprint(i+1))
	}}}
}

// sendPart sends one copy of a part.
func (m *multipart) sendPart(ctx context.Context, ln *lane, s *sending, src content) error {
	resp, p, err := m.send(ctx, ln, s.call, src)
	if err != nil {
		return err
	}
	s.proof = p
	if s.etag = resp.Header.Get(s3api.HeaderETag); s.etag == "" {
		return m.failure(s.call, errors.New("the answer to UploadPart has no ETag"))
	}
	return nil
}

// noteRaced notes that two copies of a part of n bytes were on their way.
func (m *multipart) noteRaced(i int, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.raced == nil {
		m.raced = map[int]int64{}
	}
	m.raced[i+1] = n
}

// finish completes the upload, or aborts it if the parts have failed.
func (m *multipart) finish(ctx context.Context, err error, c content) (*driver.Outcome, error) {
	if err == nil && c.check != nil {
		err = c.check()
	}
	var out *driver.Outcome
	if err == nil {
		out, err = m.complete(ctx, c.length)
		if err != nil && m.overtaken(ctx, err) {
			out, err = m.complete(ctx, c.length)
		}
	}
	if err != nil {
		return nil, m.abandon(ctx, err)
	}
	return out, nil
}

// complete makes the parts an object.
func (m *multipart) complete(ctx context.Context, size int64) (*driver.Outcome, error) {
	template, err := m.form(ctx, s3api.CompleteMultipartUpload)
	if err != nil {
		return nil, err
	}
	template = template.Clone()
	template.URL.RawQuery = setQuery(template.URL.RawQuery, s3api.QueryUploadID, m.id)
	plan := m.job.Checksum
	template.Body = s3api.AppendCompleteBody(nil, m.results, plan.Algorithm.String())
	value := m.fullValue(template.Header, size)
	if m.own != nil {
		return m.ownOutcome(m.own, size, value), nil
	}
	ln := m.lane()
	defer ln.drop()
	c := &call{template: template, slow: true}
	resp, err := m.do(ctx, ln, c)
	if err != nil {
		return m.completedBefore(ctx, c, err, size, value)
	}
	result, _ := s3api.ParseComplete(resp.Body) // do has seen that it is one
	out := m.outcome(s3api.CompleteMultipartUpload, resp)
	out.ETag, out.Size, out.Parts = result.ETag, size, len(m.results)
	stored := result.Checksum(plan.Algorithm.String())
	out.Checksum = m.uploadChecksum(plan.Algorithm, plan.Type, value, stored)
	return out, nil
}

// completedBefore looks whether a Complete that failed has been carried out.
func (m *multipart) completedBefore(ctx context.Context, c *call, cause error, size int64, value string) (*driver.Outcome, error) {
	resp, ok := m.ourOwn(ctx, c, cause, m.part, size, value)
	if !ok {
		return nil, cause
	}
	return m.ownOutcome(resp, size, value), nil
}

// ownOutcome is the outcome of an upload whose object was found complete.
func (m *multipart) ownOutcome(resp *s3api.Response, size int64, value string) *driver.Outcome {
	out := m.outcome(s3api.HeadObject, resp)
	out.Size, out.Parts = size, len(m.results)
	out.Checksum = m.uploadChecksum(m.job.Checksum.Algorithm, m.job.Checksum.Type, value, value)
	return out
}

// fullValue sets what Complete tells about the whole object, so that S3 itself
// refuses one that isn't what was sent, and returns the object's checksum.
func (m *multipart) fullValue(h http.Header, size int64) string {
	plan := m.job.Checksum
	h[s3api.HeaderMpuObjectSize] = []string{fmt.Sprint(size)}
	value := plan.Given
	switch {
	case plan.Algorithm == checksum.None:
		return ""
	case plan.Type == s3api.ChecksumComposite:
		h[s3api.HeaderChecksumType] = []string{s3api.ChecksumComposite}
		return compositeOf(plan.Algorithm, m.results)
	case value == "" && m.combiner != nil:
		m.combiner.SetParts(len(m.results))
		if sum, ok := m.combiner.Sum(); ok {
			value = checksum.FormatCRC(plan.Algorithm, sum)
		}
	}
	h[s3api.HeaderChecksumType] = []string{plan.Type}
	if value != "" {
		h[plan.Algorithm.HeaderKey()] = []string{value}
	}
	return value
}

// compositeOf is the checksum of the parts' checksums.
func compositeOf(a checksum.Algorithm, parts []*s3api.CompletedPart) string {
	digests := make([][]byte, len(parts))
	for i, p := range parts {
		raw, _, err := checksum.ParseValue(a, p.Checksum)
		if err != nil {
			return ""
		}
		digests[i] = raw
	}
	return checksum.FormatComposite(checksum.Composite(a, digests), len(parts))
}
