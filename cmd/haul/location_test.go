package main

import (
	"strings"
	"testing"
)

func TestParseLocation(t *testing.T) {
	const ap = "arn:aws:s3:us-west-2:123456789012:accesspoint/name"
	const mrap = "arn:aws:s3::123456789012:accesspoint:name.mrap"
	for _, tt := range []struct {
		arg  string
		want location
	}{
		{"-", location{kind: pipe}},
		{"a/b", location{path: "a/b"}},
		{"./-", location{path: "./-"}},
		{"s3://b", location{kind: remote, bucket: "b"}},
		{"s3://b/", location{kind: remote, bucket: "b"}},
		{"s3://b/a/b", location{kind: remote, bucket: "b", key: "a/b"}},
		{"s3://b//a%20 ?#", location{kind: remote, bucket: "b", key: "/a%20 ?#"}},
		{"s3://" + ap + "/a/b", location{kind: remote, bucket: ap, key: "a/b"}},
		{"s3://" + ap, location{kind: remote, bucket: ap}},
		{"s3://" + mrap + "/a", location{kind: remote, bucket: mrap, key: "a"}},
	} {
		if got, err := parseLocation(tt.arg); err != nil || got != tt.want {
			t.Errorf("%q: got %+v, %v, want %+v", tt.arg, got, err, tt.want)
		}
	}
	for _, arg := range []string{"", "s3://", "s3:///key"} {
		if got, err := parseLocation(arg); err == nil {
			t.Errorf("%q: got %+v, want an error", arg, got)
		}
	}
}

// FuzzParseLocation holds that an object is written as it is read.
func FuzzParseLocation(f *testing.F) {
	for _, seed := range []string{"-", "a", "s3://b/k", "s3://b//", "s3://arn:aws:s3:r:1:accesspoint/n/k", "S3://b/k", "s3:/b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		l, err := parseLocation(arg)
		if err != nil || l.kind != remote {
			return
		}
		if strings.Contains(l.bucket, "arn:") {
			return // its separators may differ
		}
		if again, err := parseLocation(l.String()); err != nil || again != l {
			t.Errorf("%q: got %+v, %v when read again, want %+v", arg, again, err, l)
		}
	})
}

func TestPathStyle(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"": false, "http://localhost:9000": true, "http://127.0.0.1": true, "https://[::1]:9000": true,
		"https://s3.example.com": false, "https://10.example.com": false, "https://minio:9000": false,
	} {
		if got := hasNoSubdomains(endpoint); got != want {
			t.Errorf("path style at %q: got %v, want %v", endpoint, got, want)
		}
	}
}
