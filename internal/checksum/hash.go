package checksum

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"

	"github.com/minio/crc64nvme"
)

// castagnoli is the CRC32C table; the standard library recognises it by its
// address and uses the processor's instruction.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Hash is a running checksum. It belongs to one part and one goroutine at a
// time. A CRC's state is two words in the Hash, so Write allocates nothing.
type Hash struct {
	algorithm Algorithm // immutable
	digest    hash.Hash // immutable; nil for None and the CRCs
	crc       uint64    // the running value of a CRC
	bytes     int64     // how much was written since New or Reset
}

// New returns a running checksum of a. It panics if a is not one of this
// package's algorithms: what users give goes through Parse first.
func New(a Algorithm) *Hash {
	h := &Hash{algorithm: a}
	switch a {
	case None, CRC32, CRC32C, CRC64NVME:
	case SHA1:
		h.digest = sha1.New()
	case SHA256:
		h.digest = sha256.New()
	case MD5:
		h.digest = md5.New()
	default:
		panic("checksum: unknown algorithm " + string(a))
	}
	return h
}

// Algorithm returns the algorithm given to New.
func (h *Hash) Algorithm() Algorithm { return h.algorithm }

// Write adds p to the checksum. It keeps nothing of p and never fails.
func (h *Hash) Write(p []byte) (int, error) {
	switch h.algorithm {
	case None:
	case CRC32:
		h.crc = uint64(crc32.Update(uint32(h.crc), crc32.IEEETable, p))
	case CRC32C:
		h.crc = uint64(crc32.Update(uint32(h.crc), castagnoli, p))
	case CRC64NVME:
		h.crc = crc64nvme.Update(h.crc, p)
	default:
		h.digest.Write(p)
	}
	h.bytes += int64(len(p))
	return len(p), nil
}

// Reset starts again, as if nothing had been written.
func (h *Hash) Reset() {
	h.crc, h.bytes = 0, 0
	if h.digest != nil {
		h.digest.Reset()
	}
}

// Bytes returns how many bytes were written since New or Reset.
func (h *Hash) Bytes() int64 { return h.bytes }

// Sum64 returns the value of a CRC so far, in the low bits; 0 for the
// algorithms that are not combinable.
func (h *Hash) Sum64() uint64 { return h.crc }

// AppendSum appends the raw value so far to b, big-endian as S3 sends it, and
// returns the longer slice. Writing may go on afterwards.
func (h *Hash) AppendSum(b []byte) []byte {
	if h.digest != nil {
		return h.digest.Sum(b)
	}
	return AppendCRC(b, h.algorithm, h.crc)
}

// Base64 returns the value so far as S3's headers carry it.
func (h *Hash) Base64() string {
	if h.digest == nil && h.algorithm != None {
		return FormatCRC(h.algorithm, h.crc)
	}
	var raw [sha256.Size]byte
	return base64.StdEncoding.EncodeToString(h.AppendSum(raw[:0]))
}
