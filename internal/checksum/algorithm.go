// Package checksum computes the checksums that S3 knows: the CRCs that haul
// prefers because the values of parts can be combined into the value of the
// whole object, and the digests that some users must use.
//
// A running computation is a [Hash], owned by one part and one goroutine. The
// values of parts meet again in a [Combiner] (one CRC of the whole object, S3's
// FULL_OBJECT) or in [Composite] (a digest of the part digests, S3's
// COMPOSITE). [ParseValue] and the Format functions turn values into S3's
// base64 text and back.
//
// Source: Amazon S3 User Guide, "Checking object integrity in Amazon S3".
package checksum

import (
	"fmt"
	"strings"
)

// Algorithm names a checksum algorithm as S3's x-amz-checksum-algorithm header
// does. The zero value is [None].
type Algorithm string

// The algorithms that this package computes.
const (
	// None computes nothing; a Hash of it only counts bytes.
	None Algorithm = ""
	// CRC32 is the CRC of Ethernet and gzip, in hash/crc32 named IEEE.
	CRC32 Algorithm = "CRC32"
	// CRC32C is the CRC of iSCSI, in hash/crc32 named Castagnoli.
	CRC32C Algorithm = "CRC32C"
	// CRC64NVME is the 64-bit CRC of NVM Express, S3's own default.
	CRC64NVME Algorithm = "CRC64NVME"
	// SHA1 is SHA-1, for stores and policies that ask for it.
	SHA1 Algorithm = "SHA1"
	// SHA256 is SHA-256.
	SHA256 Algorithm = "SHA256"
	// MD5 is MD5, as in the Content-MD5 header and in plain ETags.
	MD5 Algorithm = "MD5"
)

// Algorithms returns all supported algorithms, without None, in the order in
// which error messages list them. The caller owns the slice.
func Algorithms() []Algorithm {
	return []Algorithm{CRC32, CRC32C, CRC64NVME, SHA1, SHA256, MD5}
}

// Parse returns the algorithm that s names, in upper or lower case. The empty
// string is None. The error names s and lists what is supported.
func Parse(s string) (Algorithm, error) {
	if s == "" {
		return None, nil
	}
	names := make([]string, 0, len(Algorithms()))
	for _, a := range Algorithms() {
		if strings.EqualFold(s, string(a)) {
			return a, nil
		}
		names = append(names, string(a))
	}
	return None, fmt.Errorf("unknown checksum algorithm %q: supported are %s", s, strings.Join(names, ", "))
}

// String returns S3's name of the algorithm, or "none".
func (a Algorithm) String() string {
	if a == None {
		return "none"
	}
	return string(a)
}

// Header returns the lower-case name of the header or trailer that carries the
// value, such as "x-amz-checksum-crc64nvme"; the empty string for None.
func (a Algorithm) Header() string {
	switch a {
	case CRC32:
		return "x-amz-checksum-crc32"
	case CRC32C:
		return "x-amz-checksum-crc32c"
	case CRC64NVME:
		return "x-amz-checksum-crc64nvme"
	case SHA1:
		return "x-amz-checksum-sha1"
	case SHA256:
		return "x-amz-checksum-sha256"
	case MD5:
		return "x-amz-checksum-md5"
	}
	return ""
}

// HeaderKey is Header as http.Header has it: X-Amz-Checksum-Crc64nvme.
func (a Algorithm) HeaderKey() string {
	switch a {
	case CRC32:
		return "X-Amz-Checksum-Crc32"
	case CRC32C:
		return "X-Amz-Checksum-Crc32c"
	case CRC64NVME:
		return "X-Amz-Checksum-Crc64nvme"
	case SHA1:
		return "X-Amz-Checksum-Sha1"
	case SHA256:
		return "X-Amz-Checksum-Sha256"
	case MD5:
		return "X-Amz-Checksum-Md5"
	}
	return ""
}

// Size returns the length of a raw value in bytes: 4 or 8 for the CRCs, 0 for
// None and for an unknown algorithm.
func (a Algorithm) Size() int {
	switch a {
	case CRC32, CRC32C:
		return 4
	case CRC64NVME:
		return 8
	case MD5:
		return 16
	case SHA1:
		return 20
	case SHA256:
		return 32
	}
	return 0
}

// Combinable reports whether the values of parts can be combined into the value
// of the whole without reading it again: true for the CRCs.
func (a Algorithm) Combinable() bool {
	return a == CRC32 || a == CRC32C || a == CRC64NVME
}
