package h1_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/wire/h1"
)

// What TLS writes while it reads, as the answer to a KeyUpdate, is not held to
// a limit that was set for a request's write, long ago.
func TestSocketWriteAfterWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		defer here.Close()
		s := h1.NewSocket(here)
		s.WatchWrites()
		time.Sleep(time.Minute)
		got := make(chan string, 1)
		go func() {
			b := make([]byte, 6)
			_, _ = io.ReadFull(there, b) // what is missing is seen
			got <- string(b)
		}()
		if _, err := s.Write([]byte("update")); err != nil {
			t.Errorf("got %v, want no error", err)
			_ = there.Close()
		}
		if b := <-got; b != "update" {
			t.Errorf("got %q, want what was written", b)
		}
	})
}

// blocking takes three bytes of the first write, and then blocks until somebody
// looks for an answer, which has TLS write something.
type blocking struct {
	net.Conn
	written bytes.Buffer
	writes  int
	looked  func()
}

func (b *blocking) Write(p []byte) (int, error) {
	if b.writes++; b.writes == 1 {
		n, _ := b.written.Write(p[:3])
		return n, os.ErrDeadlineExceeded
	}
	return b.written.Write(p)
}

func (b *blocking) SetWriteDeadline(time.Time) error { return nil }

func (b *blocking) SetReadDeadline(time.Time) error { return nil }

func (b *blocking) SyscallConn() (syscall.RawConn, error) { return looking{b}, nil }

// looking is what reads without waiting.
type looking struct{ b *blocking }

func (l looking) Control(func(fd uintptr)) error    { return errors.ErrUnsupported }
func (l looking) Write(func(fd uintptr) bool) error { return errors.ErrUnsupported }

func (l looking) Read(func(fd uintptr) bool) error {
	l.b.looked()
	return h1.ErrNothing
}

// What TLS writes while an answer is looked for goes behind the record that is
// half written: neither is lost, nor sent twice.
func TestSocketWriteWithinRecord(t *testing.T) {
	b := &blocking{}
	s := h1.NewSocket(b)
	b.looked = func() {
		if _, err := s.Write([]byte("update")); err != nil {
			t.Error(err)
		}
	}
	err := s.WriteSealed([]byte("0123456789"), 100, bufpool.New(1<<20))
	if got, want := b.written.String(), "0123456789update"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}
