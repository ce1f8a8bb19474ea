package managertest

import (
	"errors"
	"io"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/haul-s3/haul/internal/testbody"
)

func ptr[T any](v T) *T { return &v }

// copySource is the SDK's form of a copy's source.
func copySource(bucket, key string) string {
	return bucket + "/" + strings.ReplaceAll(url.QueryEscape(key), "+", "%20")
}

func isNoSuchKey(err error) bool {
	var e *types.NoSuchKey
	return errors.As(err, &e)
}

// apiCode is the code of S3's error that is in err, or empty.
func apiCode(err error) string {
	var e smithy.APIError
	if !errors.As(err, &e) {
		return ""
	}
	return e.ErrorCode()
}

// newPattern reads the suite's pattern once, in order.
func newPattern(size int64) io.Reader { return io.LimitReader(testbody.NewReader(seed, size), size) }
