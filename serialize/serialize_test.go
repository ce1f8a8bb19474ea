package serialize_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/serialize"
)

var update = flag.Bool("update", false, "write the golden files anew")

var operations = []s3api.Operation{
	s3api.PutObject, s3api.GetObject, s3api.HeadObject, s3api.DeleteObject, s3api.CopyObject,
	s3api.CreateMultipartUpload, s3api.UploadPart, s3api.UploadPartCopy, s3api.CompleteMultipartUpload,
	s3api.AbortMultipartUpload, s3api.ListParts, s3api.GetObjectTagging, s3api.PutObjectTagging,
}

// inputs are one input of every operation, with many of its fields.
func inputs(bucket, key string) map[s3api.Operation]any {
	b, k, u, n := aws.String(bucket), aws.String(key), aws.String("UPLOADID"), aws.Int32(1)
	until := aws.Time(time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC))
	return map[s3api.Operation]any{
		s3api.PutObject: &s3.PutObjectInput{
			Bucket: b, Key: k, ACL: types.ObjectCannedACLPrivate, CacheControl: aws.String("no-cache"), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
			Metadata: map[string]string{"Colour": "blue grey"}, Tagging: aws.String("a=1&b=2"), IfNoneMatch: aws.String("*"),
			ObjectLockRetainUntilDate: until, SSECustomerAlgorithm: aws.String("AES256"), SSECustomerKey: aws.String("a2V5"), SSECustomerKeyMD5: aws.String("bWQ1"),
			RequestPayer: types.RequestPayerRequester, ExpectedBucketOwner: aws.String("111122223333"), StorageClass: types.StorageClassStandardIa,
		},
		s3api.GetObject: &s3.GetObjectInput{
			Bucket: b, Key: k, ChecksumMode: types.ChecksumModeEnabled, IfMatch: aws.String(`"etag"`), VersionId: aws.String("v 1+/="),
			ResponseContentDisposition: aws.String(`attachment; filename="a b+c.txt"`), Range: aws.String("bytes=0-9"), IfModifiedSince: until,
		},
		s3api.HeadObject:            &s3.HeadObjectInput{Bucket: b, Key: k, PartNumber: n},
		s3api.DeleteObject:          &s3.DeleteObjectInput{Bucket: b, Key: k, VersionId: aws.String("v1"), BypassGovernanceRetention: aws.Bool(true)},
		s3api.CopyObject:            &s3.CopyObjectInput{Bucket: b, Key: k, CopySource: aws.String("from/a%20b"), MetadataDirective: types.MetadataDirectiveReplace},
		s3api.CreateMultipartUpload: &s3.CreateMultipartUploadInput{Bucket: b, Key: k, ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, ChecksumType: types.ChecksumTypeFullObject, ContentType: aws.String("text/plain")},
		s3api.UploadPart:            &s3.UploadPartInput{Bucket: b, Key: k, UploadId: u, PartNumber: n, ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme},
		s3api.UploadPartCopy:        &s3.UploadPartCopyInput{Bucket: b, Key: k, UploadId: u, PartNumber: n, CopySource: aws.String("from/a%20b"), CopySourceRange: aws.String("bytes=0-0"), CopySourceIfMatch: aws.String(`"e"`)},
		s3api.CompleteMultipartUpload: &s3.CompleteMultipartUploadInput{
			Bucket: b, Key: k, UploadId: u, ChecksumType: types.ChecksumTypeFullObject, ChecksumCRC64NVME: aws.String("AAAAAAAAAAA="), MpuObjectSize: aws.Int64(7),
		},
		s3api.AbortMultipartUpload: &s3.AbortMultipartUploadInput{Bucket: b, Key: k, UploadId: u},
		s3api.ListParts:            &s3.ListPartsInput{Bucket: b, Key: k, UploadId: u, MaxParts: n},
		s3api.GetObjectTagging:     &s3.GetObjectTaggingInput{Bucket: b, Key: k},
		s3api.PutObjectTagging:     &s3.PutObjectTaggingInput{Bucket: b, Key: k, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("a"), Value: aws.String("<1>")}}}},
	}
}

// silent is an HTTP client that fails the test when something is sent.
type silent struct{ t *testing.T }

func (s silent) Do(r *http.Request) (*http.Response, error) {
	s.t.Errorf("sent %s %s, want nothing sent", r.Method, r.URL)
	return nil, errors.New("nothing is to be sent")
}

type credentials struct{ key, token string }

func (c credentials) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: c.key, SecretAccessKey: "secret", SessionToken: c.token}, nil
}

// sessions are S3 Express credentials that need no request.
type sessions struct{}

func (sessions) Retrieve(_ context.Context, bucket string) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "session-of-" + bucket, SecretAccessKey: "secret", SessionToken: "token"}, nil
}

// clients are the kinds of endpoint; bucket is what the input names.
var clients = []struct {
	name, bucket string
	option       func(o *s3.Options)
	ops          []s3api.Operation // nil: all
}{
	{"virtual-host", "my-bucket", func(*s3.Options) {}, nil},
	{"path-style", "my-bucket", func(o *s3.Options) {
		o.BaseEndpoint, o.UsePathStyle = aws.String("https://s3.example.com:9000/base"), true
	}, nil},
	{"plain-http", "my-bucket", func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = aws.String("http://127.0.0.1:7070"), true }, nil},
	{"dualstack", "my-bucket", func(o *s3.Options) { o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled }, nil},
	{"accelerate", "my-bucket", func(o *s3.Options) { o.UseAccelerate = true }, nil},
	{"fips-access-point", "arn:aws:s3:us-west-2:123456789012:accesspoint/point", func(o *s3.Options) {
		o.EndpointOptions.UseFIPSEndpoint, o.UseARNRegion = aws.FIPSEndpointStateEnabled, true
	}, nil},
	{"multi-region-access-point", "arn:aws:s3::123456789012:accesspoint:mfzwi23gnjvgw.mrap", func(*s3.Options) {}, nil},
	{"outposts", "arn:aws:s3-outposts:us-west-2:123456789012:outpost:op-01234567890123456:accesspoint:point", func(o *s3.Options) { o.UseARNRegion = true }, nil},
	{"express", "my--usw2-az1--x-s3", func(o *s3.Options) { o.Region = "us-west-2" }, slices.DeleteFunc(slices.Clone(operations), func(o s3api.Operation) bool {
		return o == s3api.GetObjectTagging || o == s3api.PutObjectTagging // directory buckets have no tags
	})},
	{"anonymous", "my-bucket", func(o *s3.Options) { o.Credentials = aws.AnonymousCredentials{} }, nil},
}

func newClient(t *testing.T, fns ...func(*s3.Options)) *s3.Client {
	return s3.New(s3.Options{Region: "us-east-1", Credentials: credentials{"AKID", "token"}, HTTPClient: silent{t}, ExpressCredentials: sessions{}}, fns...)
}

// dump is a template as text, the same on every machine.
func dump(t *s3api.Template) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %s\nauth: %s %s %s\n", t.Op, t.Method, t.URL, t.Auth, t.SigningName, t.SigningRegion)
	h := t.Header.Clone()
	h.Del("User-Agent")
	_ = h.Write(&b) // sorted by name; a bytes.Buffer doesn't fail
	fmt.Fprintf(&b, "%s\n\n", t.Body)
	return strings.ReplaceAll(b.String(), "\r\n", "\n")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

func TestTemplates(t *testing.T) {
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			s := serialize.New(newClient(t, c.option))
			var b strings.Builder
			for _, op := range operations {
				if c.ops != nil && !slices.Contains(c.ops, op) {
					continue
				}
				tmpl, err := s.Serialize(t.Context(), op, inputs(c.bucket, "a b+c/ü%.txt")[op])
				if err != nil {
					t.Fatalf("%s: got error %v, want none", op, err)
				}
				b.WriteString(dump(tmpl))
			}
			golden(t, c.name, b.String())
		})
	}
}

func TestUnusualKeys(t *testing.T) {
	keys := []string{"a b", "a+b", "grün/日本", "a//b", "100%", "a%20b", "what?", "a?b=c&d#e", "/leading", "//two", "trailing/", "a\tb", `back\slash`, ".", "..", "a/../b", "~-_.", "'()*!@$&,;:=", strings.Repeat("x/", 512)}
	var b strings.Builder
	for _, c := range clients[:2] {
		s := serialize.New(newClient(t, c.option))
		for _, key := range keys {
			tmpl, err := s.Serialize(t.Context(), s3api.GetObject, &s3.GetObjectInput{Bucket: aws.String(c.bucket), Key: aws.String(key)})
			if err != nil {
				t.Fatalf("key %q: got error %v, want none", key, err)
			}
			fmt.Fprintf(&b, "%q\n%s\n", key, tmpl.URL)
		}
	}
	golden(t, "keys", b.String())
}

// sent records what the SDK itself would send.
type sent struct{ r *http.Request }

func (s *sent) Do(r *http.Request) (*http.Response, error) {
	s.r = r
	return nil, errors.New("recorded")
}

// differing are the headers in which a template may differ from the request.
func differing(name string) bool {
	for _, prefix := range []string{"X-Amz-Content-Sha256", "X-Amz-Checksum-", "X-Amz-Sdk-Checksum-", "X-Amz-Trailer", "X-Amz-Decoded-", "Content-Encoding", "Content-Length",
		"Expect", "Amz-Sdk-", "Accept-Encoding", "User-Agent", "Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-S3session-Token", "X-Amz-Region-Set"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func TestTemplatesEqualTheSDKsRequests(t *testing.T) {
	for _, c := range clients {
		for _, body := range []string{"", "x"} {
			t.Run(fmt.Sprintf("%s-%d", c.name, len(body)), func(t *testing.T) {
				in := inputs(c.bucket, "a b+c//ü%.txt")
				recorder := &sent{}
				client := newClient(t, c.option, func(o *s3.Options) { o.HTTPClient, o.Retryer = recorder, aws.NopRetryer{} })
				put := *in[s3api.PutObject].(*s3.PutObjectInput)
				put.Body = strings.NewReader(body)
				_, _ = client.PutObject(t.Context(), &put) // it fails as the recorder says
				compare(t, serialize.New(newClient(t, c.option)), s3api.PutObject, in[s3api.PutObject], recorder)
				part := *in[s3api.UploadPart].(*s3.UploadPartInput)
				part.Body = strings.NewReader(body)
				_, _ = client.UploadPart(t.Context(), &part)
				compare(t, serialize.New(newClient(t, c.option)), s3api.UploadPart, in[s3api.UploadPart], recorder)
				_, _ = client.GetObject(t.Context(), in[s3api.GetObject].(*s3.GetObjectInput))
				compare(t, serialize.New(newClient(t, c.option)), s3api.GetObject, in[s3api.GetObject], recorder)
				_, _ = client.CopyObject(t.Context(), in[s3api.CopyObject].(*s3.CopyObjectInput))
				compare(t, serialize.New(newClient(t, c.option)), s3api.CopyObject, in[s3api.CopyObject], recorder)
				_, _ = client.CreateMultipartUpload(t.Context(), in[s3api.CreateMultipartUpload].(*s3.CreateMultipartUploadInput))
				compare(t, serialize.New(newClient(t, c.option)), s3api.CreateMultipartUpload, in[s3api.CreateMultipartUpload], recorder)
			})
		}
	}
}

func compare(t *testing.T, s *serialize.SDK, op s3api.Operation, in any, recorder *sent) {
	t.Helper()
	if recorder.r == nil {
		t.Fatalf("%s: the SDK sent nothing", op)
	}
	want := recorder.r
	recorder.r = nil
	tmpl, err := s.Serialize(t.Context(), op, in)
	if err != nil {
		t.Fatalf("%s: got error %v, want none", op, err)
	}
	// The SDK's signer makes the query strict; without one it stays as it was.
	want.URL.RawQuery = strings.ReplaceAll(want.URL.RawQuery, "+", "%20")
	if got, want := tmpl.Method+" "+tmpl.URL.String(), want.Method+" "+want.URL.String(); got != want {
		t.Errorf("%s: got %s, want %s", op, got, want)
	}
	for name := range want.Header {
		if !differing(name) && tmpl.Header.Get(name) != want.Header.Get(name) {
			t.Errorf("%s: header %s: got %q, want %q", op, name, tmpl.Header.Get(name), want.Header.Get(name))
		}
	}
	for name := range tmpl.Header {
		if !differing(name) && want.Header.Get(name) == "" {
			t.Errorf("%s: header %s: got %q, the SDK sends none", op, name, tmpl.Header.Get(name))
		}
	}
	if got := tmpl.Header.Get("User-Agent"); !strings.HasPrefix(got, "aws-sdk-go-v2/") || !strings.HasSuffix(got, " lib/haul#devel") {
		t.Errorf("%s: got User-Agent %q, want the SDK's and then lib/haul#devel", op, got)
	}
}

func TestInputIsLeftAlone(t *testing.T) {
	in := inputs("b", "k")[s3api.PutObject].(*s3.PutObjectInput)
	if _, err := serialize.New(newClient(t)).Serialize(t.Context(), s3api.PutObject, in); err != nil {
		t.Fatal(err)
	}
	if in.Body != nil || in.ChecksumAlgorithm != types.ChecksumAlgorithmCrc32 {
		t.Errorf("got body %v, algorithm %q in the caller's input, want nil and CRC32", in.Body, in.ChecksumAlgorithm)
	}
}

func TestBodies(t *testing.T) {
	s := serialize.New(newClient(t))
	list := &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(7), ETag: aws.String("e")}}}
	given := &s3.CompleteMultipartUploadInput{Bucket: aws.String("b"), Key: aws.String("k"), UploadId: aws.String("u"), MultipartUpload: list}
	cases := []struct {
		name string
		op   s3api.Operation
		in   any
		want string
	}{
		{"put", s3api.PutObject, inputs("b", "k")[s3api.PutObject], ""},
		{"part", s3api.UploadPart, inputs("b", "k")[s3api.UploadPart], ""},
		{"complete-without-list", s3api.CompleteMultipartUpload, inputs("b", "k")[s3api.CompleteMultipartUpload], ""},
		{"complete-with-list", s3api.CompleteMultipartUpload, given, `<PartNumber>7</PartNumber>`},
		{"tags", s3api.PutObjectTagging, inputs("b", "k")[s3api.PutObjectTagging], `<Value>&lt;1&gt;</Value>`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tmpl, err := s.Serialize(t.Context(), c.op, c.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(tmpl.Body); c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got body %q, want %q in it", got, c.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	s := serialize.New(newClient(t))
	cases := []struct {
		name string
		op   s3api.Operation
		in   any
		want string
	}{
		{"unknown-operation", "ListBuckets", &s3.ListBucketsInput{}, `operation "ListBuckets"`},
		{"wrong-input", s3api.GetObject, &s3.PutObjectInput{}, "input is *s3.PutObjectInput, want *s3.GetObjectInput"},
		{"nil-input", s3api.GetObject, (*s3.GetObjectInput)(nil), "input is nil"},
		{"missing-key", s3api.GetObject, &s3.GetObjectInput{Bucket: aws.String("b")}, "Key"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := s.Serialize(t.Context(), c.op, c.in); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one with %q", err, c.want)
			}
		})
	}
}
