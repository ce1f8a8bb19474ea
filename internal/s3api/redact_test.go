package s3api_test

import (
	"testing"

	"github.com/haul-s3/haul/internal/s3api"
)

// TestRedact leaves of a text what is no secret.
func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"no such key: Signature of nothing":                               "no such key: Signature of nothing",
		"Authorization: AWS4-HMAC-SHA256 Credential=A/b, Signature=0f, x": "Authorization: AWS4-HMAC-SHA256 [removed], Signature=[removed], x",
		"/k?X-Amz-Credential=A%2Fb&X-Amz-Signature=0f&x=y":                "/k?X-Amz-Credential=[removed]&X-Amz-Signature=[removed]&x=y",
		"x-amz-security-token:abc==\nHost: h":                             "x-amz-security-token:[removed]\nHost: h",
		"Signature=0f, then Signature=1e":                                 "Signature=[removed], then Signature=[removed]",
		"X-Amz-Server-Side-Encryption-Customer-Key: a+b= rest":            "X-Amz-Server-Side-Encryption-Customer-Key: [removed] rest",
	} {
		if got := s3api.Redact(in); got != want {
			t.Errorf("redact %q: got %q, want %q", in, got, want)
		}
	}
}
