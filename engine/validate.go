package engine

import (
	"net/http"

	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
)

// expectation is what the store says about a download's checksum, and what came
// of it.
type expectation struct {
	algorithm checksum.Algorithm // None: nothing is compared
	result    driver.Checksum
}

// preference is the order in which checksums are looked for, the cheap ones
// first.
var preference = []checksum.Algorithm{checksum.CRC64NVME, checksum.CRC32C, checksum.CRC32, checksum.SHA1, checksum.SHA256}

// expect decides from the first answer's head what will be compared.
func (d *download) expect(h http.Header) {
	for _, a := range preference {
		value := h.Get(a.Header())
		if value == "" {
			continue
		}
		kind := h.Get(s3api.HeaderChecksumType)
		_, parts, err := checksum.ParseValue(a, value)
		if kind == "" {
			kind = s3api.ChecksumFullObject
			if parts > 0 {
				kind = s3api.ChecksumComposite
			}
		}
		d.expected.result = driver.Checksum{Algorithm: a, Type: kind, Value: value}
		d.expected.result.How = d.whyNot(a, kind, err)
		if d.expected.result.How == "" {
			d.compareWith(a)
		}
		return
	}
	d.expected.result.How = "the store has no checksum of the object"
	if !d.job.Checksum.Validate {
		d.expected.result.How = "validation was not asked for"
	}
}

// whyNot says why a checksum can't be compared with what is downloaded, "" if
// it can.
func (d *download) whyNot(a checksum.Algorithm, kind string, parseErr error) string {
	switch {
	case !d.job.Checksum.Validate:
		return "validation was not asked for"
	case parseErr != nil:
		return "the store's value is not one: " + parseErr.Error()
	case kind == s3api.ChecksumComposite:
		return "the checksum is composite: it is of the stored parts' checksums, not of the object"
	case d.base != 0 || d.size != d.whole:
		return "only a part of the object was asked for"
	case !a.Combinable() && d.pieces > 1:
		return a.String() + " can't be combined from ranges"
	}
	return ""
}

func (d *download) compareWith(a checksum.Algorithm) {
	d.expected.algorithm = a
	if a.Combinable() {
		d.combiner = checksum.NewCombiner(a, d.pieces)
	} else {
		d.digest = checksum.New(a)
	}
}

// validate compares what arrived with what the store has.
func (d *download) validate() error {
	e := &d.expected
	if e.algorithm == checksum.None {
		return nil
	}
	got := ""
	if d.combiner != nil {
		sum, _ := d.combiner.Sum() // every piece has ended, or there would be an error
		got = checksum.FormatCRC(e.algorithm, sum)
		e.result.How = "compared with the pieces' checksums, combined"
	} else {
		got = d.digest.Base64()
		e.result.How = "compared with the checksum of the bytes"
	}
	if got != e.result.Value {
		return &driver.ChecksumError{Algorithm: e.algorithm, Want: e.result.Value, Got: got}
	}
	e.result.Validated = true
	return nil
}
