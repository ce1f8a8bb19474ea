package engine

import (
	"context"
	"errors"
	"runtime"

	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/journal"
	"github.com/haul-s3/haul/internal/s3api"
)

// A transfer with a journal goes through these stages, around those of its
// kind:
//
//	openJournal   take the journal, before any request
//	takeUp        verify what it says and leave that out (resume_upload.go,
//	              resume_download.go); or say why not, and begin it afresh
//	mark          note each piece that is done
//	keeps         on failure: leave upload, temporary file and journal as they are
//	closeJournal  remove it after a success, else leave it for another

// resumption is what a transfer knows of its journal. Its fields are the
// transfer's goroutine's, and the opener's while an upload is being opened.
type resumption struct {
	*journal.Journal
	used    bool   // begun or taken up: it says what this transfer does
	kept    bool   // what it speaks of was left for another transfer
	resumed int64  // bytes that need not be moved again
	afresh  string // why what an earlier transfer left was not taken up
}

// openJournal takes the journal, if the job wants one.
func (t *transfer) openJournal(ctx context.Context, kind journal.Kind, op s3api.Operation) error {
	r := t.job.Resume
	if r == nil {
		return nil
	}
	template, err := t.template(ctx, op)
	if err != nil {
		return err
	}
	j, err := journal.Open(t.job.FS, r.Dir, journal.ID{
		Kind: kind, Endpoint: template.URL.Host, Bucket: t.job.Bucket, Key: t.job.Key, Version: r.Version, Path: r.Path,
	})
	if err != nil {
		return err
	}
	j.Batch = r.Batch
	t.journal = &resumption{Journal: j}
	if j.Lost {
		t.startAfresh("the journal breaks off within its beginning")
	}
	return nil
}

// startAfresh says why nothing is taken up.
func (t *transfer) startAfresh(why string) {
	t.journal.afresh = why
	if why != "" && t.job.Resume.Afresh != nil {
		t.job.Resume.Afresh(why)
	}
}

// closeJournal ends a transfer's hold on its journal. forget removes what an
// earlier transfer has left and this one had no use for.
func (t *transfer) closeJournal(out *driver.Outcome, err error, forget func(*journal.Header)) (*driver.Outcome, error) {
	j := t.journal
	if j == nil {
		return out, err
	}
	if err == nil {
		out.Resumed, out.Afresh = j.resumed, j.afresh
		if j.Header != nil && !j.used {
			forget(j.Header)
		}
	}
	if err == nil || j.used && !j.kept {
		_ = j.Remove() // one that is left says nothing that isn't verified
		return out, err
	}
	there := j.kept || j.Header != nil
	if cerr := j.Close(); cerr != nil {
		err = errors.Join(err, cerr)
	}
	if there {
		failure := outermost(err)
		failure.Journal = j.Path()
		err = failure
	}
	return out, err
}

// outermost returns a Failure around err, with what the one inside it knows.
func outermost(err error) *driver.Failure {
	failure := &driver.Failure{Err: err}
	var inner *driver.Failure
	if errors.As(err, &inner) {
		*failure = *inner
		if err != error(inner) {
			failure.Err = err
		}
	}
	return failure
}

// keeps says whether what was done is left for a later transfer, as it is of
// use to one, and writes the last of it down.
func (t *transfer) keeps(err error) bool {
	j := t.journal
	if j == nil || !j.used || t.refused(err) || worthless(err) {
		return false
	}
	j.kept = true
	_ = j.Flush() // what it doesn't say is done again
	return true
}

// worthless says that a failure would come again, whatever is kept.
func worthless(err error) bool {
	var source *driver.SourceChangedError
	var sum *driver.ChecksumError
	var object *driver.ObjectModifiedError
	if errors.As(err, &source) || errors.As(err, &sum) || errors.As(err, &object) {
		return true
	}
	var api interface{ ErrorCode() string }
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "BadDigest", "InvalidPart", "InvalidPartOrder", "EntityTooSmall", "EntityTooLarge", "NoSuchUpload",
		"PreconditionFailed", "XAmzContentChecksumMismatch", "InvalidRequest":
		return true
	}
	return false
}

// credit tells bytes that need not be moved again as done, a slice at a time.
func (t *transfer) credit(n int64) {
	for n > 0 {
		slice := min(n, bufpool.SliceSize)
		t.progress(slice)
		n -= slice
	}
}

// verifiers is how many pieces of a file are read again at once.
func verifiers() int { return runtime.GOMAXPROCS(0) }
