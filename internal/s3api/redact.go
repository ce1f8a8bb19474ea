package s3api

import "regexp"

// secretFields are the fields of a signed request, as headers and as a presigned
// query, that nobody who reads a log shall have. A store that repeats in its
// error what it was sent would put them there: as it came, as JSON, or with its
// query encoded once more. An empty value doesn't reach into the next line, where
// another field may begin.
var secretFields = regexp.MustCompile(`(?i)(` +
	`(?:` +
	`authorization` + assigned + `(?:(?:aws4-[a-z0-9-]+|aws|basic|bearer)[ \t]+)?|` +
	`(?:credential|signature|x-amz-(?:security|s3session)-token|customer-key)` + assigned +
	`)` + `)[^\s,;&<>"']+`)

// assigned is what may stand between a field's name and its value: quotes of the
// name, the sign, and the beginning of a string or of a list of strings.
const assigned = `\\*["']?[ \t]*(?:[=:]|%(?:25)*3[ad])[ \t]*(?:(?:\[(?:\]string\{)?\s*)?\\*["'])?`

// Redact takes secrets out of a text.
func Redact(text string) string { return secretFields.ReplaceAllString(text, "${1}[removed]") }

// Redacted is an error that says what err says without secrets, and wraps it. It
// is nil if err is.
func Redacted(err error) error {
	if err == nil {
		return nil
	}
	return &redactedError{err}
}

type redactedError struct{ err error }

func (e *redactedError) Error() string { return Redact(e.err.Error()) }

func (e *redactedError) Unwrap() error { return e.err }
