package serialize_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/serialize"
)

// slotClients are clients whose endpoints put the key in different places.
func slotClients() map[string]*s3.Client {
	creds := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "k", SecretAccessKey: "s"}, nil
	})
	return map[string]*s3.Client{
		"virtual-host": s3.New(s3.Options{Region: "us-west-2", Credentials: creds}),
		"path-style":   s3.New(s3.Options{Region: "us-west-2", Credentials: creds, UsePathStyle: true, BaseEndpoint: aws.String("http://127.0.0.1:9000/base/")}),
		"dualstack":    s3.New(s3.Options{Region: "us-west-2", Credentials: creds, EndpointOptions: s3.EndpointResolverOptions{UseDualStackEndpoint: aws.DualStackEndpointStateEnabled}}),
	}
}

// TestSlotEqualsSDK holds templates made from a slot against those that the SDK
// forms for the key itself, which an unusable slot (an API option that does
// nothing) makes it do.
func TestSlotEqualsSDK(t *testing.T) {
	keys := []string{"a", "a b", "a+b", "ä/ö", "//", "/lead", "trail/", "%2F", "a?b#c", "..", "a/../b", "a\\b", "~-._", "a&b=c;d,e@f!g'h(i)*:$",
		strings.Repeat("k", 1024), "haul-key-slot", "x/haul-key-slot"}
	nothing := func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, func(*middleware.Stack) error { return nil })
	}
	for client, c := range slotClients() {
		slotted, plain := serialize.New(c), serialize.New(c).With(nothing)
		for _, key := range keys {
			for op, in := range map[s3api.Operation]any{
				s3api.PutObject: &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: &key, ContentType: aws.String("text/plain"),
					Metadata: map[string]string{"a": "b"}, StorageClass: types.StorageClassStandardIa},
				s3api.GetObject:    &s3.GetObjectInput{Bucket: aws.String("bucket"), Key: &key, VersionId: aws.String("v")},
				s3api.HeadObject:   &s3.HeadObjectInput{Bucket: aws.String("bucket"), Key: &key},
				s3api.DeleteObject: &s3.DeleteObjectInput{Bucket: aws.String("bucket"), Key: &key},
			} {
				got, err := slotted.Serialize(t.Context(), op, in)
				if err != nil {
					t.Fatal(err)
				}
				want, err := plain.Serialize(t.Context(), op, in)
				if err != nil {
					t.Fatal(err)
				}
				if g, w := slotDump(got), slotDump(want); g != w {
					t.Errorf("%s, %s of key %q: got\n%s\nwant\n%s", client, op, key, g, w)
				}
			}
		}
	}
}

func slotDump(t *s3api.Template) string {
	return fmt.Sprint(t.Op, t.Method, " ", t.URL.Scheme, "://", t.URL.Host, t.URL.EscapedPath(), "?", t.URL.RawQuery, " ", t.Header, t.Auth, t.SigningName, t.SigningRegion)
}

// TestSlotKeepsArgumentsApart doesn't take one object's arguments for another's.
func TestSlotKeepsArgumentsApart(t *testing.T) {
	s := serialize.New(slotClients()["virtual-host"])
	for i := range 20 {
		value := fmt.Sprint(i % 6)
		got, err := s.Serialize(t.Context(), s3api.PutObject, &s3.PutObjectInput{
			Bucket: aws.String("b"), Key: aws.String(fmt.Sprint("k", i)), Metadata: map[string]string{"i": value},
		})
		if err != nil {
			t.Fatal(err)
		}
		if h := got.Header.Get("X-Amz-Meta-I"); h != value || !strings.HasSuffix(got.URL.Path, fmt.Sprint("k", i)) {
			t.Errorf("object %d has metadata %q and path %s", i, h, got.URL.Path)
		}
	}
}

// TestSlotErrors leaves errors to the SDK and the caller's own input.
func TestSlotErrors(t *testing.T) {
	s := serialize.New(slotClients()["virtual-host"])
	if _, err := s.Serialize(t.Context(), s3api.GetObject, &s3.GetObjectInput{Bucket: aws.String("b")}); err == nil {
		t.Error("an input without a key was serialized")
	}
}

// TestSlotAllocations bounds what a further key costs.
func TestSlotAllocations(t *testing.T) {
	s := serialize.New(slotClients()["virtual-host"])
	in := &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("some/key")}
	if n := testing.AllocsPerRun(100, func() { _, _ = s.Serialize(t.Context(), s3api.GetObject, in) }); n > 25 {
		t.Errorf("%.0f allocations for a further key, want at most 25", n)
	}
}

func BenchmarkSerialize(b *testing.B) {
	s := serialize.New(slotClients()["virtual-host"])
	in := &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("some/key")}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Serialize(b.Context(), s3api.GetObject, in); err != nil {
			b.Fatal(err)
		}
	}
}
