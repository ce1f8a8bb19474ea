package h1

import (
	"net/textproto"
	"strings"
)

// names has the field names of S3's answers, as servers write them and as
// http.Header wants them, so that they cost no allocation.
var names = func() map[string]string {
	table := map[string]string{}
	for _, name := range []string{
		"Accept-Ranges", "Cache-Control", "Connection", "Content-Disposition", "Content-Encoding", "Content-Language",
		"Content-Length", "Content-Range", "Content-Type", "Date", "ETag", "Expires", "Keep-Alive", "Last-Modified",
		"Location", "Retry-After", "Server", "Transfer-Encoding", "Vary",
		"x-amz-abort-date", "x-amz-abort-rule-id", "x-amz-bucket-region", "x-amz-checksum-crc32", "x-amz-checksum-crc32c",
		"x-amz-checksum-crc64nvme", "x-amz-checksum-sha1", "x-amz-checksum-sha256", "x-amz-checksum-type", "x-amz-delete-marker",
		"x-amz-expiration", "x-amz-id-2", "x-amz-missing-meta", "x-amz-mp-parts-count", "x-amz-object-lock-mode",
		"x-amz-object-size", "x-amz-replication-status", "x-amz-request-charged", "x-amz-request-id", "x-amz-restore",
		"x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id",
		"x-amz-server-side-encryption-bucket-key-enabled", "x-amz-server-side-encryption-customer-algorithm",
		"x-amz-server-side-encryption-customer-key-MD5", "x-amz-storage-class", "x-amz-tagging-count", "x-amz-version-id",
	} {
		key := textproto.CanonicalMIMEHeaderKey(name)
		table[name], table[strings.ToLower(name)], table[key] = key, key, key
	}
	return table
}()

// canonical returns a field name as http.Header has it.
func canonical(name string) string {
	if key, ok := names[name]; ok {
		return key
	}
	return textproto.CanonicalMIMEHeaderKey(name)
}
