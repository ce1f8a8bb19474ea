package s3fake_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/internal/testbody"
)

// client is the SDK's client for a fake.
func client(f *fake, optFns ...func(*s3.Options)) *s3.Client {
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(f.url), UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AK", SecretAccessKey: "SK"}, nil
		}),
	}, optFns...)
}

var sdkKeys = []string{"k", "a b", "a+b", "ä/ö", "//x//", "/lead", "100%", "%41", "q?a=b&c", "a/../b/./c", "é\u0301", strings.Repeat("k", 1024)}

func TestSDKPutAndGet(t *testing.T) {
	ctx := context.Background()
	f := start(t, s3fake.Options{RequireAuth: true, Region: "us-east-1", Owner: "111122223333"})
	c := client(f)
	for i, key := range sdkKeys {
		body := testbody.Bytes(uint64(i), 10000+i)
		put, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("b"), Key: &key, Body: bytes.NewReader(body),
			ContentType: aws.String("text/x"), Metadata: map[string]string{"who": "me"}, ExpectedBucketOwner: aws.String("111122223333")})
		if err != nil {
			t.Fatalf("put %q: %v", key, err)
		}
		if o, ok := f.Object("b", key); !ok || !bytes.Equal(o.Data, body) {
			t.Fatalf("object %q: got %v, want the body", key, ok)
		}
		get, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("b"), Key: &key, ChecksumMode: types.ChecksumModeEnabled})
		if err != nil {
			t.Fatalf("get %q: %v", key, err)
		}
		got, err := io.ReadAll(get.Body)
		if err != nil || !bytes.Equal(got, body) {
			t.Errorf("get %q: got %d bytes, %v, want %d", key, len(got), err, len(body))
		}
		if *get.ETag != *put.ETag || *get.ContentType != "text/x" || get.Metadata["who"] != "me" {
			t.Errorf("get %q: got %q, %q, %v, want %q, text/x, who=me", key, *get.ETag, *get.ContentType, get.Metadata, *put.ETag)
		}
	}
	if got, want := f.Keys("b"), len(sdkKeys); len(got) != want {
		t.Errorf("keys: got %d, want %d", len(got), want)
	}
	_, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("none")})
	if missing := (*types.NoSuchKey)(nil); !errors.As(err, &missing) {
		t.Errorf("missing key: got %v, want NoSuchKey", err)
	}
}

// partBytes is the size of the parts that multipart sends.
const partBytes = 64 << 10

// multipart uploads 3 parts and 7 bytes with the SDK and completes them, and returns the body.
func multipart(t *testing.T, c *s3.Client, key string, a types.ChecksumAlgorithm, kind types.ChecksumType, sse *sseC) []byte {
	t.Helper()
	ctx := context.Background()
	fatal := func(step string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s %s: %s: %v", a, kind, step, err)
		}
	}
	body := testbody.Bytes(11, 3*partBytes+7)
	create, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String("b"), Key: &key,
		ChecksumAlgorithm: a, ChecksumType: kind, SSECustomerAlgorithm: sse.alg(), SSECustomerKey: sse.key(), SSECustomerKeyMD5: sse.sum()})
	fatal("create", err)
	var parts []types.CompletedPart
	for i := 0; i*partBytes < len(body); i++ {
		piece := body[i*partBytes : min(len(body), (i+1)*partBytes)]
		p, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: aws.String("b"), Key: &key, UploadId: create.UploadId, PartNumber: aws.Int32(int32(i + 1)),
			Body: bytes.NewReader(piece), ChecksumAlgorithm: a, SSECustomerAlgorithm: sse.alg(), SSECustomerKey: sse.key(), SSECustomerKeyMD5: sse.sum()})
		fatal("part", err)
		parts = append(parts, types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ETag: p.ETag, ChecksumCRC32: p.ChecksumCRC32,
			ChecksumCRC32C: p.ChecksumCRC32C, ChecksumCRC64NVME: p.ChecksumCRC64NVME, ChecksumSHA1: p.ChecksumSHA1, ChecksumSHA256: p.ChecksumSHA256})
	}
	_, err = c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: aws.String("b"), Key: &key, UploadId: create.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}, MpuObjectSize: aws.Int64(int64(len(body))), ChecksumType: kind,
		SSECustomerAlgorithm: sse.alg(), SSECustomerKey: sse.key(), SSECustomerKeyMD5: sse.sum()})
	fatal("complete", err)
	return body
}

// sseC is an SSE-C key; nil is none.
type sseC struct{ raw string }

func (s *sseC) alg() *string {
	if s == nil {
		return nil
	}
	return aws.String("AES256")
}

func (s *sseC) key() *string {
	if s == nil {
		return nil
	}
	return aws.String(base64.StdEncoding.EncodeToString([]byte(s.raw)))
}

func (s *sseC) sum() *string {
	if s == nil {
		return nil
	}
	sum := md5.Sum([]byte(s.raw))
	return aws.String(base64.StdEncoding.EncodeToString(sum[:]))
}

func TestSDKMultipart(t *testing.T) {
	f := start(t, s3fake.Options{MinPartSize: partBytes})
	c := client(f)
	for _, x := range []struct {
		a    types.ChecksumAlgorithm
		kind types.ChecksumType
	}{
		{types.ChecksumAlgorithmCrc32, types.ChecksumTypeComposite},
		{types.ChecksumAlgorithmCrc32, types.ChecksumTypeFullObject},
		{types.ChecksumAlgorithmCrc32c, types.ChecksumTypeComposite},
		{types.ChecksumAlgorithmCrc32c, types.ChecksumTypeFullObject},
		{types.ChecksumAlgorithmCrc64nvme, types.ChecksumTypeFullObject},
		{types.ChecksumAlgorithmSha1, types.ChecksumTypeComposite},
		{types.ChecksumAlgorithmSha256, types.ChecksumTypeComposite},
	} {
		t.Run(fmt.Sprint(x.a, "-", x.kind), func(t *testing.T) {
			body := multipart(t, c, "m", x.a, x.kind, nil)
			o, ok := f.Object("b", "m")
			if !ok || !bytes.Equal(o.Data, body) {
				t.Fatalf("object: got %v, want the body", ok)
			}
			if o.Checksum.Algorithm != s3fake.Algorithm(x.a) || o.Checksum.Type != string(x.kind) {
				t.Errorf("checksum: got %+v, want %s %s", o.Checksum, x.a, x.kind)
			}
			if composite := strings.HasSuffix(o.Checksum.Value, "-4"); composite != (x.kind == types.ChecksumTypeComposite) {
				t.Errorf("checksum: got %s, want %s", o.Checksum.Value, x.kind)
			}
			get, err := c.GetObject(context.Background(), &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("m"), PartNumber: aws.Int32(4), ChecksumMode: types.ChecksumModeEnabled})
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(get.Body) // the SDK holds the part's checksum against it
			if err != nil || !bytes.Equal(got, body[3*partBytes:]) {
				t.Errorf("part 4: got %d bytes, %v, want 7", len(got), err)
			}
			if *get.PartsCount != 4 || *get.ContentRange != "bytes 196608-196614/196615" {
				t.Errorf("part 4: got %d parts, %s", *get.PartsCount, *get.ContentRange)
			}
		})
	}
	if got := f.Uploads(); len(got) != 0 {
		t.Errorf("open uploads: got %v, want none", got)
	}
}

func TestSDKCustomerKey(t *testing.T) {
	ctx := context.Background()
	f := start(t, s3fake.Options{MinPartSize: partBytes})
	c := client(f)
	right, wrong := &sseC{strings.Repeat("r", 32)}, &sseC{strings.Repeat("w", 32)}
	for _, how := range []string{"single", "multipart"} {
		var body []byte
		if how == "multipart" {
			body = multipart(t, c, "enc", types.ChecksumAlgorithmCrc32, types.ChecksumTypeComposite, right)
		} else {
			body = []byte("secret")
			if _, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("enc"), Body: bytes.NewReader(body),
				SSECustomerAlgorithm: right.alg(), SSECustomerKey: right.key(), SSECustomerKeyMD5: right.sum()}); err != nil {
				t.Fatal(err)
			}
		}
		for _, x := range []struct {
			name, code string
			key        *sseC
		}{{"right", "", right}, {"wrong", "AccessDenied", wrong}, {"none", "InvalidRequest", nil}} {
			get, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("enc"),
				SSECustomerAlgorithm: x.key.alg(), SSECustomerKey: x.key.key(), SSECustomerKeyMD5: x.key.sum()})
			code := ""
			if e := smithy.APIError(nil); errors.As(err, &e) {
				code = e.ErrorCode()
			}
			if code != x.code {
				t.Errorf("%s, %s key: got %q (%v), want %q", how, x.name, code, err, x.code)
			}
			if err == nil {
				got, _ := io.ReadAll(get.Body)
				if !bytes.Equal(got, body) {
					t.Errorf("%s: got %d bytes, want %d", how, len(got), len(body))
				}
			}
		}
	}
}
