package managertest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul"
	haulengine "github.com/haul-s3/haul/engine"
)

// badInputTests: bad input gets an error that names it, before any request.
var badInputTests = []conformanceTest{
	{name: "bad-input", run: testBadInput},
	{name: "bad-options", run: testBadOptions},
	{name: "bad-sinks", run: testBadSinks},
	{name: "bad-engine-options", run: testBadEngineOptions},
	{name: "bad-endpoint", run: testBadEndpoint},
}

// badCall is a call that can't be done, and what its error must say.
type badCall struct {
	name string
	call func(m *haul.Manager) (*haul.Future, error)
	says []string
}

// badUpload is an upload that is well but for one thing.
func badUpload(w *world, name string, change func(*s3.PutObjectInput), says ...string) badCall {
	return badCall{name, func(m *haul.Manager) (*haul.Future, error) {
		in := w.put("bad")
		change(in)
		return m.Upload(w.ctx, haul.FromBytes(data(10)), in)
	}, says}
}

func badSource(w *world, name string, src haul.Source, says ...string) badCall {
	return badCall{name, func(m *haul.Manager) (*haul.Future, error) { return m.Upload(w.ctx, src, w.put("bad")) }, says}
}

func badDownload(w *world, name string, change func(*s3.GetObjectInput), says ...string) badCall {
	return badCall{name, func(m *haul.Manager) (*haul.Future, error) {
		in := w.get("bad")
		change(in)
		return m.Download(w.ctx, in, haul.ToWriter(io.Discard))
	}, says}
}

func badCopy(w *world, name string, change func(*s3.CopyObjectInput), says ...string) badCall {
	return badCall{name, func(m *haul.Manager) (*haul.Future, error) {
		in := &s3.CopyObjectInput{Bucket: &w.Bucket, Key: ptr("bad"), CopySource: ptr("bucket/source")}
		change(in)
		return m.Copy(w.ctx, in)
	}, says}
}

func badOption(w *world, name string, opt haul.TransferOption, says ...string) badCall {
	return badCall{name, func(m *haul.Manager) (*haul.Future, error) {
		return m.Upload(w.ctx, haul.FromBytes(data(10)), w.put("bad"), opt)
	}, says}
}

const lambda = "arn:aws:s3-object-lambda:us-east-1:123456789012:accesspoint/mine"

func badCalls(t *testing.T, w *world) []badCall {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	return append(badAddresses(w),
		badUpload(w, "body", func(in *s3.PutObjectInput) { in.Body = strings.NewReader("x") }, "PutObjectInput.Body", "Source"),
		badUpload(w, "content length", func(in *s3.PutObjectInput) { in.ContentLength = ptr(int64(-1)) }, "ContentLength", "-1"),
		badUpload(w, "algorithm", func(in *s3.PutObjectInput) { in.ChecksumAlgorithm = "CRC5" }, "ChecksumAlgorithm", "CRC5"),
		badUpload(w, "two checksums", func(in *s3.PutObjectInput) { in.ChecksumCRC32, in.ChecksumSHA1 = ptr("AAAAAA=="), ptr("x") }, "ChecksumCRC32", "ChecksumSHA1"),
		badUpload(w, "checksum", func(in *s3.PutObjectInput) { in.ChecksumCRC32 = ptr("AAAA") }, "ChecksumCRC32"),
		badUpload(w, "composite checksum", func(in *s3.PutObjectInput) { in.ChecksumCRC32 = ptr("AAAAAA==-2") }, "ChecksumCRC32"),
		badUpload(w, "algorithm of another checksum", func(in *s3.PutObjectInput) { in.ChecksumCRC32, in.ChecksumAlgorithm = ptr("AAAAAA=="), "SHA1" }, "SHA1", "ChecksumCRC32"),
		badSource(w, "no source", nil, "source is nil"),
		badSource(w, "no bytes", haul.FromFile(missing), missing),
		badSource(w, "directory", haul.FromFile(dir), dir, "directory"),
		badSource(w, "negative size", haul.FromReaderAt(bytes.NewReader(nil), -1), "size", "-1"),
		badSource(w, "too large", haul.FromReaderAt(bytes.NewReader(nil), math.MaxInt64), "size", "48.8 TiB"),
		badDownload(w, "range", func(in *s3.GetObjectInput) { in.Range = ptr("bytes=x") }, `"bytes=x"`),
		badDownload(w, "several ranges", func(in *s3.GetObjectInput) { in.Range = ptr("bytes=0-1,3-4") }, "bytes=0-1,3-4"),
		badDownload(w, "range and part", func(in *s3.GetObjectInput) { in.Range, in.PartNumber = ptr("bytes=0-1"), ptr(int32(1)) }, "Range", "PartNumber"),
		badDownload(w, "part number", func(in *s3.GetObjectInput) { in.PartNumber = ptr(int32(10001)) }, "PartNumber", "10001"),
		badCopy(w, "no copy source", func(in *s3.CopyObjectInput) { in.CopySource = nil }, "CopySource"),
		badCopy(w, "copy source without key", func(in *s3.CopyObjectInput) { in.CopySource = ptr("bucket") }, "CopySource", "bucket"),
		badCopy(w, "copy source not encoded", func(in *s3.CopyObjectInput) { in.CopySource = ptr("bucket/%zz") }, "CopySource", "%zz"),
		badCopy(w, "copy algorithm", func(in *s3.CopyObjectInput) { in.ChecksumAlgorithm = "CRC5" }, "CRC5"),
		badOption(w, "part size", haul.WithPartSize(-1), "part size", "-1"),
		badOption(w, "no part size", haul.WithPartSize(0), "part size", "0"),
		badOption(w, "small part size", haul.WithPartSize(part-1), "part size", fmt.Sprint(part-1), "5 MiB"),
		badOption(w, "large part size", haul.WithPartSize(5<<30+1), "part size", "5 GiB"),
		badOption(w, "concurrency", haul.WithConcurrency(0), "concurrency", "0"),
		badOption(w, "source client", haul.WithSourceClient(w.client()), "source client", "Copy"),
		badOption(w, "resume", haul.WithResume(dir), "resume"),
	)
}

// badAddresses lack a bucket or a key, or have one that can't be.
func badAddresses(w *world) []badCall {
	var calls []badCall
	for _, c := range []struct {
		name, bucket, key string
		says              []string
	}{
		{"no bucket", "", "key", []string{"bucket is missing"}},
		{"no key", "bucket", "", []string{"key is missing"}},
		{"neither", "", "", []string{"bucket is missing", "key is missing"}},
		{"long key", "bucket", strings.Repeat("k", 1025), []string{"1025", "1024"}},
		{"object lambda", lambda, "key", []string{lambda}},
	} {
		calls = append(calls,
			badUpload(w, "upload with "+c.name, func(in *s3.PutObjectInput) { in.Bucket, in.Key = &c.bucket, &c.key }, c.says...),
			badDownload(w, "download with "+c.name, func(in *s3.GetObjectInput) { in.Bucket, in.Key = &c.bucket, &c.key }, c.says...),
			badCopy(w, "copy with "+c.name, func(in *s3.CopyObjectInput) { in.Bucket, in.Key = &c.bucket, &c.key }, c.says...),
			badCall{"delete with " + c.name, func(m *haul.Manager) (*haul.Future, error) {
				return m.Delete(w.ctx, &s3.DeleteObjectInput{Bucket: &c.bucket, Key: &c.key})
			}, c.says})
	}
	for name, call := range map[string]func(m *haul.Manager) (*haul.Future, error){
		"upload":   func(m *haul.Manager) (*haul.Future, error) { return m.Upload(w.ctx, haul.FromBytes(nil), nil) },
		"download": func(m *haul.Manager) (*haul.Future, error) { return m.Download(w.ctx, nil, haul.ToWriter(io.Discard)) },
		"copy":     func(m *haul.Manager) (*haul.Future, error) { return m.Copy(w.ctx, nil) },
		"delete":   func(m *haul.Manager) (*haul.Future, error) { return m.Delete(w.ctx, nil) },
		"no sink":  func(m *haul.Manager) (*haul.Future, error) { return m.Download(w.ctx, w.get("bad"), nil) },
	} {
		calls = append(calls, badCall{name + " of nil", call, []string{"nil"}})
	}
	return calls
}

func testBadInput(t *testing.T, w *world) {
	m := w.manager()
	for _, c := range badCalls(t, w) {
		w.refused(c.name, c.says, func() error {
			f, err := c.call(m)
			if f != nil {
				t.Errorf("%s: a Future came with the error", c.name)
			}
			var e *haul.TransferError
			if err != nil && !errors.As(err, &e) {
				t.Errorf("%s: got a %T, want a *haul.TransferError", c.name, err)
			}
			return err
		})
	}
}

// refused fails the test unless do fails with an error that says all of says,
// without a request.
func (w *world) refused(name string, says []string, do func() error) {
	w.t.Helper()
	w.Fake.Reset()
	err := do()
	if err == nil {
		w.t.Errorf("%s: got no error, want one that says %q", name, says)
		return
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			w.t.Errorf("%s: got %q, want it to say %q", name, err, text)
		}
	}
	if n := len(w.Fake.Requests()); n > 0 {
		w.t.Errorf("%s: %d requests were sent, want none", name, n)
	}
}

// testBadOptions: what a Manager can't work with, it refuses when it is made.
func testBadOptions(t *testing.T, w *world) {
	for _, c := range []struct {
		field string
		set   func(*haul.Options)
		says  string
	}{
		{"PartSize", func(o *haul.Options) { o.PartSize = -1 }, "-1"},
		{"PartSize", func(o *haul.Options) { o.PartSize = 5<<30 + 1 }, "5 GiB"},
		{"MultipartThreshold", func(o *haul.Options) { o.MultipartThreshold = -1 }, "-1"},
		{"MultipartThreshold", func(o *haul.Options) { o.MultipartThreshold = 5<<30 + 1 }, "5 GiB"},
		{"Concurrency", func(o *haul.Options) { o.Concurrency = -1 }, "-1"},
		{"MaxQueued", func(o *haul.Options) { o.MaxQueued = -1 }, "-1"},
		{"MaxBandwidth", func(o *haul.Options) { o.MaxBandwidth = -1 }, "-1"},
		{"MemoryLimit", func(o *haul.Options) { o.MemoryLimit = -1 }, "-1"},
		{"MaxAttempts", func(o *haul.Options) { o.MaxAttempts = -1 }, "-1"},
		{"BackoffBase", func(o *haul.Options) { o.BackoffBase = -time.Second }, "-1s"},
		{"BackoffThrottle", func(o *haul.Options) { o.BackoffThrottle = -time.Second }, "-1s"},
		{"BackoffMax", func(o *haul.Options) { o.BackoffMax = -time.Second }, "-1s"},
		{"StallTimeout", func(o *haul.Options) { o.StallTimeout = -time.Second }, "-1s"},
		{"AnswerTimeout", func(o *haul.Options) { o.AnswerTimeout = -time.Second }, "-1s"},
		{"SlowAnswerTimeout", func(o *haul.Options) { o.SlowAnswerTimeout = -time.Second }, "-1s"},
		{"AbortTimeout", func(o *haul.Options) { o.AbortTimeout = -time.Second }, "-1s"},
		{"ChecksumAlgorithm", func(o *haul.Options) { o.ChecksumAlgorithm = "CRC5" }, "CRC5"},
		{"ChecksumType", func(o *haul.Options) { o.ChecksumType = "HALF" }, "HALF"},
		{"ChecksumType", func(o *haul.Options) { o.ChecksumType = types.ChecksumTypeComposite }, "CRC64NVME"},
		{"ChecksumPlace", func(o *haul.Options) { o.ChecksumPlace = 9 }, "9"},
	} {
		w.refused(c.field, []string{c.field, c.says}, func() error {
			_, err := w.engine.make(w.client(), c.set)
			return err
		})
	}
	w.refused("several", []string{"PartSize", "MaxQueued"}, func() error {
		_, err := w.engine.make(w.client(), func(o *haul.Options) { o.PartSize, o.MaxQueued = -1, -1 })
		return err
	})
	w.refused("no client", []string{"client is nil"}, func() error {
		if w.engine.name == "classic" {
			_, err := haul.NewClassic(nil)
			return err
		}
		_, err := haul.NewFromClient(nil)
		return err
	})
}

// testBadSinks: a target that can't be written is found before anything is
// asked of S3, and nothing is left beside it.
func testBadSinks(t *testing.T, w *world) {
	m := w.manager()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	locked := filepath.Join(dir, "locked")
	mustDo(t, os.WriteFile(file, nil, 0o600))
	mustDo(t, os.Mkdir(locked, 0o500))
	targets := map[string][]string{
		filepath.Join(dir, "missing", "f"): {"missing"},
		filepath.Join(file, "f"):           {"file"},
		dir:                                {dir, "directory"},
		"":                                 {"path"},
	}
	if os.Getuid() != 0 { // root may write everywhere
		targets[filepath.Join(locked, "f")] = []string{"locked"}
	}
	for path, says := range targets {
		w.refused("target "+path, says, func() error {
			_, err := haul.Wait(m.Download(w.ctx, w.get("any"), haul.ToFile(path)))
			return err
		})
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("the folder has %v (error %v), want file and locked only", entries, err)
	}
}

// testBadEngineOptions: the same for the engine's own options.
func testBadEngineOptions(t *testing.T, w *world) {
	if w.engine.name == "classic" {
		w.refused("engine options", []string{"Options.Engine"}, func() error {
			_, err := haul.NewClassic(w.client(), func(o *haul.Options) { o.Engine = &haulengine.Options{} })
			return err
		})
		return
	}
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.pem")
	mustDo(t, os.WriteFile(empty, []byte("nothing"), 0o600))
	for _, c := range []struct {
		o    haulengine.Options
		says []string
	}{
		{haulengine.Options{NumThreads: -1}, []string{"NumThreads", "-1"}},
		{haulengine.Options{TargetThroughput: -1}, []string{"TargetThroughput", "-1"}},
		{haulengine.Options{TargetThroughput: math.NaN()}, []string{"TargetThroughput", "NaN"}},
		{haulengine.Options{PartSize: -1}, []string{"PartSize", "-1"}},
		{haulengine.Options{PartSize: 1}, []string{"PartSize", "5 MiB"}},
		{haulengine.Options{PartSize: 5<<30 + 1}, []string{"PartSize", "5 GiB"}},
		{haulengine.Options{MaxConnections: -1}, []string{"MaxConnections", "-1"}},
		{haulengine.Options{MemoryLimit: -1}, []string{"MemoryLimit", "-1"}},
		{haulengine.Options{CABundle: filepath.Join(dir, "missing.pem")}, []string{"CA bundle", "missing.pem"}},
		{haulengine.Options{CABundle: empty}, []string{"CA bundle", empty}},
		{haulengine.Options{CABundle: dir}, []string{"CA bundle", dir}},
	} {
		w.refused(fmt.Sprintf("%+v", c.o), c.says, func() error {
			_, err := haul.NewFromClient(w.client(), func(o *haul.Options) { o.Engine = &c.o })
			return err
		})
	}
}

// testBadEndpoint: no request can be formed for it, so none is sent, and the
// error names it.
func testBadEndpoint(t *testing.T, w *world) {
	dir := t.TempDir()
	for _, endpoint := range []string{"://", "localhost:1", "http://a b/", "ftp:///x"} {
		m := w.managerOf(w.client(func(o *s3.Options) { o.BaseEndpoint = aws.String(endpoint) }),
			func(o *haul.Options) { o.MaxAttempts = 1 })
		for name, call := range map[string]func() error{
			"upload": func() error {
				_, err := haul.Wait(m.Upload(w.ctx, haul.FromBytes(data(part+1)), w.put("k")))
				return err
			},
			"download": func() error {
				_, err := haul.Wait(m.Download(w.ctx, w.get("k"), haul.ToFile(filepath.Join(dir, "f"))))
				return err
			},
		} {
			w.refused(name+" to "+endpoint, []string{strings.Trim(endpoint, "/:")}, call)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("files were left: %v", entries)
	}
}

func mustDo(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
