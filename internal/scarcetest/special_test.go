//go:build linux

package scarcetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
)

func put(key string) *s3.PutObjectInput {
	return &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key}
}

// TestClosedStdin uploads from a file that is closed already, as stdin is in
// many a daemon.
func TestClosedStdin(t *testing.T) {
	s := newStore(t)
	m := s.manager(t)
	closed, other, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(closed.Close(), other.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := haul.Wait(m.Upload(t.Context(), haul.FromReader(closed), put("up"))); !errors.Is(err, os.ErrClosed) {
		t.Errorf("upload from a closed file: got %v, want %v", err, os.ErrClosed)
	}
	if _, ok := s.fake.Object(bucket, "up"); ok {
		t.Error("there is an object of what could not be read")
	}
	in := &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("a")}
	if _, err := haul.Wait(m.Download(t.Context(), in, haul.ToWriter(closed))); !errors.Is(err, os.ErrClosed) {
		t.Errorf("download to a closed file: got %v, want %v", err, os.ErrClosed)
	}
}

// fifo makes one, in a folder of its own.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// wantFIFO says that a FIFO is what it was.
func wantFIFO(t *testing.T, path string) {
	t.Helper()
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		t.Errorf("FIFO afterwards: got %v, %v, want it to be one", info, err)
	}
	wantFiles(t, filepath.Dir(path), filepath.Base(path))
}

// TestFIFOWhoseReaderGoes downloads to a FIFO whose reader has had enough.
func TestFIFOWhoseReaderGoes(t *testing.T) {
	m := newStore(t).manager(t, inPieces)
	path := fifo(t)
	read := make(chan error, 1)
	go func() {
		f, err := os.Open(path)
		if err == nil {
			_, err = io.CopyN(io.Discard, f, 1000)
			err = errors.Join(err, f.Close())
		}
		read <- err
	}()
	if err := fetch(t.Context(), m, "a", path); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("got %v, want %v", err, syscall.EPIPE)
	}
	if err := <-read; err != nil {
		t.Error(err)
	}
	wantFIFO(t, path)
}

// TestFIFOAmongSignals passes an object through two FIFOs while signals
// interrupt what the process waits in.
func TestFIFOAmongSignals(t *testing.T) {
	s := newStore(t)
	defer signals()()
	m := s.manager(t, inPieces)
	down, up := fifo(t), fifo(t)
	passed := make(chan error, 1)
	go func() {
		from, err := os.Open(down)
		if err != nil {
			passed <- err
			return
		}
		to, err := os.OpenFile(up, os.O_WRONLY, 0)
		if err == nil {
			_, err = io.Copy(to, from)
			err = errors.Join(err, to.Close())
		}
		passed <- errors.Join(err, from.Close())
	}()
	upload, err := m.Upload(t.Context(), haul.FromFile(up), put("up"))
	if err != nil {
		t.Fatal(err)
	}
	if err := fetch(t.Context(), m, "a", down); err != nil {
		t.Errorf("download to a FIFO: %v", err)
	}
	if _, err := upload.Result(t.Context()); err != nil {
		t.Errorf("upload from a FIFO: %v", err)
	}
	if err := <-passed; err != nil {
		t.Error(err)
	}
	if o, ok := s.fake.Object(bucket, "up"); !ok || !bytes.Equal(o.Data, bodies["a"]) {
		t.Error("object that went through two FIFOs: got another, want what was fetched")
	}
	wantFIFO(t, down)
	wantFIFO(t, up)
}

// signals sends the process a signal that does nothing, as fast as it takes
// them, until stop is called.
func signals() (stop func()) {
	got := make(chan os.Signal, 1)
	signal.Notify(got, syscall.SIGUSR1)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			_ = syscall.Kill(os.Getpid(), syscall.SIGUSR1) // ours to signal
			select {
			case <-got:
			case <-ctx.Done():
			}
		}
	}()
	return func() {
		cancel()
		<-ended
		signal.Stop(got)
	}
}
