package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/journal"
	"github.com/haul-s3/haul/internal/plan"
	"github.com/haul-s3/haul/internal/s3api"
)

// uploadWithJournal is uploadFrom, around which the journal is held.
func (t *transfer) uploadWithJournal(ctx context.Context, src *body.Reader) (out *driver.Outcome, err error) {
	if t.job.Resume != nil && src.Info == nil {
		return nil, fmt.Errorf("source %s is no regular file, which resuming needs", t.job.Source)
	}
	if err := t.openJournal(ctx, journal.Upload, s3api.PutObject); err != nil {
		return nil, err
	}
	err = errEnded // so it is if a hook or a reader of the caller's ends this goroutine
	defer func() {
		out, err = t.closeJournal(out, err, func(h *journal.Header) { t.forgetUpload(ctx, h.UploadID) })
	}()
	return t.uploadFrom(ctx, src)
}

// openParts opens the upload, or takes up the one that an earlier transfer has
// left.
func (t *transfer) openParts(ctx context.Context, c content, u plan.Uniform) (*multipart, error) {
	stale := ""
	if t.journal != nil && t.journal.Header != nil {
		m, why, err := t.takeUpload(ctx, c, u)
		if m != nil || err != nil {
			return m, err
		}
		stale = t.journal.Header.UploadID
		t.startAfresh(why)
	}
	m, err := t.createUpload(ctx)
	if err != nil {
		return nil, err
	}
	m.expectParts(u.Count())
	if t.journal == nil {
		return m, nil
	}
	if err := t.journal.Begin(t.uploadHeader(c.info, u, m.id)); err != nil {
		return nil, m.abandon(ctx, err)
	}
	t.journal.used = true
	t.forgetUpload(ctx, stale)
	return m, nil
}

func (m *multipart) expectParts(n int) {
	for range n {
		m.results = append(m.results, &s3api.CompletedPart{})
	}
}

// uploadHeader is what the journal says of this upload.
func (t *transfer) uploadHeader(info fs.FileInfo, u plan.Uniform, id string) journal.Header {
	h := journal.Header{
		Request: t.job.Resume.Request, Settings: t.settings(), PartSize: u.PartSize, Size: u.Size,
		UploadID: id, ModTime: info.ModTime().UnixNano(),
	}
	h.Device, h.Inode = body.FileID(info)
	return h
}

// settings says what of the job the parts depend on.
func (t *transfer) settings() string {
	c := t.job.Checksum
	return fmt.Sprintf("checksum %s %s %s", c.Algorithm, c.Type, c.Given)
}

// changedSince says what is not as it was when the journal began, or "".
func changedSince(was, is *journal.Header) string {
	switch {
	case was.Size != is.Size:
		return fmt.Sprintf("the source changed: its size was %d bytes and is %d", was.Size, is.Size)
	case was.ModTime != is.ModTime:
		return "the source changed: its modification time moved"
	case was.Device != is.Device || was.Inode != is.Inode:
		return "the source changed: another file has taken its name"
	case was.PartSize != is.PartSize:
		return fmt.Sprintf("the part size was %d bytes and is %d", was.PartSize, is.PartSize)
	case was.Settings != is.Settings:
		return fmt.Sprintf("the settings were %q and are %q", was.Settings, is.Settings)
	case string(was.Request) != string(is.Request):
		return "the request is another one (content type, metadata and the like)"
	}
	return ""
}

// takeUpload takes up the upload of the journal; nil and why, if that can't be
// done.
func (t *transfer) takeUpload(ctx context.Context, c content, u plan.Uniform) (m *multipart, why string, err error) {
	h := t.journal.Header
	if h.UploadID == "" {
		return nil, "", nil // nothing was done
	}
	is := t.uploadHeader(c.info, u, h.UploadID)
	if why := changedSince(h, &is); why != "" {
		return nil, why, nil
	}
	listed, err := t.listParts(ctx, h.UploadID)
	if err != nil {
		why := unlisted(h.UploadID, err)
		if why == "" {
			return nil, "", err
		}
		if m, ok := t.completedEarlier(ctx, h.UploadID, u, err); ok {
			return m, "", nil
		}
		return nil, why, nil
	}
	return t.takeParts(ctx, h.UploadID, u, listed)
}

// takeParts makes an upload of what the store and the journal both have.
func (t *transfer) takeParts(ctx context.Context, id string, u plan.Uniform, listed map[int]s3api.ListedPart) (m *multipart, why string, err error) {
	part, err := t.form(ctx, s3api.UploadPart)
	if err != nil {
		return nil, "", err
	}
	t.events.Open(id)
	m = t.multipart(part, id)
	m.expectParts(u.Count())
	t.journal.used = true
	for i, mark := range t.journal.Marks {
		if m.trust(i, u.At(i), mark, listed[i+1]) {
			t.journal.resumed += u.At(i).Length
			t.credit(u.At(i).Length)
		}
	}
	return m, "", nil
}

// completedEarlier says whether an upload that is gone was completed by a
// transfer that didn't live to see it: all parts had been sent, and the store
// has an object of that size and checksum.
func (t *transfer) completedEarlier(ctx context.Context, id string, u plan.Uniform, cause error) (*multipart, bool) {
	if len(t.journal.Marks) < u.Count() {
		return nil, false
	}
	part, err := t.form(ctx, s3api.UploadPart)
	if err != nil {
		return nil, false
	}
	m := t.multipart(part, id)
	m.expectParts(u.Count())
	for i, mark := range t.journal.Marks {
		if !m.trust(i, u.At(i), mark, s3api.ListedPart{Number: i + 1, ETag: mark.ETag, Size: u.At(i).Length}) {
			return nil, false
		}
	}
	complete := part.Clone()
	complete.Op = s3api.CompleteMultipartUpload
	again := &call{template: complete, attempts: 2} // the earlier transfer's was the first
	own, ok := t.ourOwn(ctx, again, cause, part, u.Size, m.fullValue(http.Header{}, u.Size))
	if !ok {
		return nil, false
	}
	t.events.Open(id)
	m.own, t.journal.used, t.journal.resumed = own, true, u.Size
	t.credit(u.Size)
	return m, true
}

// unlisted says why the parts of an upload can't be known, where asking again
// makes no sense.
func unlisted(id string, err error) string {
	var answer interface{ HTTPStatusCode() int }
	var api interface{ ErrorCode() string }
	if !errors.As(err, &answer) || answer.HTTPStatusCode()/100 != 4 && answer.HTTPStatusCode() != 501 {
		return ""
	}
	if errors.As(err, &api) && api.ErrorCode() == "NoSuchUpload" {
		return fmt.Sprintf("upload %s is gone", id)
	}
	return fmt.Sprintf("the parts of upload %s can't be listed: %v", id, err)
}

// trust takes part i for done if the store has what the journal says.
func (m *multipart) trust(i int, r plan.Range, mark journal.Mark, stored s3api.ListedPart) bool {
	if stored.Number != i+1 || stored.ETag != mark.ETag || stored.Size != r.Length {
		return false
	}
	a := m.job.Checksum.Algorithm
	if a != checksum.None || mark.Checksum != "" {
		raw, parts, err := checksum.ParseValue(a, mark.Checksum)
		if err != nil || parts != 0 {
			return false
		}
		if crc, ok := checksum.CRCValue(a, raw); ok && m.combiner != nil {
			m.combiner.Add(i, crc, r.Length)
		}
	}
	*m.results[i] = s3api.CompletedPart{Number: i + 1, ETag: mark.ETag, Checksum: mark.Checksum}
	return true
}

// done says whether part i need not be sent.
func (m *multipart) done(i int) bool { return m.results[i].Number > 0 }

// mark notes a part that was sent.
func (m *multipart) mark(i int, n int64) error {
	if m.journal == nil {
		return nil
	}
	r := m.results[i]
	return m.journal.Mark(journal.Mark{Index: i, ETag: r.ETag, Checksum: r.Checksum}, n)
}

// listParts asks for all parts of an upload, by number.
func (t *transfer) listParts(ctx context.Context, id string) (map[int]s3api.ListedPart, error) {
	ln := t.lane()
	defer ln.drop()
	all := map[int]s3api.ListedPart{}
	for marker := ""; ; {
		template, err := t.form(ctx, s3api.ListParts)
		if err != nil {
			return nil, err
		}
		template = template.Clone()
		template.URL.RawQuery = setQuery(template.URL.RawQuery, s3api.QueryUploadID, id, s3api.QueryPartNumberMarker, marker)
		c := &call{template: template}
		resp, err := t.do(ctx, ln, c)
		if err != nil {
			return nil, err
		}
		page, err := s3api.ParseListParts(resp.Body)
		if err != nil {
			return nil, t.failure(c, err)
		}
		for _, p := range page.Parts {
			all[p.Number] = p
		}
		next := strconv.Itoa(page.Next)
		if !page.Truncated {
			return all, nil
		}
		if next == marker || len(page.Parts) == 0 {
			return nil, t.failure(c, errors.New("the list of parts does not go on"))
		}
		marker = next
	}
}

// forgetUpload aborts an upload that nothing will take up any more. If that
// fails, what is left of it is on the store for haul.AbandonedUploads.
func (t *transfer) forgetUpload(ctx context.Context, id string) {
	if id == "" {
		return
	}
	part, err := t.form(ctx, s3api.UploadPart)
	if err == nil {
		_ = t.multipart(part, id).abort(ctx) // told above
	}
}

// overtaken says whether Complete has failed because another copy of a part
// arrived after ours, and takes the parts that the store has then: the slower
// copy of a part that was raced, or one that an earlier transfer had on its way.
// It is the same part of the same source, and S3 compares the checksum that goes
// with it.
func (m *multipart) overtaken(ctx context.Context, err error) bool {
	var api interface{ ErrorCode() string }
	if m.journal == nil && len(m.raced) == 0 || !errors.As(err, &api) || api.ErrorCode() != "InvalidPart" {
		return false
	}
	listed, lerr := m.listParts(ctx, m.id)
	if lerr != nil {
		return false
	}
	changed := false
	for _, r := range m.results {
		if l := listed[r.Number]; l.ETag != "" && l.ETag != r.ETag && m.sameBytes(r, &l) {
			r.ETag, changed = l.ETag, true
		}
	}
	return changed
}

// sameBytes says whether the store's part can only be another copy of ours.
func (m *multipart) sameBytes(ours *s3api.CompletedPart, stored *s3api.ListedPart) bool {
	a := m.job.Checksum.Algorithm
	if told := stored.Checksum(a.String()); a != checksum.None && told != "" && told != ours.Checksum {
		return false
	}
	if length, ok := m.raced[ours.Number]; ok {
		return stored.Size == length
	}
	return m.journal != nil && a != checksum.None
}
