package classic

import (
	"context"

	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
)

// choose decides what the parts are hashed with: the algorithm of the object's
// checksum, if that can be compared.
func (o *object) choose(ctx context.Context) {
	if o.align(ctx); o.unlike() != "" {
		o.chooseETag(ctx)
		return
	}
	switch o.algorithm = o.sum.Algorithm; {
	case o.sum.Type == s3api.ChecksumComposite:
		o.digests = make([][]byte, o.cut.Count())
	case o.algorithm.Combinable():
		o.combiner = checksum.NewCombiner(o.algorithm, max(o.cut.Count(), 1))
		if o.size == 0 {
			o.combiner.Add(0, 0, 0)
		}
	}
}

// stored reads the object's checksum from the first answer, and of how many
// parts it is if it is composite.
func (o *object) stored() (sum driver.Checksum, parts int, err error) {
	sum.Algorithm, sum.Value = anySum(o.first)
	sum.Type = string(o.first.ChecksumType)
	if sum.Value == "" {
		return sum, 0, nil
	}
	_, parts, err = checksum.ParseValue(sum.Algorithm, sum.Value)
	switch {
	case parts > 0:
		sum.Type = s3api.ChecksumComposite
	case sum.Type == "":
		sum.Type = s3api.ChecksumFullObject
	}
	return sum, parts, err
}

// unlike says why the object's checksum can't be compared with the bytes that
// come; "" if it can.
func (o *object) unlike() string {
	switch {
	case o.sum.Value == "" && !o.t.job.Checksum.Validate:
		return "validation was not asked for"
	case o.sum.Value == "":
		return "the object has no checksum"
	case !o.whole():
		return "only a part of the object was asked for"
	case o.unaligned != "":
		return o.unaligned
	case o.sum.Type == s3api.ChecksumFullObject && !o.sum.Algorithm.Combinable() && o.cut.Count() > 1:
		return "checksums of this algorithm can't be combined from ranges"
	}
	return ""
}

// add notes the checksum of part i. Each part is noted once, by its own lane.
func (o *object) add(i int, hash *checksum.Hash) {
	switch {
	case o.combiner != nil:
		o.combiner.Add(i, hash.Sum64(), hash.Bytes())
	case o.digests != nil:
		o.digests[i] = hash.AppendSum(nil)
	case o.algorithm != checksum.None:
		o.digest = hash
	}
}

// got is the checksum of the bytes received, in S3's form.
func (o *object) got() string {
	switch {
	case o.combiner != nil:
		crc, _ := o.combiner.Sum()
		return checksum.FormatCRC(o.algorithm, crc)
	case o.digests != nil:
		return checksum.FormatComposite(checksum.Composite(o.algorithm, o.digests), len(o.digests))
	case o.digest != nil:
		return o.digest.Base64()
	case o.byETag != nil && o.byETag.hash != nil:
		return o.byETag.hash.Base64()
	}
	return checksum.New(o.algorithm).Base64() // of no bytes
}

// validate compares the bytes' checksum with the object's.
func (o *object) validate(ctx context.Context) (driver.Checksum, error) {
	if err := o.readBack(ctx); err != nil {
		return o.sum, err
	}
	sum, unlike := o.sum, o.unlike()
	if o.byETag != nil {
		sum = o.byETag.sum
	} else if unlike != "" {
		sum.How = unlike + o.noETag
		return sum, nil
	}
	if got := o.got(); got != sum.Value {
		if o.digests != nil && !o.evenParts(ctx) {
			sum.How = unequalParts
			return sum, nil
		}
		return sum, &driver.ChecksumError{Algorithm: sum.Algorithm, Want: sum.Value, Got: got}
	}
	sum.Validated, sum.How = true, "compared with the checksum of the bytes received"
	switch {
	case o.byETag != nil:
		sum.How = "compared with the ETag, which is an MD5: " + unlike
	case o.digests != nil:
		sum.How = "compared with the digest of the digests of the stored parts"
	case o.cut.Count() > 1:
		sum.How = "compared with the combined checksums of the ranges received"
	}
	return sum, nil
}
