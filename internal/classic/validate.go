package classic

import (
	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
)

// choose decides what the parts are hashed with: the algorithm of the object's
// checksum, if that can be compared.
func (o *object) choose() {
	if _, why := o.comparable(); why != "" {
		return
	}
	o.algorithm, _ = anySum(o.first)
	if o.algorithm.Combinable() {
		o.combiner = checksum.NewCombiner(o.algorithm, max(o.cut.Count(), 1))
		if o.size == 0 {
			o.combiner.Add(0, 0, 0)
		}
	}
}

// comparable says which checksum the object has, and why it can't be compared
// with the bytes that come; "" if it can.
func (o *object) comparable() (sum driver.Checksum, why string) {
	sum.Algorithm, sum.Value = anySum(o.first)
	sum.Type = string(o.first.ChecksumType)
	_, parts, err := checksum.ParseValue(sum.Algorithm, sum.Value)
	if sum.Type == "" && sum.Value != "" {
		sum.Type = s3api.ChecksumFullObject
		if parts > 0 {
			sum.Type = s3api.ChecksumComposite
		}
	}
	switch {
	case sum.Value == "" && !o.t.job.Checksum.Validate:
		why = "validation was not asked for"
	case sum.Value == "":
		why = "the object has no checksum"
	case !o.whole():
		why = "only a part of the object was asked for"
	case sum.Type == s3api.ChecksumComposite || parts > 0:
		why = "the checksum is composite: it covers the parts that the object was uploaded in"
	case err != nil:
		why = err.Error()
	case !sum.Algorithm.Combinable() && o.cut.Count() > 1:
		why = "checksums of this algorithm can't be combined from parts"
	}
	return sum, why
}

// add notes the checksum of part i.
func (o *object) add(i int, hash *checksum.Hash) {
	switch {
	case o.combiner != nil:
		o.combiner.Add(i, hash.Sum64(), hash.Bytes())
	case o.algorithm != checksum.None:
		o.digest = hash
	}
}

// validate compares the bytes' checksum with the object's.
func (o *object) validate() (driver.Checksum, error) {
	sum, why := o.comparable()
	if why != "" {
		sum.How = why
		return sum, nil
	}
	var got string
	switch {
	case o.combiner != nil:
		crc, _ := o.combiner.Sum()
		got = checksum.FormatCRC(o.algorithm, crc)
	case o.digest != nil:
		got = o.digest.Base64()
	default:
		got = checksum.New(o.algorithm).Base64() // of no bytes
	}
	if got != sum.Value {
		return sum, &driver.ChecksumError{Algorithm: o.algorithm, Want: sum.Value, Got: got}
	}
	sum.Validated, sum.How = true, "compared with the checksum of the bytes received"
	if o.cut.Count() > 1 {
		sum.How = "compared with the combined checksums of the ranges received"
	}
	return sum, nil
}
