package serialize_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithy "github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/serialize"
)

func TestReregion(t *testing.T) {
	in := &s3.GetObjectInput{Bucket: aws.String("my-bucket"), Key: aws.String("k")}
	cases := []struct {
		name   string
		option func(*s3.Options)
		host   string
	}{
		{"by-rules", func(*s3.Options) {}, "my-bucket.s3.eu-central-1.amazonaws.com"},
		{"custom-endpoint", clients[1].option, "s3.example.com:9000"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tmpl, err := serialize.New(newClient(t, c.option)).Serialize(t.Context(), s3api.GetObject, in)
			if err != nil {
				t.Fatal(err)
			}
			moved, err := tmpl.Reregion(t.Context(), "eu-central-1")
			if err != nil {
				t.Fatal(err)
			}
			if moved.URL.Host != c.host || moved.SigningRegion != "eu-central-1" {
				t.Errorf("got %s signed for %s, want %s for eu-central-1", moved.URL.Host, moved.SigningRegion, c.host)
			}
			for _, bad := range []string{"", "evil.example.com/", "us-east-1.evil.example", "EU", "us-east-1\n"} {
				if _, err := tmpl.Reregion(t.Context(), bad); err == nil {
					t.Errorf("region %q: got no error, want a refusal", bad)
				}
			}
		})
	}
}

func TestWith(t *testing.T) {
	header := func(name, value string) func(*s3.Options) {
		return s3.WithAPIOptions(smithyhttp.AddHeaderValue(name, value))
	}
	base := serialize.New(newClient(t, header("X-Client", "1")))
	further := base.With(header("X-Call", "2"), func(o *s3.Options) { o.UsePathStyle = true })
	if got := further.Options().UsePathStyle; !got || base.Options().UsePathStyle {
		t.Errorf("got path style %v with and %v without the option, want true and false", got, base.Options().UsePathStyle)
	}
	tmpl, err := further.Serialize(t.Context(), s3api.GetObject, &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	if got := tmpl.Header.Get("X-Client") + tmpl.Header.Get("X-Call") + tmpl.URL.Path; got != "12/b/k" {
		t.Errorf("got headers and path %q, want 12/b/k", got)
	}
}

// counting counts how often credentials were fetched.
type counting struct{ n int }

func (c *counting) Retrieve(context.Context) (aws.Credentials, error) {
	c.n++
	return aws.Credentials{AccessKeyID: strings.Repeat("K", c.n), SecretAccessKey: "s"}, nil
}

func TestCredentials(t *testing.T) {
	t.Run("refresh", func(t *testing.T) {
		c := newClient(t, func(o *s3.Options) { o.Credentials = aws.NewCredentialsCache(&counting{}) })
		tmpl, err := serialize.New(c).Serialize(t.Context(), s3api.GetObject, &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{"K", "K", "KK", "KK"} {
			if got, err := tmpl.Credentials(t.Context(), i == 2); err != nil || got.AccessKeyID != want {
				t.Errorf("call %d: got %q, %v, want %q", i, got.AccessKeyID, err, want)
			}
		}
	})
	t.Run("express", func(t *testing.T) {
		express := clients[8]
		tmpl, err := serialize.New(newClient(t, express.option)).Serialize(t.Context(), s3api.GetObject, &s3.GetObjectInput{Bucket: aws.String(express.bucket), Key: aws.String("k")})
		if err != nil {
			t.Fatal(err)
		}
		got, err := tmpl.Credentials(t.Context(), false)
		if want := "session-of-" + express.bucket; err != nil || got.AccessKeyID != want || tmpl.Auth != s3api.AuthSigV4Express {
			t.Errorf("got %q for %s, %v, want %q for %s", got.AccessKeyID, tmpl.Auth, err, want, s3api.AuthSigV4Express)
		}
	})
	t.Run("anonymous", func(t *testing.T) {
		c := newClient(t, func(o *s3.Options) { o.Credentials = aws.AnonymousCredentials{} })
		tmpl, err := serialize.New(c).Serialize(t.Context(), s3api.GetObject, &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
		if err != nil {
			t.Fatal(err)
		}
		if tmpl.Credentials != nil || tmpl.Auth != s3api.AuthNone {
			t.Errorf("got scheme %s, credentials %v, want %s and none", tmpl.Auth, tmpl.Credentials != nil, s3api.AuthNone)
		}
	})
}

// answer makes a response from header lines and a body.
func answer(status int, body string, header ...string) *s3api.Response {
	h := http.Header{"X-Amz-Request-Id": {"REQ"}, "X-Amz-Id-2": {"HOST"}}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return &s3api.Response{Status: status, Header: h, Body: []byte(body), ContentLength: -1}
}

const errorXML = `<?xml version="1.0"?><Error><Code>%s</Code><Message>text</Message><RequestId>REQ</RequestId></Error>`

func TestDecodeErrors(t *testing.T) {
	noKey, notFound := new(*types.NoSuchKey), new(*types.NotFound)
	cases := []struct {
		name   string
		op     s3api.Operation
		resp   *s3api.Response
		target any // for errors.As, or nil
		code   string
	}{
		{"no-such-key", s3api.GetObject, answer(404, strings.ReplaceAll(errorXML, "%s", "NoSuchKey")), noKey, "NoSuchKey"},
		{"head-without-body", s3api.HeadObject, answer(404, ""), notFound, "NotFound"},
		{"complete-200-with-error", s3api.CompleteMultipartUpload, answer(200, strings.ReplaceAll(errorXML, "%s", "InternalError")), nil, "InternalError"},
		{"copy-200-with-error", s3api.CopyObject, answer(200, strings.ReplaceAll(errorXML, "%s", "SlowDown")), nil, "SlowDown"},
		{"denied", s3api.PutObject, answer(403, strings.ReplaceAll(errorXML, "%s", "AccessDenied")), nil, "AccessDenied"},
		{"not-modified", s3api.GetObject, answer(304, ""), nil, "NotModified"},
		{"precondition", s3api.UploadPartCopy, answer(412, strings.ReplaceAll(errorXML, "%s", "PreconditionFailed")), nil, "PreconditionFailed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, err := serialize.New(newClient(t)).Decode(t.Context(), c.op, c.resp)
			var api smithy.APIError
			var response *awshttp.ResponseError
			switch {
			case out != nil:
				t.Errorf("got output %v, want nil", out)
			case !errors.As(err, &api) || api.ErrorCode() != c.code:
				t.Errorf("got error %v, want code %s", err, c.code)
			case c.target != nil && !errors.As(err, c.target):
				t.Errorf("got error %v, want a %T", err, c.target)
			case c.resp.Status >= 300 && (!errors.As(err, &response) || response.ServiceRequestID() != "REQ"):
				t.Errorf("got error %v, want one with the request id REQ", err)
			}
		})
	}
}

func TestDecodeOutputs(t *testing.T) {
	s := serialize.New(newClient(t, func(o *s3.Options) { o.UseAccelerate, o.Credentials = true, aws.AnonymousCredentials{} }))
	decode := func(op s3api.Operation, resp *s3api.Response) any {
		t.Helper()
		out, err := s.Decode(t.Context(), op, resp)
		if err != nil {
			t.Fatalf("%s: got error %v, want none", op, err)
		}
		return out
	}
	get := decode(s3api.GetObject, answer(200, "", "Etag: \"e\"", "Content-Length: 7", "X-Amz-Meta-Colour: blue", "X-Amz-Checksum-Crc32: AAAAAA==", "Last-Modified: Wed, 02 Jan 2030 03:04:05 GMT")).(*s3.GetObjectOutput)
	if *get.ETag != `"e"` || *get.ContentLength != 7 || get.Metadata["colour"] != "blue" || get.Body != http.NoBody || get.LastModified.Year() != 2030 {
		t.Errorf("got %+v, want the header's values and no body", get)
	}
	cp := decode(s3api.CopyObject, answer(200, `<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>`, "X-Amz-Version-Id: v")).(*s3.CopyObjectOutput)
	if *cp.CopyObjectResult.ETag != `"e"` || *cp.VersionId != "v" {
		t.Errorf("got %+v, want ETag and version", cp)
	}
	complete := decode(s3api.CompleteMultipartUpload, answer(200, `<CompleteMultipartUploadResult><ETag>"e-2"</ETag><ChecksumCRC64NVME>c</ChecksumCRC64NVME></CompleteMultipartUploadResult>`)).(*s3.CompleteMultipartUploadOutput)
	if *complete.ETag != `"e-2"` || *complete.ChecksumCRC64NVME != "c" {
		t.Errorf("got %+v, want ETag and checksum", complete)
	}
	for _, op := range operations { // the dummy of each operation is valid
		decode(op, answer(200, ""))
	}
}

func TestDecodeUnknownOperation(t *testing.T) {
	if _, err := serialize.New(newClient(t)).Decode(t.Context(), "ListBuckets", answer(200, "")); err == nil {
		t.Error("got no error, want a refusal")
	}
}

func TestUserOptionsThatFail(t *testing.T) {
	broken := errors.New("broken option")
	s := serialize.New(newClient(t)).With(s3.WithAPIOptions(func(*middleware.Stack) error { return broken }))
	if _, err := s.Serialize(t.Context(), s3api.GetObject, inputs("b", "k")[s3api.GetObject]); !errors.Is(err, broken) {
		t.Errorf("got error %v, want %v", err, broken)
	}
}
