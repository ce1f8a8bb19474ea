package s3api_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/haul-s3/haul/internal/s3api"
)

// redacted are texts, and what is left of them.
var redacted = map[string]string{
	"no such key: Signature of nothing":    "no such key: Signature of nothing",
	"the signature, a credential or token": "the signature, a credential or token",

	"Authorization: AWS4-HMAC-SHA256 Credential=A/b, Signature=0f, x": "Authorization: AWS4-HMAC-SHA256 [removed], Signature=[removed], x",
	"Authorization: AWS A:b= x":                                       "Authorization: AWS [removed] x",
	"Proxy-Authorization: Basic YTpi x":                               "Proxy-Authorization: Basic [removed] x",
	"/k?X-Amz-Credential=A%2Fb&X-Amz-Signature=0f&x=y":                "/k?X-Amz-Credential=[removed]&X-Amz-Signature=[removed]&x=y",
	"x-amz-security-token:abc==\nHost: h":                             "x-amz-security-token:[removed]\nHost: h",
	"x-amz-s3session-token: abc== rest":                               "x-amz-s3session-token: [removed] rest",
	"X-Amz-Security-Token:\nX-Amz-S3session-Token: abc":               "X-Amz-Security-Token:\nX-Amz-S3session-Token: [removed]",
	"Signature=0f, then Signature=1e":                                 "Signature=[removed], then Signature=[removed]",
	"X-Amz-Server-Side-Encryption-Customer-Key: a+b= rest":            "X-Amz-Server-Side-Encryption-Customer-Key: [removed] rest",

	`{"X-Amz-Security-Token":"abc==","Host":"h"}`:         `{"X-Amz-Security-Token":"[removed]","Host":"h"}`,
	`{'x-amz-s3session-token' : 'abc=='}`:                 `{'x-amz-s3session-token' : '[removed]'}`,
	`{\"X-Amz-Security-Token\":\"a\/b==\",\"Host\":\"h\"`: `{\"X-Amz-Security-Token\":\"[removed]",\"Host\":\"h\"`,
	`{"Authorization":"AWS4-HMAC-SHA256 Credential=A/b"}`: `{"Authorization":"AWS4-HMAC-SHA256 [removed]"}`,
	`{"X-Amz-Security-Token": [ "abc==" ]}`:               `{"X-Amz-Security-Token": [ "[removed]" ]}`,
	`{"X-Amz-Security-Token":[]string{"abc=="}}`:          `{"X-Amz-Security-Token":[]string{"[removed]"}}`,
	"map[X-Amz-Security-Token:[abc==] Host:[h]]":          "map[X-Amz-Security-Token:[removed] Host:[h]]",

	"url=%2Fk%3FX-Amz-Signature%3D0f%26x and":   "url=%2Fk%3FX-Amz-Signature%3D[removed] and",
	"X-Amz-Credential%3dA%2Fb&next=1":           "X-Amz-Credential%3d[removed]&next=1",
	"X-Amz-Security-Token%253Dabc%2526x in it":  "X-Amz-Security-Token%253D[removed] in it",
	"x-amz-s3session-token%3A%20abc%0Aand more": "x-amz-s3session-token%3A[removed] more",
}

// TestRedact leaves of a text what is no secret.
func TestRedact(t *testing.T) {
	for in, want := range redacted {
		if got := s3api.Redact(in); got != want {
			t.Errorf("redact %q: got %q, want %q", in, got, want)
		}
	}
}

// TestRedacted keeps the error behind the text.
func TestRedacted(t *testing.T) {
	cause := &fs.PathError{Op: "Signature=0f", Path: "p", Err: fs.ErrExist}
	err := s3api.Redacted(cause)
	var as *fs.PathError
	if got, want := err.Error(), "Signature=[removed] p: file already exists"; got != want || !errors.As(err, &as) || as != cause {
		t.Errorf("got %q around %v, want %q around the error itself", got, as, want)
	}
	if err := s3api.Redacted(nil); err != nil {
		t.Errorf("of no error: got %v", err)
	}
}

// FuzzRedact finds nothing left to remove in what it has redacted.
func FuzzRedact(f *testing.F) {
	for in := range redacted {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		once := s3api.Redact(in)
		if twice := s3api.Redact(once); twice != once {
			t.Errorf("redact %q: got %q, and then %q", in, once, twice)
		}
	})
}
