package haul_test

import (
	"strings"
	"testing"

	"github.com/haul-s3/haul"
)

func TestCopySource(t *testing.T) {
	const arn = "arn:aws:s3:eu-west-1:123456789012:accesspoint/ap"
	cases := map[string]struct{ in, bucket, key, version string }{
		"plain":          {"b/k", "b", "k", ""},
		"leading-slash":  {"/b/k", "b", "k", ""},
		"slashes-in-key": {"b//k/l/", "b", "/k/l/", ""},
		"encoded":        {"b/a%20b%3F%2B%25", "b", "a b?+%", ""},
		"plus":           {"b/a+b", "b", "a+b", ""},
		"version":        {"b/k?versionId=a%2Bb", "b", "k", "a+b"},
		"question-mark":  {"b/what?", "b", "what?", ""},
		"access-point":   {arn + "/object/a/b", arn, "a/b", ""},
		"all-encoded":    {"arn%3Aaws%3As3%3Aeu-west-1%3A123456789012%3Aaccesspoint%2Fap/object/k", arn, "k", ""},
		"unicode":        {"b/%C3%BC", "b", "ü", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bucket, key, version, err := haul.ParseCopySource(c.in)
			if err != nil || bucket != c.bucket || key != c.key || version != c.version {
				t.Errorf("%s: got %q, %q, %q, %v, want %q, %q, %q", c.in, bucket, key, version, err, c.bucket, c.key, c.version)
			}
		})
	}
	for name, in := range map[string]string{
		"empty": "", "no-key": "b", "empty-key": "b/", "no-bucket": "//k", "bad-escape": "b/%zz", "arn-without-object": arn,
		"long-key": "b/" + strings.Repeat("k", 1025), "object-lambda": "arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/x/object/k",
	} {
		t.Run(name, func(t *testing.T) {
			if b, k, v, err := haul.ParseCopySource(in); err == nil {
				t.Errorf("%s: got %q, %q, %q, want an error", in, b, k, v)
			}
		})
	}
}

func FuzzCopySource(f *testing.F) {
	for _, s := range []string{"b/k", "/b/k?versionId=1", "arn:aws:s3:::x/object/k", "%2F%2F", "b/%zz", "?versionId="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		bucket, key, _, err := haul.ParseCopySource(s)
		if err == nil && (bucket == "" || key == "" || len(key) > 1024) {
			t.Errorf("%q: got bucket %q, key %q without an error", s, bucket, key)
		}
	})
}
