//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/internal/testbody"
)

// stalledStore is a store that doesn't answer some requests.
type stalledStore struct {
	*s3fake.Server
	url     string
	stalled chan string // gets the operation of each request that is held
}

// newStalledStore returns a store that holds the requests that hold picks.
func newStalledStore(t *testing.T, hold func(*s3fake.Record) bool) *stalledStore {
	t.Helper()
	s := &stalledStore{Server: s3fake.New(s3fake.Options{}, "b"), stalled: make(chan string, 1000)}
	over := make(chan struct{})
	s.Before = func(rec *s3fake.Record, _ http.ResponseWriter, r *http.Request) bool {
		if !hold(rec) {
			return false
		}
		s.stalled <- rec.Op
		_, _ = io.Copy(io.Discard, r.Body) // a server notices a client that goes only when it reads
		select {
		case <-r.Context().Done():
		case <-over:
		}
		return true
	}
	server := httptest.NewServer(s)
	s.url = server.URL
	t.Cleanup(func() { close(over); server.Close() })
	return s
}

// operations picks requests by their operation.
func operations(names ...string) func(*s3fake.Record) bool {
	return func(rec *s3fake.Record) bool { return slices.Contains(names, rec.Op) }
}

// ranges picks requests for a range of an object.
func ranges(rec *s3fake.Record) bool { return rec.Op == "GetObject" && rec.Header.Get("Range") != "" }

// child is a running haul.
type child struct {
	*exec.Cmd
	t      *testing.T
	stderr *bufio.Reader
}

// launch starts haul in a folder; stdin may be nil.
func launch(t *testing.T, s *stalledStore, dir string, stdin io.Reader, args ...string) *child {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // of a hang, not of the program
	t.Cleanup(cancel)
	c := &child{Cmd: exec.CommandContext(ctx, "haul", args...), t: t}
	c.Dir, c.Stdin = dir, stdin
	c.Env = append(os.Environ(), storeVars(s.url, dir)...)
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.stderr = bufio.NewReader(stderr)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// signal sends a signal and waits until the child has said that it heard it.
func (c *child) signal(s os.Signal) {
	c.t.Helper()
	if err := c.Process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
	line, err := c.stderr.ReadString('\n')
	if err != nil || !strings.Contains(line, "cleaning up") {
		c.t.Fatalf("after %v: got %q, %v on standard error, want a line that says cleaning up", s, line, err)
	}
}

// ends waits for the end and compares the exit code.
func (c *child) ends(want int) {
	c.t.Helper()
	rest, _ := io.ReadAll(c.stderr)
	err := c.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != want {
		c.t.Errorf("%v: got %v and %q, want exit code %d", c.Args, err, rest, want)
	}
}

func onlyFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("files in %s: got %q, want %q", dir, got, want)
	}
}

func writeLarge(t *testing.T, dir string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "large"), testbody.Bytes(1, 20<<20), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestInterruptedUploadLeavesNothing(t *testing.T) {
	for _, tt := range []struct {
		name   string
		signal os.Signal
		code   int
	}{{"interrupt", os.Interrupt, exitInterrupted}, {"terminate", syscall.SIGTERM, exitTerminated}} {
		t.Run(tt.name, func(t *testing.T) {
			s, dir := newStalledStore(t, operations("UploadPart")), t.TempDir()
			writeLarge(t, dir)
			c := launch(t, s, dir, nil, "cp", "large", "s3://b/large")
			<-s.stalled
			c.signal(tt.signal)
			c.ends(tt.code)
			if open := s.Uploads(); len(open) > 0 {
				t.Errorf("open uploads: got %v, want none", open)
			}
			if keys := s.Keys("b"); len(keys) > 0 {
				t.Errorf("objects: got %q, want none", keys)
			}
		})
	}
}

func TestInterruptedFolderLeavesNothing(t *testing.T) {
	s, dir := newStalledStore(t, operations("UploadPart", "PutObject")), t.TempDir()
	writeLarge(t, dir)
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	c := launch(t, s, dir, nil, "--quiet", "cp", "-r", ".", "s3://b/x")
	for range 3 {
		<-s.stalled
	}
	c.signal(os.Interrupt)
	c.ends(exitInterrupted)
	if open := s.Uploads(); len(open) > 0 {
		t.Errorf("open uploads: got %v, want none", open)
	}
}

func TestInterruptedDownloadLeavesNothing(t *testing.T) {
	s, dir := newStalledStore(t, ranges), t.TempDir()
	s.Put("b", "large", testbody.Bytes(1, 20<<20), nil)
	c := launch(t, s, dir, nil, "cp", "s3://b/large", "down")
	<-s.stalled
	c.signal(os.Interrupt)
	c.ends(exitInterrupted)
	onlyFiles(t, dir)
}

// A pipe that gives nothing must not keep the program.
func TestInterruptedWhileStandardInputBlocks(t *testing.T) {
	s, dir := newStalledStore(t, operations()), t.TempDir()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	c := launch(t, s, dir, r, "--part-size", "5MiB", "cp", "-", "s3://b/large")
	if _, err := w.Write(testbody.Bytes(1, 11<<20)); err != nil { // more than two parts, and then no end
		t.Fatal(err)
	}
	c.signal(os.Interrupt)
	c.ends(exitInterrupted)
	if open := s.Uploads(); len(open) > 0 {
		t.Errorf("open uploads: got %v, want none", open)
	}
}

// Nor a pipe that nobody reads.
func TestInterruptedWhileStandardOutputBlocks(t *testing.T) {
	s, dir := newStalledStore(t, operations()), t.TempDir()
	s.Put("b", "large", testbody.Bytes(1, 20<<20), nil)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := exec.Command("haul", "cp", "s3://b/large", "-")
	c.Dir, c.Stdout, c.Env = dir, w, append(os.Environ(), storeVars(s.url, dir)...)
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil { // it has begun
		t.Fatal(err)
	}
	child := &child{Cmd: c, t: t, stderr: bufio.NewReader(stderr)}
	child.signal(os.Interrupt)
	child.ends(exitInterrupted)
}

// The second signal doesn't wait for the cleaning up.
func TestSecondInterruptEndsAtOnce(t *testing.T) {
	s, dir := newStalledStore(t, operations("UploadPart", "AbortMultipartUpload")), t.TempDir()
	writeLarge(t, dir)
	c := launch(t, s, dir, nil, "cp", "large", "s3://b/large")
	for op := ""; op != "UploadPart"; op = <-s.stalled {
	}
	c.signal(os.Interrupt)
	for op := ""; op != "AbortMultipartUpload"; op = <-s.stalled {
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	c.ends(exitInterrupted)
	if open := s.Uploads(); len(open) != 1 {
		t.Errorf("open uploads: got %v, want the one whose abort was not waited for", open)
	}
}
