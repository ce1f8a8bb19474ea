package haul_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/s3fake"
)

const (
	memoryChild = "HAUL_TEST_MEMORY_CHILD" // what a child does; "" in the parent
	memoryURL   = "HAUL_TEST_MEMORY_URL"
	memoryDir   = "HAUL_TEST_MEMORY_DIR"

	hugeSize      = 4 << 30
	memoryLanes   = 32
	peakMax       = 40 << 20 // resident bytes of the whole process
	streamMax     = 64 << 20 // MemoryLimit of the stream's child
	streamPeakMax = streamMax + peakMax
)

func TestMain(m *testing.M) {
	if job := os.Getenv(memoryChild); job != "" {
		if err := memoryJobs[job](os.Getenv(memoryURL), os.Getenv(memoryDir)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println("peak", peakMemory())
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// memoryJobs are what the children do.
var memoryJobs = map[string]func(url, dir string) error{
	"file-up":     fileUp,
	"file-down":   fileDown,
	"stream-up":   streamUp,
	"stream-down": streamDown,

	"resume-up":    resumeChild(childUpload),
	"resume-down":  resumeChild(childDownload),
	"resume-token": resumeChild(childResume),
}

// TestPeakMemory asserts on the resident memory of processes that move 4 GiB
// with 32 lanes: what is staged nowhere can't be held.
func TestPeakMemory(t *testing.T) {
	if testing.Short() || underRace {
		t.Skip("moves 4 GiB each way, and the race detector multiplies memory")
	}
	server := s3fake.New(s3fake.Options{NoMD5: true, Discard: true}, "b")
	server.Synthetic("b", "huge", hugeSize, 1)
	web := httptest.NewServer(server)
	defer web.Close()
	for job, limit := range map[string]int64{
		"file-up": peakMax, "file-down": peakMax, "stream-up": streamPeakMax, "stream-down": streamPeakMax,
	} {
		t.Run(job, func(t *testing.T) {
			child := exec.Command(os.Args[0])
			child.Env = append(os.Environ(), memoryChild+"="+job, memoryURL+"="+web.URL, memoryDir+"="+t.TempDir())
			out, err := child.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			var peak int64
			if _, err := fmt.Sscanf(string(out), "peak %d", &peak); err != nil {
				t.Fatalf("%v in %q", err, out)
			}
			t.Logf("peak resident memory: %.1f MiB", float64(peak)/(1<<20))
			if peak > limit {
				t.Errorf("peak resident memory is %d bytes, want at most %d", peak, limit)
			}
		})
	}
}

func memoryManager(url string, optFns ...func(*haul.Options)) (*haul.Manager, error) {
	c := s3.New(s3.Options{
		BaseEndpoint: &url, UsePathStyle: true, Region: "us-east-1",
		Credentials: memoryKeys,
	})
	return haul.NewFromClient(c, append([]func(*haul.Options){func(o *haul.Options) {
		o.Engine = &engine.Options{TargetThroughput: engine.Gbps(0.4 * memoryLanes), MaxConnections: memoryLanes, MemoryLimit: streamMax}
	}}, optFns...)...)
}

func fileUp(url, dir string) error {
	path := filepath.Join(dir, "huge")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	if err := os.Truncate(path, hugeSize); err != nil {
		return err
	}
	m, err := memoryManager(url)
	if err != nil {
		return err
	}
	_, err = m.UploadFile(context.Background(), path, "b", "up")
	return err
}

func fileDown(url, dir string) error {
	m, err := memoryManager(url)
	if err != nil {
		return err
	}
	_, err = m.DownloadFile(context.Background(), "b", "huge", filepath.Join(dir, "huge"))
	return err
}

// streamUp sends a pipe of unknown length, of 1 GiB.
func streamUp(url, _ string) error {
	m, err := memoryManager(url)
	if err != nil {
		return err
	}
	r := io.LimitReader(zeros{}, 1<<30)
	_, err = haul.Wait(m.Upload(context.Background(), haul.FromReader(r), &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("s")}))
	return err
}

// streamDown fetches into a writer that takes bytes in order.
func streamDown(url, _ string) error {
	m, err := memoryManager(url)
	if err != nil {
		return err
	}
	_, err = haul.Wait(m.Download(context.Background(), &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("huge")},
		haul.ToWriter(struct{ io.Writer }{io.Discard})))
	return err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// peakMemory is the largest resident memory that this process has had, bytes.
func peakMemory() int64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if kb, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(kb, "kB")), 10, 64)
			return n << 10
		}
	}
	return 0
}

// memoryKeys are the credentials of the test's server.
var memoryKeys = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "k", SecretAccessKey: "s"}, nil
})
