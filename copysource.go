package haul

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/haul-s3/haul/internal/s3api"
)

// copySource is what CopySource names.
type copySource struct {
	bucket    string // or an access point's ARN
	key       string // decoded
	versionID string
}

// parseCopySource reads the CopySource of a CopyObjectInput: "bucket/key",
// "/bucket/key" or "arn:…/object/key", each perhaps with "?versionId=id", and
// URL-encoded. Source: Amazon S3 API Reference, CopyObject,
// x-amz-copy-source.
func parseCopySource(s string) (c copySource, err error) {
	if s == "" {
		return c, errors.New("CopySource is missing")
	}
	name, version, _ := strings.Cut(s, "?versionId=")
	if name, err = url.PathUnescape(name); err != nil {
		return c, fmt.Errorf("CopySource %q: %w", s, err)
	}
	if c.versionID, err = url.QueryUnescape(version); err != nil {
		return c, fmt.Errorf("CopySource %q: %w", s, err)
	}
	name = strings.TrimPrefix(name, "/")
	if strings.HasPrefix(name, "arn:") {
		c.bucket, c.key, _ = strings.Cut(name, "/object/")
	} else {
		c.bucket, c.key, _ = strings.Cut(name, "/")
	}
	switch {
	case c.bucket == "":
		return c, fmt.Errorf("CopySource %q has no bucket", s)
	case c.key == "":
		return c, fmt.Errorf(`CopySource %q has no key: want "bucket/key" or "arn:…/object/key"`, s)
	case len(c.key) > s3api.MaxKeyBytes:
		return c, fmt.Errorf("CopySource: key has %d bytes: S3's maximum is %d", len(c.key), s3api.MaxKeyBytes)
	}
	return c, checkBucket(c.bucket)
}
