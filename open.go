package haul

import (
	"context"
	"errors"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Open is a download read as a stream: its parts are fetched at the same time,
// ahead of the reader, into memory that engine.Options.MemoryLimit bounds. The
// error of a Read is the transfer's error. Reading to io.EOF means that all
// bytes came and that their checksum was right, where the object has one.
//
// The caller closes the reader: that cancels the transfer if it still runs, and
// waits for its end. An open reader that nobody reads keeps its transfer
// running, and so Shutdown waiting.
func (m *Manager) Open(ctx context.Context, in *s3.GetObjectInput, opts ...TransferOption) (io.ReadCloser, error) {
	pr, pw := io.Pipe()
	done := SubscriberFuncs{Done: func(f *Future) {
		_, err := f.Outcome()
		pw.CloseWithError(err) // nil is io.EOF
	}}
	// A part that waits for the reader must learn of a cancel.
	ended := func(o *transferOptions) { o.ended = func() { pw.CloseWithError(errOpenEnded) } }
	f, err := m.Download(ctx, in, ToWriter(pw), append(opts[:len(opts):len(opts)], WithSubscribers(done), ended)...)
	if err != nil {
		return nil, err
	}
	return &openReader{pipe: pr, future: f}, nil
}

// errOpenEnded frees a reader that waits; the transfer has the real error.
var errOpenEnded = errors.New("transfer ended")

type openReader struct {
	pipe   *io.PipeReader
	future *Future
}

func (r *openReader) Read(p []byte) (int, error) {
	n, err := r.pipe.Read(p)
	if err == nil || err == io.EOF || err == io.ErrClosedPipe { // as the pipe says it, not in a failure
		return n, err
	}
	<-r.future.Done()
	if _, failure := r.future.Outcome(); failure != nil {
		return n, failure
	}
	return n, io.EOF // the cancel came too late: all had been read
}

func (r *openReader) Close() error {
	r.future.Cancel()
	err := r.pipe.Close() // frees the part that waits for the reader
	<-r.future.Done()
	return err
}
