package hostiletest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/s3api"
)

const bucket = "bucket"

// TestMain silences net/http, which logs what comes unasked.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// script is what a server says to a request, byte for byte. The connection is
// closed after it.
type script func(w io.Writer, r *http.Request)

// server is one that says what it likes.
type server struct {
	url      string
	requests atomic.Int32
	live     sync.WaitGroup
}

func serve(t *testing.T, say script) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{url: "http://" + l.Addr().String()}
	s.live.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // it was closed
			}
			s.live.Go(func() { s.answer(c, say) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		s.live.Wait()
	})
	return s
}

func (s *server) answer(c net.Conn, say script) {
	defer c.Close()
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return // a connection that nothing was sent on
	}
	s.requests.Add(1)
	_, _ = io.Copy(io.Discard, r.Body) // what is missing is the client's business
	say(c, r)
}

// text says something once.
func text(format string, args ...any) script {
	b := fmt.Appendf(nil, format, args...)
	return func(w io.Writer, _ *http.Request) { _, _ = w.Write(b) }
}

// endless says something, and then something else for as long as anyone
// listens.
func endless(head, again string) script {
	block := make([]byte, 0, 64<<10)
	for len(block) < 32<<10 {
		block = append(block, again...)
	}
	return func(w io.Writer, _ *http.Request) {
		_, err := io.WriteString(w, head)
		for err == nil {
			_, err = w.Write(block)
		}
	}
}

// newManager is a Manager whose requests go to a server.
func newManager(t *testing.T, endpoint string, client func(*s3.Options), optFns ...func(*haul.Options)) *haul.Manager {
	t.Helper()
	o := s3.Options{BaseEndpoint: &endpoint, UsePathStyle: true, Region: "us-east-1", Credentials: credentials{}}
	if client != nil {
		client(&o)
	}
	m, err := haul.NewFromClient(s3.New(o), append([]func(*haul.Options){impatient}, optFns...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := m.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return m
}

func impatient(o *haul.Options) {
	o.PartSize, o.MaxAttempts, o.AbortTimeout = s3api.MinPartSize, 2, time.Second
	o.BackoffBase, o.BackoffThrottle = time.Millisecond, time.Millisecond
}

func getInput() *s3.GetObjectInput {
	return &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("key")}
}

func putInput() *s3.PutObjectInput {
	return &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("key")}
}

// memoryMax is what a transfer may allocate because of an answer, all in all:
// some slices and heads, nothing that grows with what the server says.
const memoryMax = 48 << 20

// allocated is how many bytes do allocates in all, whatever was freed.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
