package s3api

import "regexp"

// secretFields are the fields of a signed request, as headers and as a presigned
// query, that nobody who reads a log shall have. A store that repeats in its
// error what it was sent would put them there.
var secretFields = regexp.MustCompile(`(?i)(` +
	`authorization[=:]\s*(?:aws4-[a-z0-9-]+\s*)?|` +
	`credential[=:]\s*|` +
	`signature[=:]\s*|` +
	`x-amz-security-token[=:]\s*|` +
	`customer-key[=:]\s*` +
	`)[^\s,;&<>"']+`)

// Redact takes secrets out of a text.
func Redact(text string) string { return secretFields.ReplaceAllString(text, "${1}[removed]") }
