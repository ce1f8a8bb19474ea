package classic

import (
	"errors"
	"reflect"
	"regexp"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/haul-s3/haul/internal/s3api"
)

// The SDK doesn't follow a bucket to the region where it is. A call that is
// told so is made once more, for that region, which is remembered.

// regions remembers in which region a bucket turned out to be.
type regions struct {
	mu    sync.Mutex
	known map[string]string // by bucket; guarded by mu
}

// regionsMax bounds what is remembered; past it everything is forgotten, which
// costs a redirect each.
const regionsMax = 10_000

func (r *regions) get(bucket string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known[bucket]
}

func (r *regions) set(bucket, region string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil || len(r.known) >= regionsMax {
		r.known = map[string]string{}
	}
	r.known[bucket] = region
}

// regionName is the form of a region's name. A server's word becomes part of a
// host name, so nothing else is taken.
var regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d+$`)

// expecting is how S3 names the right region where no header does.
var expecting = regexp.MustCompile(`expecting '([^']*)'`)

// regionOf is the region that an answer sends the caller to, or empty.
func regionOf(err error) string {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) || !verdict(err).Region {
		return ""
	}
	region := ""
	if answer.Response != nil {
		region = answer.Response.Header.Get(s3api.HeaderBucketRegion)
	}
	var api smithy.APIError
	if region == "" && errors.As(err, &api) {
		if m := expecting.FindStringSubmatch(api.ErrorMessage()); m != nil {
			region = m[1]
		}
	}
	if !regionName.MatchString(region) {
		return ""
	}
	return region
}

// bucketOf is the bucket that an SDK input names.
func bucketOf(in any) string {
	bucket, _ := reflect.ValueOf(in).Elem().FieldByName("Bucket").Interface().(*string)
	return aws.ToString(bucket)
}

// inRegion makes a call for another region than its client's.
func inRegion(region string) func(*s3.Options) {
	return func(o *s3.Options) { o.Region = region }
}

// located calls method where the bucket is known to be, and once more where it
// turns out to be. again is called in between.
func located[O any](t *transfer, bucket string, again func(), method func(...func(*s3.Options)) (O, error), options ...func(*s3.Options)) (O, error) {
	known := t.d.regions.get(bucket)
	options = slices.Concat(t.options, options)
	if known != "" {
		options = append(options, inRegion(known))
	}
	out, err := method(options...)
	region := regionOf(err)
	if region == "" || region == known {
		return out, err
	}
	t.d.regions.set(bucket, region)
	again()
	return method(append(options, inRegion(region))...)
}
