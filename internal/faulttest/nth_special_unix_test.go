//go:build unix

package faulttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// specialTransfers read and write what is no regular file.
func specialTransfers() []fileTransfer {
	return []fileTransfer{
		{name: "download-device", prepare: toDevice, options: inPieces},
		{name: "download-pipe", prepare: toPipe, options: inPieces},
		{name: "upload-pipe", prepare: fromPipe},
	}
}

func toDevice(s *stage) (*fileRun, error) {
	return &fileRun{begin: s.fetches(os.DevNull), ended: func(error, string) error { return nil }}, nil
}

// openPipe makes a FIFO and opens both its ends, so that nobody waits for one.
func openPipe(s *stage) (path string, f *os.File, err error) {
	path = filepath.Join(s.dir, "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil && !errors.Is(err, os.ErrExist) {
		return "", nil, err
	}
	f, err = os.OpenFile(path, os.O_RDWR, 0)
	return path, f, err
}

// toPipe downloads into a FIFO that somebody reads.
func toPipe(s *stage) (*fileRun, error) {
	path, f, err := openPipe(s)
	if err != nil {
		return nil, err
	}
	var got bytes.Buffer
	read := make(chan error, 1)
	go func() {
		_, err := io.CopyN(&got, f, int64(len(smallData)))
		read <- err
	}()
	return &fileRun{begin: s.fetches(path), ended: func(err error, _ string) error {
		if err != nil {
			_ = f.Close() // there may be no more bytes to wait for
		}
		rerr := <-read
		_ = f.Close()
		if err == nil && rerr != nil || !bytes.HasPrefix(smallData, got.Bytes()) {
			return fmt.Errorf("read %d bytes, %v, which are not the object's beginning", got.Len(), rerr)
		}
		return nil
	}}, nil
}

// fromPipe uploads from a FIFO that somebody writes.
func fromPipe(s *stage) (*fileRun, error) {
	path, f, err := openPipe(s)
	if err != nil {
		return nil, err
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = f.Write(smallData) // what is missing shows in the object
		_ = f.Close()
	}()
	run := s.sends(path, smallData)
	ended := run.ended
	run.ended = func(err error, call string) error {
		_ = f.Close() // nobody may have read it
		<-written
		return ended(err, call)
	}
	return run, nil
}
