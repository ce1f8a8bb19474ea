package examples_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/internal/testbody"
)

const (
	bucket = "examples"
	size   = 17<<20 + 7 // three parts
	seed   = 1
)

// TestPrograms builds the examples and runs them as their readers do: against
// the sandbox, with the variables that it prints.
func TestPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs programs")
	}
	bin := t.TempDir()
	command(t, "go", "build", "-o", bin, "../sandbox", "./updown", "./many", "./stream").output()
	for name, flags := range map[string][]string{"http": nil, "https": {"--tls"}} {
		t.Run(name, func(t *testing.T) {
			serve(t, filepath.Join(bin, "sandbox"), flags...)
			t.Run("updown", func(t *testing.T) { testUpDown(t, filepath.Join(bin, "updown")) })
			t.Run("many", func(t *testing.T) { testMany(t, filepath.Join(bin, "many")) })
			t.Run("stream", func(t *testing.T) { testStream(t, filepath.Join(bin, "stream")) })
		})
	}
}

// serve starts a server, takes over its variables and makes a bucket.
func serve(t *testing.T, sandbox string, flags ...string) {
	t.Helper()
	none := filepath.Join(t.TempDir(), "none") // what this machine is configured for is not looked at
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_PROFILE": "", "AWS_SESSION_TOKEN": "", "AWS_CA_BUNDLE": "",
	} {
		t.Setenv(name, value)
	}
	cmd := exec.Command(sandbox, append([]string{"serve", "--dir", t.TempDir(), "--quiet"}, flags...)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.Process.Signal(os.Interrupt) != nil { // Windows has none
			_ = cmd.Process.Kill()
		}
		_ = cmd.Wait() // how it ended is not what is tested
	})
	last := "AWS_ENDPOINT_URL_S3"
	if len(flags) > 0 {
		last = "AWS_CA_BUNDLE"
	}
	takeVariables(t, stdout, last)
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s3.NewFromConfig(cfg).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		t.Fatal(err)
	}
}

// takeVariables sets the variables of the export lines up to the last one.
func takeVariables(t *testing.T, r io.Reader, last string) {
	t.Helper()
	for lines := bufio.NewScanner(r); lines.Scan(); {
		name, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "=")
		if !ok {
			t.Fatalf("sandbox printed %q, want export lines", lines.Text())
		}
		t.Setenv(name, strings.Trim(value, "'"))
		if name == last {
			return
		}
	}
	t.Fatalf("sandbox ended before it printed %s", last)
}

func testUpDown(t *testing.T, program string) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, body(), 0o666); err != nil {
		t.Fatal(err)
	}
	out := command(t, program, bucket, "updown/file", path).output()
	for _, want := range []string{"Upload updown/file: 100%", "Download updown/file: 100%", "in 3 parts", "CRC64NVME"} {
		if !strings.Contains(out, want) {
			t.Errorf("got the output below, want %q in it\n%s", want, out)
		}
	}
	got, err := os.ReadFile(path + ".back")
	if err != nil {
		t.Fatal(err)
	}
	checkBody(t, got)

	var exit *exec.ExitError
	c := command(t, program, "no-such-bucket", "key", path)
	if err := c.cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(c.stderr.String(), "NoSuchBucket") {
		t.Errorf("bucket that isn't there: got %v and %q, want exit status 1 and NoSuchBucket", err, &c.stderr)
	}
}

func testMany(t *testing.T, program string) {
	out := command(t, program, bucket, "many", "50").output()
	for _, want := range []string{"upload: 50 objects", "download: 50 objects", "delete: 50 objects"} {
		if !strings.Contains(out, want) {
			t.Errorf("got the output below, want %q in it\n%s", want, out)
		}
	}
}

func testStream(t *testing.T, program string) {
	c := command(t, program, bucket, "stream")
	c.cmd.Stdin = struct{ io.Reader }{bytes.NewReader(body())} // a pipe for the child
	checkBody(t, []byte(c.output()))
}

func body() []byte {
	b := make([]byte, size)
	testbody.Fill(b, seed, 0)
	return b
}

func checkBody(t *testing.T, got []byte) {
	t.Helper()
	if off, ok := testbody.Check(got, seed, 0); !ok || len(got) != size {
		t.Errorf("got %d bytes, of which byte %d is wrong or missing, want %d", len(got), off, size)
	}
}

// child is a program to run.
type child struct {
	t      *testing.T
	cmd    *exec.Cmd
	stderr bytes.Buffer
}

func command(t *testing.T, name string, args ...string) *child {
	if runtime.GOOS == "windows" && filepath.IsAbs(name) {
		name += ".exe"
	}
	c := &child{t: t, cmd: exec.CommandContext(context.WithoutCancel(t.Context()), name, args...)}
	c.cmd.Stderr = &c.stderr
	return c
}

// output runs the program to its end and returns what it wrote to standard
// output.
func (c *child) output() string {
	c.t.Helper()
	out, err := c.cmd.Output()
	if err != nil {
		c.t.Fatalf("%s: %v\n%s%s", c.cmd, err, out, &c.stderr)
	}
	return string(out)
}
