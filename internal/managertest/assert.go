package managertest

import (
	"errors"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
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
