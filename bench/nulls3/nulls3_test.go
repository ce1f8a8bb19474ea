//go:build linux

package nulls3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/bench/nulls3"
	"github.com/haul-s3/haul/bench/pattern"
	"github.com/haul-s3/haul/bench/tlsconn"
	"github.com/haul-s3/haul/bench/workload"
)

const (
	smallSize = 70_000
	largeSize = 2*(8<<20) + 12345
)

// start runs a server for a test, and a configuration that reaches it.
func start(t *testing.T, c nulls3.Config) (*nulls3.Server, aws.Config) {
	t.Helper()
	s, err := nulls3.Listen(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	client := awshttp.NewBuildableClient()
	if c.TLS {
		path := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(path, s.Authority(), 0o600); err != nil {
			t.Fatal(err)
		}
		config, err := tlsconn.ClientConfig(path)
		if err != nil {
			t.Fatal(err)
		}
		client = client.WithTransportOptions(func(tr *http.Transport) { tr.TLSClientConfig = config })
	}
	return s, aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(s.Endpoints()[0]), HTTPClient: client,
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	}
}

func object(t *testing.T, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := pattern.Write(&b, size); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var keys = map[string]int64{"empty-0": 0, "many-1-70000/a-70000": smallSize, "16MiB-1x/part-16789561": largeSize}

// TestTransfers moves objects both ways with haul and with the SDK, over plain
// HTTP and TLS, while every byte is compared.
func TestTransfers(t *testing.T) {
	for name, config := range map[string]nulls3.Config{"plain": {Check: true}, "tls": {Check: true, TLS: true}} {
		for client, move := range map[string]func(*testing.T, aws.Config, string, []byte){"haul": moveHaul, "sdk": moveSDK} {
			t.Run(name+"-"+client, func(t *testing.T) {
				s, cfg := start(t, config)
				for key, size := range keys {
					move(t, cfg, key, object(t, size))
				}
				got := s.Stats()
				if got.Mismatches != 0 || got.Verified != int64(len(keys)) || got.Unchecked != 0 {
					t.Errorf("got %+v, want %d verified objects, and every body with a right checksum", got, len(keys))
				}
				if got.Connections == 0 || got.BytesOut < largeSize {
					t.Errorf("got %+v, want counted connections and bytes", got)
				}
			})
		}
	}
}

func moveHaul(t *testing.T, cfg aws.Config, key string, want []byte) {
	ctx := t.Context()
	m, err := haul.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Shutdown(ctx)
	if _, err := haul.Wait(m.Upload(ctx, haul.FromBytes(want), &s3.PutObjectInput{Bucket: aws.String("b"), Key: &key})); err != nil {
		t.Fatalf("upload %s: %v", key, err)
	}
	target := (&workload.Spec{Verify: true}).Target()
	r, err := haul.Wait(m.Download(ctx, &s3.GetObjectInput{Bucket: aws.String("b"), Key: &key}, haul.ToWriterAt(target)))
	if err != nil {
		t.Fatalf("download %s: %v", key, err)
	}
	if err := target.Done(int64(len(want))); err != nil || !r.Checksum.Validated {
		t.Errorf("%s: %v, validated: %v (%s)", key, err, r.Checksum.Validated, r.Checksum.How)
	}
}

func moveSDK(t *testing.T, cfg aws.Config, key string, want []byte) {
	ctx := t.Context()
	c := s3.NewFromConfig(cfg)
	tm := transfermanager.New(c, func(o *transfermanager.Options) { o.MultipartUploadThreshold = 8 << 20 })
	if _, err := tm.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: aws.String("b"), Key: &key, Body: bytes.NewReader(want)}); err != nil {
		t.Fatalf("upload %s: %v", key, err)
	}
	out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("b"), Key: &key, ChecksumMode: "ENABLED"})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	got, err := io.ReadAll(out.Body) // the SDK compares the checksum at the end
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes, error %v, want the %d of the pattern", key, len(got), err, len(want))
	}
}

// TestCheck wants scrambled objects to be refused, small and large.
func TestCheck(t *testing.T) {
	s, cfg := start(t, nulls3.Config{Check: true})
	m, err := haul.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Shutdown(t.Context())
	for key, size := range map[string]int64{"a-70000": smallSize, "b-16789561": largeSize} {
		b := object(t, size)
		copy(b[4096:], b[:4096])
		_, err := haul.Wait(m.Upload(t.Context(), haul.FromBytes(b), &s3.PutObjectInput{Bucket: aws.String("b"), Key: &key}))
		if api := smithy.APIError(nil); !errors.As(err, &api) || api.ErrorCode() != "BadDigest" {
			t.Errorf("upload of a scrambled %s: got %v, want BadDigest", key, err)
		}
	}
	// A client that lost an answer asks again, and is refused again.
	if got := s.Stats().Mismatches; got < 2 {
		t.Errorf("got %d mismatches, want 2 or more", got)
	}
}

// TestAnswers sends requests that no transfer needs.
func TestAnswers(t *testing.T) {
	s, _ := start(t, nulls3.Config{Addresses: 2})
	if got := len(s.Endpoints()); got != 2 {
		t.Fatalf("got %d endpoints, want 2", got)
	}
	for _, c := range []struct {
		request, rang string
		status        int
		body          string // a part of it
	}{
		{"GET /b/no-size", "", 404, "NoSuchKey"},
		{"GET /b/a-10", "bytes=10-", 416, "InvalidRange"},
		{"GET /b/a-10", "bytes=-3", 206, string(object(t, 10)[7:])},
		{"GET /b/a-10", "bytes=2-3", 206, string(object(t, 10)[2:4])},
		{"GET /b/a-10?partNumber=2", "", 416, ""},
		{"GET /b/256KiB-1x/1?partNumber=1", "", 206, ""},
		{"HEAD /b/none", "", 404, ""},
		{"GET /b?list-type=2&prefix=x%2Fmany-3-1k%2F&max-keys=2", "", 200, "<NextContinuationToken>2</NextContinuationToken>"},
		{"GET /b?list-type=2&prefix=x%2Fmany-3-1k%2F&continuation-token=2", "", 200, "<Key>x/many-3-1k/000000002-1k</Key>"},
		{"GET /b?list-type=2&prefix=other", "", 200, "<KeyCount>0</KeyCount>"},
		{"GET /b?location", "", 200, "LocationConstraint"},
		{"DELETE /b/a-10", "", 204, ""},
		{"DELETE /b/a-10?uploadId=none", "", 404, "NoSuchUpload"},
		{"GET /b/a-10?uploadId=none", "", 404, "NoSuchUpload"},
		{"PUT /b/a-10?uploadId=none&partNumber=1", "", 404, "NoSuchUpload"},
		{"PUT /b/a-10?uploadId=none&partNumber=0", "", 400, "InvalidArgument"},
		{"POST /b/a-10?uploadId=none", "", 404, "NoSuchUpload"},
		{"POST /b/a-10?uploads", "", 200, "<UploadId>upload-1</UploadId>"},
		{"GET /b/a-10?uploadId=upload-1", "", 200, "ListPartsResult"},
		{"PATCH /b/a-10", "", 405, "MethodNotAllowed"},
		{"GET " + nulls3.StatsPath, "", 200, `"Requests":20`},
	} {
		method, target, _ := strings.Cut(c.request, " ")
		status, body := ask(t.Context(), t, method, s.Endpoints()[1]+target, c.rang)
		if status != c.status || !strings.Contains(body, c.body) {
			t.Errorf("%s %s: got %d %.300q, want %d with %q", c.request, c.rang, status, body, c.status, c.body)
		}
	}
}

func ask(ctx context.Context, t *testing.T, method, url, rang string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if rang != "" {
		req.Header.Set("Range", rang)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// TestThrottle wants more requests than the rate to be asked to slow down.
func TestThrottle(t *testing.T) {
	s, _ := start(t, nulls3.Config{RequestsPerSecond: 1})
	var slow int
	for range 5 {
		if status, body := ask(t.Context(), t, "GET", s.Endpoints()[0]+"/b/a-10", ""); status == 503 && strings.Contains(body, "SlowDown") {
			slow++
		}
	}
	if got := s.Stats().Throttled; slow == 0 || got != int64(slow) {
		t.Errorf("got %d answers to slow down, %d counted, want some", slow, got)
	}
}

// TestSmallServer lets the latency grow with the requests under way, and accepts
// no more connections than there are descriptors.
func TestSmallServer(t *testing.T) {
	c := nulls3.Config{Latency: 10, SlowFrom: 4}
	for underWay, want := range map[int64]time.Duration{1: 10, 4: 10, 6: 15, 8: 20} {
		if got := c.AnswerDelay(underWay); got != want {
			t.Errorf("%d requests under way: got a latency of %d, want %d", underWay, got, want)
		}
	}
	s, _ := start(t, nulls3.Config{Descriptors: 1, TotalMiB: 1000})
	first, err := net.Dial("tcp", strings.TrimPrefix(s.Endpoints()[0], "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(first, "GET /b/a-10 HTTP/1.1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Read(make([]byte, 1)); err != nil { // so it is accepted
		t.Fatal(err)
	}
	answered := make(chan int)
	go func() {
		status, _ := ask(t.Context(), t, "GET", s.Endpoints()[0]+"/b/a-10", "")
		answered <- status
	}()
	if got := s.Stats().Connections; got != 1 {
		t.Errorf("got %d connections, want 1", got)
	}
	first.Close()
	if status := <-answered; status != 200 {
		t.Errorf("once there is a descriptor: got %d, want 200", status)
	}
}
