package checksum

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/haul-s3/haul/internal/s3api"
)

// strictBase64 refuses encodings whose unused bits are set, so that every value
// has exactly one text.
var strictBase64 = base64.StdEncoding.Strict()

// AppendCRC appends the raw big-endian bytes of a CRC's value to b and returns
// the longer slice. It appends nothing for the other algorithms.
func AppendCRC(b []byte, a Algorithm, sum uint64) []byte {
	switch a {
	case CRC32, CRC32C:
		return binary.BigEndian.AppendUint32(b, uint32(sum))
	case CRC64NVME:
		return binary.BigEndian.AppendUint64(b, sum)
	}
	return b
}

// FormatCRC returns a CRC's value in S3's base64, as a combined value needs it
// that no Hash holds. It is empty for the other algorithms.
func FormatCRC(a Algorithm, sum uint64) string {
	var raw [8]byte
	return base64.StdEncoding.EncodeToString(AppendCRC(raw[:0], a, sum))
}

// CRCValue returns the value of a CRC from its raw big-endian bytes, as
// ParseValue gives them; ok is false if raw is not as long as a CRC of a.
func CRCValue(a Algorithm, raw []byte) (sum uint64, ok bool) {
	if !a.Combinable() || len(raw) != a.Size() {
		return 0, false
	}
	for _, c := range raw {
		sum = sum<<8 | uint64(c)
	}
	return sum, true
}

// Composite returns the raw digest of the concatenated raw digests of the
// parts, in part order: S3's COMPOSITE checksum.
func Composite(a Algorithm, digests [][]byte) []byte {
	h := New(a)
	for _, d := range digests {
		h.Write(d)
	}
	return h.AppendSum(nil)
}

// FormatComposite returns S3's text of a composite value: base64, a hyphen and
// the number of parts.
func FormatComposite(raw []byte, parts int) string {
	return base64.StdEncoding.EncodeToString(raw) + "-" + strconv.Itoa(parts)
}

// ParseValue reads the text of a checksum header. It returns the raw bytes,
// which the caller owns, and the number of parts behind a composite value
// ("…-3"), 0 for the value of a whole object. The error names the algorithm and
// the text.
func ParseValue(a Algorithm, text string) (raw []byte, parts int, err error) {
	return parseValue(a, text, nil)
}

// CheckValue is ParseValue for those who don't need the bytes.
func CheckValue(a Algorithm, text string) (parts int, err error) {
	var room [sha256.Size + 4]byte
	_, parts, err = parseValue(a, text, room[:0])
	return parts, err
}

// parseValue is ParseValue into the memory of room, as far as that goes.
func parseValue(a Algorithm, text string, room []byte) (raw []byte, parts int, err error) {
	if a.Size() == 0 {
		return nil, 0, fmt.Errorf("checksum value %q: algorithm %s has no values", text, a)
	}
	encoded, suffix, composite := strings.Cut(text, "-")
	if composite {
		if parts, err = parseParts(suffix); err != nil {
			return nil, 0, fmt.Errorf("%s value %q: %w", a, text, err)
		}
	}
	// The decoder skips line breaks, which no header value has.
	if strings.ContainsAny(encoded, "\r\n") {
		return nil, 0, fmt.Errorf("%s value %q: line break in base64", a, text)
	}
	if raw, err = strictBase64.AppendDecode(room, []byte(encoded)); err != nil {
		return nil, 0, fmt.Errorf("%s value %q: %w", a, text, err)
	}
	if len(raw) != a.Size() {
		return nil, 0, fmt.Errorf("%s value %q: %d bytes, want %d", a, text, len(raw), a.Size())
	}
	return raw, parts, nil
}

// parseParts reads the number after the hyphen of a composite value.
func parseParts(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > s3api.MaxParts || strconv.Itoa(n) != s {
		return 0, fmt.Errorf("part count %q is not a number from 1 to %d", s, s3api.MaxParts)
	}
	return n, nil
}
