package haul

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/journal"
)

// ErrPaused is the error of a transfer that Future.Pause has stopped.
var ErrPaused = errors.New("transfer paused")

// ErrJournalInUse says that another transfer, in this process or in another,
// has the journal.
var ErrJournalInUse = journal.ErrInUse

// JournalError says that a file is not the journal that it should be: not one at
// all, of another version of haul, or of another object. It is not believed and
// not overwritten. Its fields are Path and Why.
type JournalError = journal.RefusedError

// resumeRequest is what a journal keeps of the caller's request, as JSON: all
// but bucket and key, which it has as they are, and keys.
type resumeRequest struct {
	Put     *s3.PutObjectInput `json:",omitempty"`
	Get     *s3.GetObjectInput `json:",omitempty"`
	Mode    fs.FileMode        `json:",omitempty"` // WithMode
	ModTime bool               `json:",omitempty"` // WithModTime
	Keyed   bool               `json:",omitempty"` // has a customer's key, which is left out
}

func putRequest(in *s3.PutObjectInput) resumeRequest {
	c := *in
	c.Body, c.Bucket, c.Key = nil, nil, nil
	c.SSECustomerKey, c.SSECustomerKeyMD5 = nil, nil
	return resumeRequest{Put: &c, Keyed: in.SSECustomerKey != nil}
}

func getRequest(in *s3.GetObjectInput, o body.FileOptions) resumeRequest {
	c := *in
	c.Bucket, c.Key = nil, nil
	c.SSECustomerKey, c.SSECustomerKeyMD5 = nil, nil
	return resumeRequest{Get: &c, Mode: o.Mode, ModTime: o.KeepTime, Keyed: in.SSECustomerKey != nil}
}

func (r resumeRequest) marshal() ([]byte, error) {
	b, err := json.Marshal(r)
	if err == nil && bytes.Contains(b, []byte(`\ufffd`)) { // what JSON makes of other encodings
		err = errors.New("resume needs a request in UTF-8")
	}
	return b, err
}

// checkResume says why a transfer of this kind can't be resumed.
func (o *transferOptions) checkResume(kind driver.Kind, m *Manager) error {
	switch {
	case o.resume == nil:
		return nil
	case kind != driver.Upload && kind != driver.Download:
		return fmt.Errorf("resume is for Upload and Download, not for %s", kind)
	case m.serializer == nil:
		return errors.New("resume needs haul's engine: the plain SDK keeps no journal")
	case *o.resume == "":
		return errors.New("resume needs the folder of the journals")
	}
	info, err := m.o.FS.Stat(*o.resume)
	if err != nil {
		return fmt.Errorf("resume: folder of the journals: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("resume: %s is not a directory", *o.resume)
	}
	return nil
}

func checkResumeSource(src source) error {
	if src.kind != sourceFile || src.size < 0 {
		return errors.New("resume needs a regular file as source: use FromFile")
	}
	return nil
}

func checkResumeSink(dst Sink, fsys FS) error {
	file, ok := dst.(fileSink)
	if !ok {
		return errors.New("resume needs a file as target: use ToFile")
	}
	if info, err := fsys.Stat(file.path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("resume needs a regular file as target: %s is not one", file.path)
	}
	return nil
}

// resumeUpload has the driver keep a journal of an upload.
func (m *Manager) resumeUpload(j *driver.Job, r *request, in *s3.PutObjectInput) error {
	return m.resumeJob(j, r, r.src.path, "", putRequest(in))
}

// resumeDownload does so of a download.
func (m *Manager) resumeDownload(j *driver.Job, r *request, in *s3.GetObjectInput) error {
	if j.Range != "" || j.PartNumber != 0 {
		return errors.New("resume needs the whole object: Range and PartNumber must not be set")
	}
	j.Sink = keptSink{boundSink{r.sink, m.o.FS}, r.sink.(body.Keeper)}
	version := ""
	if in.VersionId != nil {
		version = *in.VersionId
	}
	return m.resumeJob(j, r, r.target.path, version, getRequest(in, r.target.o))
}

func (m *Manager) resumeJob(j *driver.Job, r *request, path, version string, request resumeRequest) error {
	kept, err := request.marshal()
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(*r.o.resume)
	if err != nil {
		return err
	}
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	j.FS = m.o.FS
	j.Resume = &driver.Resume{Dir: dir, Path: path, Version: version, Request: kept, Afresh: func(why string) {
		m.o.Logger.Warn("haul: transfer is begun afresh", slog.String("operation", r.meta.Operation()),
			slog.String("bucket", j.Bucket), slog.String("key", j.Key), slog.String("reason", why))
	}}
	return nil
}

// keptSink is a boundSink whose unfinished bytes can be kept.
type keptSink struct {
	boundSink
	keeper body.Keeper
}

func (s keptSink) Reopen(_ body.FS, temp string, size int64) (body.Writer, error) {
	return s.keeper.Reopen(s.fs, temp, size)
}

func (s keptSink) Discard(_ body.FS, temp string) error { return s.keeper.Discard(s.fs, temp) }

// Pause stops a transfer that was begun WithResume and keeps all it has done: the
// upload on the store, the temporary file beside the target. Its Result is
// ErrPaused. Pause waits until it has stopped and returns a token, which
// Manager.Resume takes, in this process or in another one on the same disk; it
// is the path of the journal. If ctx ends first, the error is ErrNotDone and the
// transfer goes on stopping; Pause may be called again. A transfer that ends
// before it could be stopped has no token: the error says so, or is its own.
func (f *Future) Pause(ctx context.Context) (token string, err error) {
	f.mu.Lock()
	keep := f.keep
	f.mu.Unlock()
	if keep == nil {
		return "", f.meta.fail(errors.New("only a transfer that was begun WithResume, and is not in OnQueued any more, can be paused"))
	}
	f.end(ErrPaused)
	_, err = f.Result(ctx)
	switch {
	case errors.Is(err, ErrPaused):
		if token, err = keep(); err != nil {
			return "", f.meta.fail(err)
		}
		return token, nil
	case err == nil:
		return "", f.meta.fail(errors.New("the transfer ended before it could be paused"))
	}
	return "", err
}

// resumable lets a transfer be paused.
func (f *Future) resumable(keep func() (string, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keep = keep
}

// keeper makes sure that there is a journal of a transfer that has ended: one
// that was paused before it had done anything has none yet.
func (m *Manager) keeper(j *driver.Job) func() (string, error) {
	kind := journal.Upload
	if j.Kind == driver.Download {
		kind = journal.Download
	}
	r, fsys, partSize := j.Resume, m.o.FS, j.PartSize
	id := journal.ID{Kind: kind, Bucket: j.Bucket, Key: j.Key, Version: r.Version, Path: r.Path}
	return func() (string, error) {
		path := filepath.Join(r.Dir, journal.Name(id))
		was, err := journal.Read(fsys, path)
		header := journal.Header{Request: r.Request, PartSize: partSize}
		id := id
		switch {
		case err == nil && bytes.Equal(was.Request, r.Request):
			return path, nil
		case err == nil:
			header, id.Endpoint = *was, was.Endpoint // what it speaks of is to be cleared away
			header.Request = r.Request
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
		return path, writeJournal(fsys, r.Dir, id, header)
	}
}

func writeJournal(fsys FS, dir string, id journal.ID, h journal.Header) error {
	j, err := journal.Open(fsys, dir, id)
	if err != nil {
		return err
	}
	return errors.Join(j.Begin(h), j.Close())
}

// Resume takes up the transfer of a journal: token is what Future.Pause returned
// or what TransferError.Journal says, the journal's path. It is the same as the
// Upload or Download with which the transfer was begun, with the same input, and
// WithResume: what was done is verified and not done again, and a source or
// object that has changed is begun afresh. opts are added; those of the earlier
// call are not kept. The error is a *JournalError if the journal can't be
// believed. A transfer with a key of the caller's (SSE-C) can't be begun by
// Resume, as a journal holds no keys: call Upload or Download again.
func (m *Manager) Resume(ctx context.Context, token string, opts ...TransferOption) (*Future, error) {
	h, err := journal.Read(m.o.FS, token)
	if err != nil {
		return nil, fmt.Errorf("resume: %w", err)
	}
	var r resumeRequest
	if err := json.Unmarshal(h.Request, &r); err != nil {
		return nil, fmt.Errorf("resume: request in the journal %s: %w", token, err)
	}
	if r.Keyed {
		return nil, fmt.Errorf("resume: %s of key %q in bucket %q needs a key of yours, which journal %s does not hold: begin the same transfer again, WithResume", h.Kind, h.Key, h.Bucket, token)
	}
	all := append([]TransferOption{}, opts...)
	if h.PartSize > 0 {
		all = append([]TransferOption{WithPartSize(h.PartSize)}, all...)
	}
	all = append(all, WithResume(filepath.Dir(token)))
	switch {
	case h.Kind == journal.Upload && r.Put != nil:
		r.Put.Bucket, r.Put.Key = &h.Bucket, &h.Key
		return m.Upload(ctx, FromFile(h.Path), r.Put, all...)
	case h.Kind == journal.Download && r.Get != nil:
		r.Get.Bucket, r.Get.Key = &h.Bucket, &h.Key
		return m.Download(ctx, r.Get, ToFile(h.Path, r.fileOptions()...), all...)
	}
	return nil, fmt.Errorf("resume: %w", &JournalError{Path: token, Why: "it has no request"})
}

func (r resumeRequest) fileOptions() (opts []FileOption) {
	if r.Mode != 0 {
		opts = append(opts, WithMode(r.Mode))
	}
	if r.ModTime {
		opts = append(opts, WithModTime())
	}
	return opts
}
