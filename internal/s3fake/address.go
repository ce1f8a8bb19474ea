package s3fake

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// keyBytesMax is the longest key. Source: Amazon S3 User Guide, "Naming Amazon S3 objects".
const keyBytesMax = 1024

// address is what a request line and Host name.
type address struct {
	path   string // raw
	bucket string
	key    string // decoded once
}

// parseAddress finds bucket and key. The raw path is decoded exactly once and nothing in it is cleaned or folded.
func parseAddress(r *http.Request, domain string) (address, error) {
	path := r.RequestURI
	if strings.HasPrefix(path, "/") {
		path, _, _ = strings.Cut(path, "?")
	} else {
		path = r.URL.EscapedPath() // the absolute form, as sent to a proxy
	}
	a := address{path: path}
	bucket, rest := "", strings.TrimPrefix(path, "/")
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if prefix, ok := strings.CutSuffix(host, "."+domain); ok && domain != "" {
		bucket = prefix
	} else {
		bucket, rest, _ = strings.Cut(rest, "/")
	}
	var err, keyErr error
	a.bucket, err = url.PathUnescape(bucket)
	a.key, keyErr = url.PathUnescape(rest)
	if err != nil || keyErr != nil {
		return a, fail("InvalidURI", "Couldn't parse the specified URI.")
	}
	return a, checkKey(a.key)
}

func checkKey(key string) error {
	if len(key) > keyBytesMax {
		return fail("KeyTooLongError", "Your key is too long")
	}
	return nil
}

// copySource is what x-amz-copy-source names.
type copySource struct {
	bucket, key, version string
}

// parseCopySource reads the header's value: [/]bucket/key[?versionId=id], percent-encoded.
func parseCopySource(value string) (copySource, error) {
	invalid := fail("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
		"ArgumentName", "x-amz-copy-source", "ArgumentValue", value)
	path, query, hasQuery := strings.Cut(value, "?")
	var src copySource
	if hasQuery {
		version, ok := strings.CutPrefix(query, "versionId=")
		if !ok || version == "" {
			return src, invalid
		}
		src.version = version
	}
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return src, invalid
	}
	src.bucket, src.key, _ = strings.Cut(strings.TrimPrefix(decoded, "/"), "/")
	if src.bucket == "" || src.key == "" {
		return src, invalid
	}
	return src, nil
}

// SplitAddress finds the bucket and the key that a request names, as the server does with that Options.Domain.
func SplitAddress(r *http.Request, domain string) (bucket, key string, err error) {
	a, err := parseAddress(r, domain)
	return a.bucket, a.key, err
}
