package engine_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/retry"
	"github.com/haul-s3/haul/serialize"
)

// silence is a peer that falls silent at some stage of a transfer and takes no
// notice of anything but the end of the connection.
type silence struct {
	scheme string
	// speak is what the peer does before; nil: nothing.
	speak func(r *bufio.Reader, w io.Writer) error
	job   func() *driver.Job
}

// down and up are transfers of a size that no buffer of a connection holds.
func down() *driver.Job { return downloadJob("k", body.ToWriter(io.Discard)) }

func up() *driver.Job {
	job := uploadJob("k", body.FromBytes(content(20<<20)))
	job.PartSize, job.Threshold = 32<<20, 32<<20
	return job
}

// hear reads the head of a request.
func hear(r *bufio.Reader) error {
	for {
		line, err := r.ReadString('\n')
		if err != nil || line == "\r\n" {
			return err
		}
	}
}

func answer(head string) func(r *bufio.Reader, w io.Writer) error {
	return func(r *bufio.Reader, w io.Writer) error {
		if err := hear(r); err != nil {
			return err
		}
		_, err := io.WriteString(w, head)
		return err
	}
}

var silences = map[string]silence{
	"handshake":         {"https", nil, down},
	"before-the-answer": {"http", func(r *bufio.Reader, _ io.Writer) error { return hear(r) }, down},
	"in-the-head":       {"http", answer("HTTP/1.1 200 OK\r\nContent-Le"), down},
	"in-the-body":       {"http", answer("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nETag: \"e\"\r\n\r\nbytes"), down},
	"in-an-error":       {"http", answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 100000\r\n\r\n<Error>"), down},
	"while-sending":     {"http", func(r *bufio.Reader, _ io.Writer) error { return hear(r) }, up},
	"in-back-off": {"http", answer("HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n"), func() *driver.Job {
		job := down()
		job.Retry = retry.Policy{Base: time.Hour, ThrottleBase: time.Hour, Cap: time.Hour}
		return job
	}},
}

// hangs is how long a transfer may go on that was cancelled, on a machine however
// busy: shorter than the shortest of its limits in time, StallTimeout.
const hangs = 8 * time.Second

// cancelled runs a transfer into the silence, cancels it, and returns how long it
// took until the transfer had ended and its connection was closed.
func (s silence) cancelled(t testing.TB) time.Duration {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	silent, over, closed := make(chan error, 1), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(closed)
		conn, err := listener.Accept()
		if err != nil {
			silent <- err
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		if s.speak != nil {
			err = s.speak(r, conn)
		}
		silent <- err
		<-over
		_, _ = io.Copy(io.Discard, r) // until the other end is gone
	}()
	client, err := engine.New(engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := client.Driver(serialize.New(s3.New(s3.Options{
		BaseEndpoint: aws.String(s.scheme + "://" + listener.Addr().String()), UsePathStyle: true, Region: "us-east-1", Credentials: testKeys,
	})))
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := d.Transfer(ctx, s.job(), &events{})
		ended <- err
	}()
	if err := <-silent; err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	began := time.Now()
	cancel(enough)
	close(over)
	hung := time.After(hangs)
	select {
	case err := <-ended:
		if !errors.Is(err, enough) {
			t.Errorf("got %v, want the cause of the cancel", err)
		}
	case <-hung:
		t.Fatal("the transfer goes on")
	}
	if err := client.Close(context.Background()); err != nil {
		t.Error(err)
	}
	select {
	case <-closed:
	case <-hung:
		t.Fatal("its connection is left open")
	}
	return time.Since(began)
}

// TestCancelInSilence: whatever a transfer waits for, a cancel ends it, and lets
// its connection go, long before any limit in time does.
func TestCancelInSilence(t *testing.T) {
	t.Parallel()
	for name, s := range silences {
		t.Run(name, func(t *testing.T) { s.cancelled(t) })
	}
}

// BenchmarkCancelInSilence tells how long that takes: from the cancel to the end
// of the transfer, of its client and of its connection.
func BenchmarkCancelInSilence(b *testing.B) {
	for name, s := range silences {
		b.Run(name, func(b *testing.B) {
			var all, most time.Duration
			for range b.N {
				took := s.cancelled(b)
				all, most = all+took, max(most, took)
			}
			b.ReportMetric(float64(all.Microseconds())/float64(b.N)/1000, "ms/cancel")
			b.ReportMetric(float64(most.Microseconds())/1000, "ms-most")
		})
	}
}
