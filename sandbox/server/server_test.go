package server_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul/sandbox/server"
)

// orphanEnv makes this test binary start a server, print its endpoint and wait to be killed.
const orphanEnv = "HAUL_SANDBOX_TEST_ORPHAN"

func TestMain(m *testing.M) {
	server.MaybeServe()
	if os.Getenv(orphanEnv) != "" {
		orphan()
	}
	os.Exit(m.Run())
}

func orphan() {
	s, err := server.Start(server.Options{Quiet: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(s.Endpoint, s.Dir)
	io.Copy(io.Discard, os.Stdin)
	os.Exit(1)
}

func start(t *testing.T, o server.Options) *server.Server {
	t.Helper()
	o.Quiet = true
	s, err := server.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestServersSideBySide(t *testing.T) {
	before, _ := os.Getwd()
	t.Cleanup(func() { // after the parallel subtests
		if after, _ := os.Getwd(); after != before {
			t.Errorf("working directory: got %q, want %q", after, before)
		}
	})
	cases := map[string]struct {
		options server.Options
		scheme  string
	}{
		"plain":     {server.Options{}, "http://"},
		"versioned": {server.Options{Versioned: true}, "http://"},
		"tls":       {server.Options{TLS: true}, "https://"},
		"own-keys":  {server.Options{AccessKey: "someone", SecretKey: "secret"}, "http://"},
		"own-dir":   {server.Options{Dir: t.TempDir()}, "http://"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, c.options)
			if !strings.HasPrefix(s.Endpoint, c.scheme) {
				t.Errorf("endpoint: got %q, want the scheme %q", s.Endpoint, c.scheme)
			}
			roundTrip(t, s)
		})
	}
}

// roundTrip puts an object and reads it back by the SDK.
func roundTrip(t *testing.T, s *server.Server) {
	t.Helper()
	ctx := context.Background()
	if err := s.CreateBucket(ctx, "bucket"); err != nil {
		t.Fatal(err)
	}
	want := []byte("the bytes of the object")
	c := s.Client()
	if _, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String("a/b"), Body: bytes.NewReader(want)}); err != nil {
		t.Fatal(err)
	}
	out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("a/b")})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	got, err := io.ReadAll(out.Body)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("object: got %q and error %v, want %q", got, err, want)
	}
}

func TestVersionsAreKept(t *testing.T) {
	s := start(t, server.Options{Versioned: true})
	ctx := context.Background()
	if err := s.CreateBucket(ctx, "bucket"); err != nil {
		t.Fatal(err)
	}
	_, err := s.Client().PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: aws.String("bucket"),
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Client().PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String("k"), Body: strings.NewReader("one")})
	if err != nil || aws.ToString(out.VersionId) == "" {
		t.Errorf("put in a versioned bucket: got version id %q and error %v, want an id", aws.ToString(out.VersionId), err)
	}
}

func TestConnectionsAreKept(t *testing.T) {
	s := start(t, server.Options{})
	reused := false
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }})
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for range 2 {
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint+"/_health", nil)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	if !reused {
		t.Error("second request: got a new connection, want the first one's")
	}
}

func TestWrongSecretIsRefused(t *testing.T) {
	s := start(t, server.Options{})
	s.SecretKey += "x"
	if err := s.CreateBucket(context.Background(), "bucket"); err == nil || !strings.Contains(err.Error(), "SignatureDoesNotMatch") {
		t.Errorf("bucket with a wrong secret: got error %v, want SignatureDoesNotMatch", err)
	}
}

func TestCloseRemovesTheFolderAndEndsTheChild(t *testing.T) {
	s := start(t, server.Options{})
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(s.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("folder after Close: got %v, want it gone", err)
	}
	if resp, err := http.Get(s.Endpoint); err == nil {
		resp.Body.Close()
		t.Error("the server still answers after Close")
	}
}

func TestStartReportsAnAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if s, err := server.Start(server.Options{Addr: l.Addr().String(), Quiet: true}); err == nil {
		s.Close()
		t.Error("start on an address in use: got no error, want one")
	}
}

// TestServerThatLogsGoesOn sends more requests than the pipe between child and parent has room for in lines of the log.
func TestServerThatLogsGoesOn(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	stderr := os.Stderr
	os.Stderr = null // a thousand lines are no news
	defer func() { os.Stderr = stderr }()
	s, err := server.Start(server.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.CreateBucket(t.Context(), "bucket"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := s.Client()
	for n := range 1000 {
		if _, err := client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("bucket")}); err != nil {
			t.Fatalf("request %d: got %v, want an answer", n, err)
		}
	}
}

// TestServerDiesWithItsParent kills the process that started a server, without any chance to close it.
func TestServerDiesWithItsParent(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(exe)
	parent.Env = append(os.Environ(), orphanEnv+"=1")
	parent.Stderr = os.Stderr
	if _, err := parent.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	endpoint, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
	defer os.RemoveAll(dir) // nobody was left to remove it
	conn, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	parent.Process.Kill()
	parent.Wait()
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("connection to the orphan: got %d bytes, want its end", n)
	}
}
