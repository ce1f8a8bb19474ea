package serialize_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/serialize"
)

// FuzzReregion holds that no word of a server for a region leads to a host that
// isn't Amazon's, or changes what is asked for there.
func FuzzReregion(f *testing.F) {
	for _, region := range []string{"eu-west-1", "us-gov-east-1", "cn-north-1", "", "evil.example/", "x@evil.example", "eu-west-1.evil", "aws-global", "us-east-1\x00", "EU-WEST-1"} {
		f.Add(region)
	}
	template, err := serialize.New(slotClients()["virtual-host"]).Serialize(f.Context(), s3api.GetObject,
		&s3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("key")})
	if err != nil {
		f.Fatal(err)
	}
	hosts := regexp.MustCompile(`^bucket\.s3\.[a-z0-9-]+\.[a-z0-9.-]+$`)
	f.Fuzz(func(t *testing.T, region string) {
		got, err := template.Reregion(t.Context(), region)
		if err != nil {
			return
		}
		if strings.ContainsFunc(region, func(r rune) bool { return r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
			t.Errorf("%q: got a template for %s, want it refused", region, got.URL)
		}
		if !hosts.MatchString(got.URL.Host) || !strings.Contains(got.URL.Host, "amazon") || got.URL.Path != template.URL.Path || got.URL.Scheme != "https" {
			t.Errorf("%q: got %s, want an endpoint of Amazon's", region, got.URL)
		}
	})
}
