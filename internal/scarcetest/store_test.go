//go:build linux

package scarcetest

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/internal/testbody"
)

const (
	bucket = "bucket"
	size   = 1<<20 + 17 // of the objects a and b
	piece  = 256 << 10  // so that several lanes write one file
)

// bodies are the objects that all tests fetch: two writers of one name have one
// each.
var bodies = map[string][]byte{"a": testbody.Bytes(1, size), "b": testbody.Bytes(2, size)}

// store is a server with the objects.
type store struct {
	fake     *s3fake.Server
	endpoint string
}

func newStore(t *testing.T) *store {
	t.Helper()
	s := &store{fake: s3fake.New(s3fake.Options{NoMD5: true}, bucket)}
	for key, b := range bodies {
		s.fake.Put(bucket, key, b, nil)
	}
	web := httptest.NewServer(s.fake)
	t.Cleanup(web.Close)
	s.endpoint = web.URL
	return s
}

// newManager is a Manager on the store, also in a child.
func newManager(endpoint string, optFns ...func(*haul.Options)) (*haul.Manager, error) {
	c := s3.New(s3.Options{
		BaseEndpoint: &endpoint, UsePathStyle: true, Region: "us-east-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret"}, nil
		}),
	})
	impatient := func(o *haul.Options) {
		o.MaxAttempts, o.BackoffBase, o.BackoffThrottle = 2, time.Millisecond, time.Millisecond
	}
	return haul.NewFromClient(c, append([]func(*haul.Options){impatient}, optFns...)...)
}

// manager is newManager for a test, which ends when nothing of it is left: no
// goroutine, no descriptor, no upload.
func (s *store) manager(t *testing.T, optFns ...func(*haul.Options)) *haul.Manager {
	t.Helper()
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	m, err := newManager(s.endpoint, optFns...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := m.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		for _, u := range s.fake.Uploads() {
			t.Errorf("upload %s of key %s is left open", u.ID, u.Key)
		}
		eventually(t, "goroutines", goroutines, runtime.NumGoroutine)
		eventually(t, "descriptors", files, func() int { return descriptors(t) })
	})
	return m
}

// eventually waits until there are no more of something than before: the
// server's ends of closed connections go by themselves.
func eventually(t *testing.T, what string, before int, count func() int) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for count() > before {
		select {
		case <-tick.C:
		case <-deadline:
			t.Errorf("%s at the end: got %d, want the %d of the beginning", what, count(), before)
			return
		}
	}
}

// descriptors counts the open files of the process.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc:", err)
	}
	return len(entries)
}

// fetch downloads an object to a file in pieces.
func fetch(ctx context.Context, m *haul.Manager, key, path string, opts ...haul.TransferOption) error {
	_, err := m.DownloadFile(ctx, bucket, key, path, append([]haul.TransferOption{haul.WithPartSize(piece)}, opts...)...)
	return err
}

// inPieces makes a Manager cut small objects.
func inPieces(o *haul.Options) { o.MultipartThreshold = piece }

// whole says whether a file is one of the objects, all of it.
func whole(path string) error {
	got, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for key, b := range bodies {
		if slices.Equal(got, b) {
			return nil
		} else if len(got) == len(b) {
			off, _ := testbody.Check(got, map[string]uint64{"a": 1, "b": 2}[key], 0)
			err = errors.Join(err, fmt.Errorf("byte %d is not that of object %s", off, key))
		}
	}
	return errors.Join(fmt.Errorf("%s of %d bytes is none of the objects", path, len(got)), err)
}

// wantFiles compares the names in a folder.
func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, e := range entries {
		got = append(got, e.Name())
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("files in the folder: got %q, want %q", got, want)
	}
}

// oldFile plants a file that a failed download must not touch.
func oldFile(t *testing.T, dir string) (path string) {
	t.Helper()
	path = filepath.Join(dir, "target")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// wantOld says that it was left alone, and is alone.
func wantOld(t *testing.T, path string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
		t.Errorf("file that was there before: got %q, %v, want it untouched", got, err)
	}
	wantFiles(t, filepath.Dir(path), filepath.Base(path))
}
