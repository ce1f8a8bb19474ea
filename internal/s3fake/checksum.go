package s3fake

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"net/http"
	"strings"

	"github.com/minio/crc64nvme"
)

// The checksums are computed here and not by the library's own room, so that a fault in that one can't hide.

// Algorithm is a checksum algorithm as S3 spells it in headers' values: "CRC64NVME".
type Algorithm string

// The algorithms that the fake knows.
const (
	CRC32     Algorithm = "CRC32"
	CRC32C    Algorithm = "CRC32C"
	CRC64NVME Algorithm = "CRC64NVME"
	SHA1      Algorithm = "SHA1"
	SHA256    Algorithm = "SHA256"
)

// The two checksum types of a multipart object.
const (
	FullObject = "FULL_OBJECT"
	Composite  = "COMPOSITE"
)

var algorithms = []Algorithm{CRC32, CRC32C, CRC64NVME, SHA1, SHA256}

// Checksum is an object's or a part's checksum. Value is base64, for a COMPOSITE object with "-N" behind it; empty
// where there is none.
type Checksum struct {
	Algorithm Algorithm
	Type      string // FullObject or Composite
	Value     string
}

// parseAlgorithm finds the algorithm called name, in any case of letters.
func parseAlgorithm(name string) (Algorithm, bool) {
	for _, a := range algorithms {
		if strings.EqualFold(string(a), name) {
			return a, true
		}
	}
	return "", false
}

// header is the canonical name of the header which carries a value of a.
func (a Algorithm) header() string {
	return http.CanonicalHeaderKey("x-amz-checksum-" + strings.ToLower(string(a)))
}

func (a Algorithm) new() hash.Hash {
	switch a {
	case CRC32:
		return crc32.NewIEEE()
	case CRC32C:
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case SHA1:
		return sha1.New()
	case SHA256:
		return sha256.New()
	}
	return crc64nvme.New()
}

// allows reports whether S3 lets a multipart upload use a with that checksum type.
func (a Algorithm) allows(checksumType string) bool {
	switch a {
	case SHA1, SHA256:
		return checksumType == Composite
	case CRC64NVME:
		return checksumType == FullObject
	}
	return checksumType == FullObject || checksumType == Composite
}

// multipartType is the type a multipart upload gets when it names only the algorithm.
func (a Algorithm) multipartType() string {
	if a == CRC64NVME {
		return FullObject
	}
	return Composite
}

func encode(sum []byte) string { return base64.StdEncoding.EncodeToString(sum) }

// decode returns the raw sum of a base64 value, if it is one of a's length.
func (a Algorithm) decode(value string) ([]byte, bool) {
	sum, err := base64.StdEncoding.Strict().DecodeString(value)
	return sum, err == nil && len(sum) == a.new().Size()
}

// combine returns the sum of a body from those of its two halves, of which the second has n bytes. Only CRCs combine.
func (a Algorithm) combine(first, second []byte, n int64) []byte {
	switch a {
	case CRC32, CRC32C:
		poly := uint64(crc32.IEEE)
		if a == CRC32C {
			poly = crc32.Castagnoli
		}
		x := shift(uint64(binary.BigEndian.Uint32(first)), n, poly, 1<<31)
		return binary.BigEndian.AppendUint32(nil, uint32(x)^binary.BigEndian.Uint32(second))
	case CRC64NVME:
		const poly = 0x9A6C9329AC4BC9B5 // reflected
		x := shift(binary.BigEndian.Uint64(first), n, poly, 1<<63)
		return binary.BigEndian.AppendUint64(nil, x^binary.BigEndian.Uint64(second))
	}
	panic("s3fake: " + string(a) + " does not combine")
}

// shift multiplies crc by x^(8n) modulo the reflected polynomial, that is: appends n zero bytes to what crc stands
// for. top is the bit of x^0.
func shift(crc uint64, n int64, poly, top uint64) uint64 {
	for power := top >> 8; n > 0; n >>= 1 {
		if n&1 == 1 {
			crc = multiply(crc, power, poly, top)
		}
		power = multiply(power, power, poly, top)
	}
	return crc
}

func multiply(a, b, poly, top uint64) (product uint64) {
	for ; a != 0; a = a << 1 & (top<<1 - 1) {
		if a&top != 0 {
			product ^= b
		}
		if b&1 == 1 {
			b = b>>1 ^ poly
		} else {
			b >>= 1
		}
	}
	return product
}

// checksumHeader finds the one x-amz-checksum-<algorithm> header of h. None is no error: then the value is empty.
func checksumHeader(h http.Header) (a Algorithm, value string, err error) {
	for name, values := range h {
		suffix, ok := strings.CutPrefix(name, "X-Amz-Checksum-")
		if !ok || suffix == "Mode" || suffix == "Algorithm" || suffix == "Type" {
			continue
		}
		found, known := parseAlgorithm(suffix)
		if !known {
			return "", "", fail("InvalidRequest", "The algorithm type you specified in x-amz-checksum- header is invalid.")
		}
		if value != "" || len(values) != 1 {
			return "", "", fail("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		a, value = found, values[0]
		if value == "" {
			return "", "", invalidChecksum(a)
		}
	}
	return a, value, nil
}

func invalidChecksum(a Algorithm) error {
	return fail("InvalidRequest", "Value for "+strings.ToLower(a.header())+" header is invalid.")
}

func badDigest(a Algorithm) error {
	return fail("BadDigest", "The "+string(a)+" you specified did not match the calculated checksum.")
}

// checksumXML holds a checksum's elements in the answers and requests which have one.
type checksumXML struct {
	ChecksumCRC32     string `xml:",omitempty"`
	ChecksumCRC32C    string `xml:",omitempty"`
	ChecksumCRC64NVME string `xml:",omitempty"`
	ChecksumSHA1      string `xml:",omitempty"`
	ChecksumSHA256    string `xml:",omitempty"`
}

func (x *checksumXML) field(a Algorithm) *string {
	switch a {
	case CRC32:
		return &x.ChecksumCRC32
	case CRC32C:
		return &x.ChecksumCRC32C
	case SHA1:
		return &x.ChecksumSHA1
	case SHA256:
		return &x.ChecksumSHA256
	}
	return &x.ChecksumCRC64NVME
}

// xml returns the elements for c, empty ones if there is no checksum.
func (c Checksum) xml() (x checksumXML) {
	if c.Value != "" {
		*x.field(c.Algorithm) = c.Value
	}
	return x
}

// set puts the checksum's two headers on an answer.
func (c Checksum) set(h http.Header) {
	if c.Value != "" {
		h.Set(c.Algorithm.header(), c.Value)
		h.Set("X-Amz-Checksum-Type", c.Type)
	}
}
