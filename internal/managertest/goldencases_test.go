package managertest_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/haul-s3/haul"
)

// signedOn is the day in a signature's scope.
var signedOn = regexp.MustCompile(`/\d{8}/`)

// transferCase is a kind of transfer, made of a bucket and a key.
type transferCase func(bucket, key string) func(context.Context, *haul.Manager, int64) error

func upload(change func(*s3.PutObjectInput)) transferCase {
	return func(bucket, key string) func(context.Context, *haul.Manager, int64) error {
		return func(ctx context.Context, m *haul.Manager, size int64) error {
			in := &s3.PutObjectInput{Bucket: &bucket, Key: &key}
			if change != nil {
				change(in)
			}
			_, err := haul.Wait(m.Upload(ctx, haul.FromBytes(blank[:size]), in))
			return err
		}
	}
}

func download(change func(*s3.GetObjectInput)) transferCase {
	return func(bucket, key string) func(context.Context, *haul.Manager, int64) error {
		return func(ctx context.Context, m *haul.Manager, size int64) error {
			in := &s3.GetObjectInput{Bucket: &bucket, Key: &key}
			if change != nil {
				change(in)
			}
			_, err := haul.Wait(m.Download(ctx, in, haul.ToWriterAt(discardAt{})))
			return err
		}
	}
}

type discardAt struct{}

func (discardAt) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

func copyObject(change func(*s3.CopyObjectInput)) transferCase {
	return func(bucket, key string) func(context.Context, *haul.Manager, int64) error {
		return func(ctx context.Context, m *haul.Manager, size int64) error {
			in := &s3.CopyObjectInput{Bucket: &bucket, Key: &key, CopySource: aws.String("source/a%20b%2Bc/%C3%BC")}
			if change != nil {
				change(in)
			}
			_, err := haul.Wait(m.Copy(ctx, in))
			return err
		}
	}
}

func remove(change func(*s3.DeleteObjectInput)) transferCase {
	return func(bucket, key string) func(context.Context, *haul.Manager, int64) error {
		return func(ctx context.Context, m *haul.Manager, size int64) error {
			in := &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}
			if change != nil {
				change(in)
			}
			_, err := haul.Wait(m.Delete(ctx, in))
			return err
		}
	}
}

const (
	small = 10
	large = goldenPart + 1
)

// goldenCases are the table: settings by operations, inputs, keys.
func goldenCases() []goldenCase {
	var cases []goldenCase
	add := func(name string, size int64, client func(*s3.Options), bucket, key string, t transferCase) {
		cases = append(cases, goldenCase{name, size, client, t(bucket, key)})
	}
	for _, s := range settings {
		bucket := s.bucket
		if bucket == "" {
			bucket = "bucket"
		}
		add(s.name+"-put", small, s.client, bucket, "folder/key", upload(nil))
		add(s.name+"-parts", large, s.client, bucket, "folder/key", upload(nil))
		add(s.name+"-get", large, s.client, bucket, "folder/key", download(nil))
		if !s.brief {
			add(s.name+"-copy", small, s.client, bucket, "folder/key", copyObject(nil))
			add(s.name+"-copy-parts", large, s.client, bucket, "folder/key", copyObject(nil))
			add(s.name+"-delete", small, s.client, bucket, "folder/key", remove(nil))
		}
	}
	for i, key := range []string{"a b+c", "ä/日本", "a%20b", "//x//", "a/../b", "~-_.!*'()", "=&?#:@,;$", "/", "a\"<>\\^`{|}"} {
		add(fmt.Sprintf("key-%d-put", i), small, pathStyle, "bucket", key, upload(nil))
		add(fmt.Sprintf("key-%d-parts", i), large, nil, "bucket", key, upload(nil))
		add(fmt.Sprintf("key-%d-get", i), large, nil, "bucket", key, download(nil))
	}
	for _, in := range inputs {
		for size, suffix := range map[int64]string{small: "", large: "-parts"} {
			add(in.name+suffix, size, nil, "bucket", "key", in.transfer)
		}
	}
	return cases
}

func pathStyle(o *s3.Options) {
	o.BaseEndpoint, o.UsePathStyle = aws.String("http://s3.example:9000"), true
}

// settings are the clients that requests differ by.
var settings = []struct {
	name   string
	client func(*s3.Options)
	bucket string // "": "bucket"
	brief  bool   // uploads and downloads only
}{
	{"virtual-host", nil, "", false},
	{"path-style", pathStyle, "", false},
	{"dotted-bucket", nil, "my.dotted.bucket", true},
	{"endpoint-with-path", func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = aws.String("https://s3.example/base"), true }, "", true},
	{"endpoint-virtual", func(o *s3.Options) { o.BaseEndpoint = aws.String("https://s3.example:9000") }, "", true},
	{"anonymous", func(o *s3.Options) { o.Credentials = aws.AnonymousCredentials{} }, "", false},
	{"session-token", func(o *s3.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider(goldenKey, goldenSecret, "token/with+signs==")
	}, "", true},
	{"fips", func(o *s3.Options) {
		o.Region, o.EndpointOptions.UseFIPSEndpoint = "us-east-1", aws.FIPSEndpointStateEnabled
	}, "", true},
	{"dual-stack", func(o *s3.Options) { o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled }, "", true},
	{"accelerate", func(o *s3.Options) { o.UseAccelerate = true }, "", true},
	{"access-point", nil, "arn:aws:s3:eu-west-1:123456789012:accesspoint/mine", false},
	{"outpost", nil, "arn:aws:s3-outposts:eu-west-1:123456789012:outpost/op-01234567890123456/accesspoint/mine", true},
	{"multi-region", nil, "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap", true},
	{"express", nil, "mine--euw1-az1--x-s3", true},
	{"middleware", func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, smithyhttp.AddHeaderValue("X-Own-Header", "a  b"))
	}, "", true},
	{"app-id", func(o *s3.Options) { o.AppID = "golden" }, "", true},
}

// inputs are transfers whose inputs have fields set.
var inputs = []struct {
	name     string
	transfer transferCase
}{
	{"described-upload", upload(func(in *s3.PutObjectInput) {
		in.ContentType, in.CacheControl, in.ContentLanguage = aws.String("text/plain; charset=utf-8"), aws.String("no-cache"), aws.String("de, en")
		in.ContentEncoding, in.ContentDisposition = aws.String("gzip"), aws.String(`attachment; filename="a b.txt"`)
		in.Expires, in.StorageClass = aws.Time(time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)), types.StorageClassStandardIa
		in.Tagging, in.WebsiteRedirectLocation = aws.String("a=b%20c&d=%C3%BC"), aws.String("/other page")
		in.ACL, in.ServerSideEncryption, in.SSEKMSKeyId = types.ObjectCannedACLBucketOwnerFullControl, types.ServerSideEncryptionAwsKms, aws.String("key-id")
		in.Metadata = map[string]string{"plain": "value", "Mixed-Case": "X", "spaces": "  two  inside ", "utf8": "grün", "empty": "", "comma": "a, b", "quoted": "=?UTF-8?B?w7w=?="}
	})},
	{"paid-upload", upload(func(in *s3.PutObjectInput) {
		in.RequestPayer, in.ExpectedBucketOwner, in.IfNoneMatch = types.RequestPayerRequester, aws.String("123456789012"), aws.String("*")
	})},
	{"keyed-upload", upload(func(in *s3.PutObjectInput) {
		in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = goldenSSEC()
	})},
	{"sha256-upload", upload(func(in *s3.PutObjectInput) { in.ChecksumAlgorithm = types.ChecksumAlgorithmSha256 })},
	{"crc32-upload", upload(func(in *s3.PutObjectInput) { in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32 })},
	{"trailer-upload", func(bucket, key string) func(context.Context, *haul.Manager, int64) error {
		return func(ctx context.Context, m *haul.Manager, size int64) error {
			src := haul.FromReaderAt(bytes.NewReader(blank[:size]), size)
			_, err := haul.Wait(m.Upload(ctx, src, &s3.PutObjectInput{Bucket: &bucket, Key: &key, ContentEncoding: aws.String("gzip")}))
			return err
		}
	}},
	{"keyed-download", download(func(in *s3.GetObjectInput) {
		in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = goldenSSEC()
		in.RequestPayer, in.ExpectedBucketOwner = types.RequestPayerRequester, aws.String("123456789012")
	})},
	{"version-download", download(func(in *s3.GetObjectInput) {
		in.VersionId, in.ResponseContentType = aws.String("v+1/x=="), aws.String("a b/c+d")
		in.IfModifiedSince = aws.Time(time.Date(2021, 2, 3, 4, 5, 6, 0, time.UTC))
	})},
	{"ssec-copy", copyObject(func(in *s3.CopyObjectInput) {
		in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = goldenSSEC()
		in.CopySourceSSECustomerAlgorithm, in.CopySourceSSECustomerKey, in.CopySourceSSECustomerKeyMD5 = goldenSSEC()
		in.MetadataDirective, in.Metadata = types.MetadataDirectiveReplace, map[string]string{"a": "b"}
		in.TaggingDirective, in.Tagging = types.TaggingDirectiveReplace, aws.String("a=b")
		in.CopySource = aws.String("source/key?versionId=v%2B1")
	})},
	{"version-delete", remove(func(in *s3.DeleteObjectInput) {
		in.VersionId, in.MFA, in.BypassGovernanceRetention = aws.String("v+1/x=="), aws.String("serial 123456"), aws.Bool(true)
	})},
}

func goldenSSEC() (algorithm, key, sum *string) {
	raw := bytes.Repeat([]byte{'k'}, 32)
	digest := md5.Sum(raw)
	return aws.String("AES256"), aws.String(base64.StdEncoding.EncodeToString(raw)), aws.String(base64.StdEncoding.EncodeToString(digest[:]))
}
