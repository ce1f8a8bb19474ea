package classic

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/internal/plan"
	"github.com/haul-s3/haul/internal/s3api"
)

// A composite checksum is the digest of the digests of the parts in which the
// object was uploaded. To compare it, the download is cut as the upload was. All
// parts but the last are usually of one size, so the first one tells it.

const unequalParts = "the checksum is composite and the object's parts are not of one size"

// align reads the object's checksum, and cuts the download at the stored parts
// if it is composite.
func (o *object) align(ctx context.Context) {
	sum, parts, err := o.stored()
	o.sum = sum
	switch {
	case err != nil:
		o.unaligned = err.Error()
	case sum.Type != s3api.ChecksumComposite || !o.whole():
	case parts == 0 || o.size <= 0:
		o.unaligned = "the checksum is composite and doesn't tell of how many parts"
	default:
		o.unaligned = o.cutAt(ctx, int64(parts))
	}
}

// cutAt cuts the download into so many parts, as large as the first one is. It
// returns why that can't be done, or "".
func (o *object) cutAt(ctx context.Context, parts int64) (why string) {
	size := o.size
	if parts > 1 {
		var err error
		if size, err = o.partSize(ctx, 1); err != nil {
			return "the checksum is composite and the size of its parts is unknown: " + err.Error()
		}
	}
	if size <= 0 || (parts-1)*size >= o.size || o.size > parts*size {
		return unequalParts
	}
	o.cut = plan.Uniform{Size: o.size, PartSize: size}
	return ""
}

// partSize asks for the size of a stored part, from 1.
func (o *object) partSize(ctx context.Context, number int) (int64, error) {
	in, err := input[s3.HeadObjectInput](o.t, s3api.HeadObject)
	if err != nil {
		return 0, err
	}
	in.PartNumber, in.Range = aws.Int32(int32(number)), nil
	if strong(o.etag) {
		in.IfMatch = &o.etag
	}
	if o.first.VersionId != nil {
		in.VersionId = o.first.VersionId
	}
	out, _, err := call(ctx, o.t, o.t.d.api.HeadObject, in, nil)
	if err == nil && out.ContentLength == nil {
		err = errors.New("the answer to HeadObject has no Content-Length")
	}
	if err != nil {
		return 0, err
	}
	return *out.ContentLength, nil
}

// evenParts makes sure, before bytes are called wrong, that the stored parts are
// of one size. What can't be asked counts as so.
func (o *object) evenParts(ctx context.Context) bool {
	for number := 2; number < o.cut.Count(); number++ {
		if size, err := o.partSize(ctx, number); err == nil && size != o.cut.PartSize {
			return false
		}
	}
	return true
}
