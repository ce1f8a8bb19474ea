package checksum

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
)

// ETag is what an answer tells that decides whether an object's ETag is an MD5.
type ETag struct {
	Text                string // as received
	Encryption          string // x-amz-server-side-encryption
	CustomerKeyEncrypts bool   // x-amz-server-side-encryption-customer-algorithm is there
	StorageClass        string // x-amz-storage-class
}

// MD5 returns the MD5 that the ETag is, as [ParseValue] reads it: that of the
// object's bytes, parts 0, or with "-N" that of the MD5s of its N parts. Where
// the ETag is none, why says so and value is empty. That an ETag looks like an
// MD5 proves nothing about stores other than S3.
//
// Source: Amazon S3 API Reference, "Object", ETag; Amazon S3 User Guide,
// "Differences for directory buckets".
func (e ETag) MD5() (value string, parts int, why string) {
	switch {
	case e.Text == "":
		return "", 0, "the store tells no ETag"
	case strings.HasPrefix(e.Text, "W/"):
		return "", 0, "the ETag is a weak one"
	case e.CustomerKeyEncrypts:
		return "", 0, "the ETag of an object that is encrypted with a customer's key is no MD5"
	case e.Encryption != "" && e.Encryption != "AES256":
		return "", 0, "the ETag of an object that is encrypted with " + e.Encryption + " is no MD5"
	case e.StorageClass == "EXPRESS_ONEZONE":
		return "", 0, "the ETag of an object in a directory bucket is no MD5"
	}
	digits, suffix, composite := strings.Cut(strings.Trim(e.Text, `"`), "-")
	raw, err := hex.DecodeString(digits)
	if err == nil && composite {
		parts, err = parseParts(suffix)
	}
	if err != nil || len(raw) != MD5.Size() {
		return "", 0, "the ETag is no MD5"
	}
	value = base64.StdEncoding.EncodeToString(raw)
	if composite {
		value += "-" + strconv.Itoa(parts)
	}
	return value, parts, ""
}
