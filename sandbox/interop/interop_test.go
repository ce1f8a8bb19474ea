package interop_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/testbody"
	"github.com/haul-s3/haul/sandbox/server"
)

func TestMain(m *testing.M) {
	server.MaybeServe()
	os.Exit(m.Run())
}

const (
	bucket   = "bucket"
	partSize = 5 << 20
)

// rig is a server, and a Manager of each kind.
type rig struct {
	*server.Server
	managers map[string]*haul.Manager
}

func newRig(t *testing.T) *rig {
	if testing.Short() {
		t.Skip("starts a server and other programs")
	}
	s, err := server.Start(server.Options{Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.CreateBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	g := &rig{s, map[string]*haul.Manager{}}
	small := func(o *haul.Options) { o.PartSize = partSize }
	if g.managers["engine"], err = haul.NewFromClient(s.Client(), small); err != nil {
		t.Fatal(err)
	}
	if g.managers["classic"], err = haul.NewClassic(s.Client(), small); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, m := range g.managers {
			if err := m.Shutdown(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
		}
	})
	return g
}

// run runs another program with the server in its environment and returns its
// standard output.
func (g *rig) run(t *testing.T, stdin []byte, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	theirs := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	cmd.Env = append(theirs, "AWS_ACCESS_KEY_ID="+g.AccessKey, "AWS_SECRET_ACCESS_KEY="+g.SecretKey,
		"AWS_DEFAULT_REGION="+g.Region, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "HAUL_ENDPOINT="+g.Endpoint)
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, stderr.Bytes())
	}
	return out
}

// find returns the first of the candidates with which a trial succeeds. The
// system's own come first: a version manager may have others in front.
func find(t *testing.T, name string, trial ...string) string {
	t.Helper()
	for _, candidate := range []string{"/usr/bin/" + name, name} {
		if exec.Command(candidate, trial...).Run() == nil {
			return candidate
		}
	}
	t.Skipf("%s %s doesn't run here: install Debian's awscli and python3-boto3", name, strings.Join(trial, " "))
	return ""
}

// object is one object to write.
type object struct {
	key       string
	size      int64
	pipe      bool // its length is not known beforehand
	algorithm types.ChecksumAlgorithm
	kind      types.ChecksumType
}

func (o object) bytes() []byte { return testbody.Bytes(uint64(o.size)+1, int(o.size)) }

// objects are all forms in which haul writes.
func objects() []object {
	var all []object
	add := func(size int64, pipe bool, a types.ChecksumAlgorithm, kind types.ChecksumType) {
		form := map[bool]string{false: "sized", true: "pipe"}[pipe]
		all = append(all, object{fmt.Sprintf("%s-%d-%s-%s", form, size, a, kind), size, pipe, a, kind})
	}
	for _, a := range []types.ChecksumAlgorithm{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"} {
		add(0, false, a, "")
		add(1000, false, a, "")
		add(2*partSize+3, false, a, "")
		add(partSize+7, true, a, "")
	}
	add(2*partSize+3, false, "CRC32", types.ChecksumTypeComposite)
	add(2*partSize+3, false, "CRC32C", types.ChecksumTypeComposite)
	add(0, true, "CRC32", "")
	return all
}

// write has haul write all objects under a prefix, and returns their digests by
// key.
func (g *rig) write(t *testing.T, prefix string) map[string]string {
	t.Helper()
	digests := map[string]string{}
	for name := range g.managers {
		for _, o := range objects() {
			m := g.managers[name]
			if o.kind != "" {
				m = g.composite(t, name, o)
			}
			key, b := prefix+name+"/"+o.key, o.bytes()
			src := haul.FromBytes(b)
			if o.pipe {
				src = haul.FromReader(io.MultiReader(bytes.NewReader(b)))
			}
			in := &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, ChecksumAlgorithm: o.algorithm}
			r, err := haul.Wait(m.Upload(t.Context(), src, in))
			if err != nil {
				t.Fatal(err)
			}
			if r.Checksum.Algorithm != o.algorithm || !r.Checksum.Validated {
				t.Errorf("%s: got %+v, want %s, validated", key, r.Checksum, o.algorithm)
			}
			digests[key] = digest(b)
		}
	}
	return digests
}

// composite makes a Manager for objects with checksums of another type.
func (g *rig) composite(t *testing.T, name string, o object) *haul.Manager {
	t.Helper()
	set := func(h *haul.Options) { h.PartSize, h.ChecksumType, h.ChecksumAlgorithm = partSize, o.kind, o.algorithm }
	make := func() (*haul.Manager, error) { return haul.NewFromClient(g.Client(), set) }
	if name == "classic" {
		make = func() (*haul.Manager, error) { return haul.NewClassic(g.Client(), set) }
	}
	m, err := make()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Shutdown(context.WithoutCancel(t.Context())) }) // all is done by then
	return m
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// compare holds what others have read to what was written.
func compare(t *testing.T, who string, got, want map[string]string) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if got[key] != want[key] {
			t.Errorf("%s read %s: got digest %q, want %q", who, key, got[key], want[key])
		}
	}
}

// uncombinable says that an object has a digest of its bytes in order, which
// ranges that come in any order can't be compared with.
func uncombinable(r *haul.Result) bool {
	return strings.HasPrefix(string(r.Checksum.Algorithm), "SHA") && r.Checksum.Type == types.ChecksumTypeFullObject && r.Parts > 1
}

// read has haul read objects that others have written.
func (g *rig) read(t *testing.T, want map[string]string) {
	t.Helper()
	for name, m := range g.managers {
		got := map[string]string{}
		for key := range want {
			path := filepath.Join(t.TempDir(), "target")
			r, err := m.DownloadFile(t.Context(), bucket, key, path)
			if err != nil {
				t.Fatal(err)
			}
			if !r.Checksum.Validated && !uncombinable(r) {
				t.Errorf("%s: not validated by %s: %+v", key, name, r.Checksum)
			}
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got[key] = digest(b)
		}
		compare(t, name, got, want)
	}
}

func TestCLI(t *testing.T) {
	program := find(t, "aws", "--version")
	g := newRig(t)
	cli := func(t *testing.T, args ...string) []byte {
		t.Helper()
		return g.run(t, nil, program, append([]string{"--endpoint-url", g.Endpoint}, args...)...)
	}
	t.Run("reads-ours", func(t *testing.T) {
		want := g.write(t, "ours/")
		dir := t.TempDir()
		cli(t, "s3", "cp", "--only-show-errors", "--recursive", "s3://"+bucket+"/ours", filepath.Join(dir, "ours"))
		got := map[string]string{}
		for key := range want {
			b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(key)))
			if err != nil {
				t.Error(err)
			}
			got[key] = digest(b)
		}
		compare(t, "aws s3 cp", got, want)
	})
	t.Run("verifies-ours", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "target")
		for _, o := range objects() {
			if o.pipe || o.size == 0 {
				continue // of the same form as others, and a process each
			}
			key := "ours/engine/" + o.key
			out := cli(t, "s3api", "get-object", "--bucket", bucket, "--key", key, "--checksum-mode", "ENABLED", path)
			if field := "\"Checksum" + string(o.algorithm) + "\""; o.algorithm != "CRC64NVME" && !bytes.Contains(out, []byte(field)) {
				t.Errorf("aws s3api get-object of %s: got %s, want %s in it", key, out, field)
			}
			b, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(b, o.bytes()) {
				t.Errorf("aws s3api get-object of %s: the bytes differ (%v)", key, err)
			}
		}
	})
	t.Run("writes-for-us", func(t *testing.T) {
		want := map[string]string{}
		dir := t.TempDir()
		for _, size := range []int64{0, 1000, 9 << 20} {
			o := object{size: size}
			path := filepath.Join(dir, fmt.Sprint(size))
			if err := os.WriteFile(path, o.bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			key := fmt.Sprintf("theirs/cp-%d", size)
			cli(t, "s3", "cp", "--only-show-errors", path, "s3://"+bucket+"/"+key)
			want[key] = digest(o.bytes())
			for _, a := range []string{"CRC32", "CRC32C", "SHA1", "SHA256"} {
				if size == 0 {
					continue
				}
				key := fmt.Sprintf("theirs/put-%s-%d", a, size)
				cli(t, "s3api", "put-object", "--bucket", bucket, "--key", key, "--body", path, "--checksum-algorithm", a)
				want[key] = digest(o.bytes())
			}
		}
		g.read(t, want)
	})
}

func TestBoto3(t *testing.T) {
	program := find(t, "python3", "-c", "import boto3")
	g := newRig(t)
	script := func(t *testing.T, name string, task any) map[string]string {
		t.Helper()
		text, err := json.Marshal(task)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		if err := json.Unmarshal(g.run(t, text, program, filepath.Join("testdata", name)), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	t.Run("reads-ours", func(t *testing.T) {
		want := g.write(t, "ours/")
		compare(t, "boto3", script(t, "read.py", map[string]any{"bucket": bucket, "keys": slices.Sorted(maps.Keys(want))}), want)
	})
	t.Run("writes-for-us", func(t *testing.T) {
		g.read(t, script(t, "write.py", map[string]any{"bucket": bucket, "dir": t.TempDir()}))
	})
}
