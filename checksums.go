package haul

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
)

// given is a checksum of the whole object that the caller provided.
type given struct {
	name      string // the algorithm's, as in the field: "CRC32"
	value     string // base64; empty: none was given
	algorithm checksum.Algorithm
}

// givenChecksum finds the value that an input gives, and what is wrong with it.
// haul can't compute every algorithm that S3 knows, but it can pass a value on.
func givenChecksum(in *s3.PutObjectInput) (g given, err error) {
	for _, f := range []struct {
		name  string
		value *string
	}{
		{"CRC32", in.ChecksumCRC32}, {"CRC32C", in.ChecksumCRC32C}, {"CRC64NVME", in.ChecksumCRC64NVME},
		{"SHA1", in.ChecksumSHA1}, {"SHA256", in.ChecksumSHA256}, {"MD5", in.ChecksumMD5},
		{"SHA512", in.ChecksumSHA512}, {"XXHASH64", in.ChecksumXXHASH64}, {"XXHASH3", in.ChecksumXXHASH3},
		{"XXHASH128", in.ChecksumXXHASH128},
	} {
		if aws.ToString(f.value) == "" {
			continue
		}
		if g.value != "" {
			return g, fmt.Errorf("both Checksum%s and Checksum%s are set: S3 takes one of them", g.name, f.name)
		}
		g.name, g.value = f.name, *f.value
	}
	if g.value == "" {
		_, err = parseAlgorithm(in.ChecksumAlgorithm)
		return g, err
	}
	if a := string(in.ChecksumAlgorithm); a != "" && !strings.EqualFold(a, g.name) {
		return g, fmt.Errorf("ChecksumAlgorithm is %s, but Checksum%s is set", a, g.name)
	}
	if g.algorithm, err = checksum.Parse(g.name); err != nil {
		return g, nil // S3 knows it, haul passes it on
	}
	raw, parts, err := checksum.ParseValue(g.algorithm, g.value)
	if err == nil && (len(raw) == 0 || parts > 0) {
		err = errors.New("it isn't the checksum of a whole object")
	}
	if err != nil {
		err = fmt.Errorf("value of Checksum%s: %w", g.name, err)
	}
	return g, err
}

func parseAlgorithm(a types.ChecksumAlgorithm) (checksum.Algorithm, error) {
	algorithm, err := checksum.Parse(string(a))
	if err != nil {
		return algorithm, fmt.Errorf("ChecksumAlgorithm: %w", err)
	}
	return algorithm, nil
}

// uploadChecksum decides what an upload does about checksums: a given value
// says it, else the input's algorithm, else the Manager's, else the default.
func (m *Manager) uploadChecksum(in *s3.PutObjectInput) (p driver.ChecksumPlan, g given, err error) {
	p = driver.ChecksumPlan{Place: driver.Place(m.o.ChecksumPlace), SignPayload: m.o.SignPayload}
	if g, err = givenChecksum(in); err != nil {
		return p, g, err
	}
	if g.value != "" {
		p.Algorithm, p.Given, p.Chosen, p.Type = g.algorithm, g.value, true, s3api.ChecksumFullObject
		return p, g, nil
	}
	for _, choice := range []types.ChecksumAlgorithm{in.ChecksumAlgorithm, m.o.ChecksumAlgorithm} {
		if choice != "" && !p.Chosen {
			p.Chosen = true
			if p.Algorithm, err = parseAlgorithm(choice); err != nil {
				return p, g, err
			}
		}
	}
	if !p.Chosen && m.requestSum {
		p.Algorithm = checksum.CRC64NVME
	}
	if p.Algorithm != checksum.None {
		p.Type, err = checksumType(p.Algorithm, m.o.ChecksumType)
	}
	return p, g, err
}

// checksumType is the type of an algorithm's checksums for objects in parts.
// Source: Amazon S3 User Guide, "Checking object integrity in Amazon S3".
func checksumType(a checksum.Algorithm, wanted types.ChecksumType) (string, error) {
	usual := s3api.ChecksumComposite
	if a.Combinable() {
		usual = s3api.ChecksumFullObject
	}
	switch {
	case wanted == "", string(wanted) == usual:
		return usual, nil
	case wanted == types.ChecksumTypeComposite && a != checksum.CRC64NVME:
		return s3api.ChecksumComposite, nil
	case wanted != types.ChecksumTypeComposite && wanted != types.ChecksumTypeFullObject:
		return "", fmt.Errorf("Options.ChecksumType is %q: want FULL_OBJECT or COMPOSITE", wanted)
	}
	return "", fmt.Errorf("Options.ChecksumType is %s: S3 has only %s for %s", wanted, usual, a)
}

// downloadChecksum decides whether a download is validated.
func (m *Manager) downloadChecksum(in *s3.GetObjectInput, o *transferOptions) driver.ChecksumPlan {
	return driver.ChecksumPlan{
		Validate:     m.answerSum || in.ChecksumMode == types.ChecksumModeEnabled,
		ValidateETag: m.o.ValidateETag || o.validateETag,
	}
}
