package s3fake

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	metadataBytesMax = 2 << 10 // of user metadata: names without prefix, and values
	tagsMax          = 10
)

// systemHeaders are kept with an object and given back as they came.
var systemHeaders = []string{"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language",
	"Content-Type", "Expires"}

// attributeHeaders are kept with an object and given back, and are never copied from another object.
var attributeHeaders = []string{"X-Amz-Storage-Class", "X-Amz-Website-Redirect-Location",
	"X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id",
	"X-Amz-Server-Side-Encryption-Bucket-Key-Enabled", "X-Amz-Server-Side-Encryption-Context",
	"X-Amz-Object-Lock-Mode", "X-Amz-Object-Lock-Retain-Until-Date", "X-Amz-Object-Lock-Legal-Hold"}

// notedHeaders are kept for tests to look at and given back by no answer.
var notedHeaders = []string{"X-Amz-Acl", "X-Amz-Grant-Full-Control", "X-Amz-Grant-Read", "X-Amz-Grant-Read-Acp",
	"X-Amz-Grant-Write-Acp", "X-Amz-Request-Payer"}

var storageClasses = []string{"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING",
	"GLACIER", "DEEP_ARCHIVE", "OUTPOSTS", "GLACIER_IR", "SNOW", "EXPRESS_ONEZONE"}

const metaPrefix = "X-Amz-Meta-"

// metadataOf picks what describes the content: system headers and user metadata.
func metadataOf(h http.Header) (http.Header, error) {
	out := http.Header{}
	for _, name := range systemHeaders {
		if v := h.Get(name); v != "" {
			out.Set(name, v)
		}
	}
	if left := withoutAWSChunked(out.Get("Content-Encoding")); left != "" {
		out.Set("Content-Encoding", left)
	} else {
		out.Del("Content-Encoding")
	}
	if out.Get("Content-Type") == "" {
		out.Set("Content-Type", "binary/octet-stream")
	}
	total := 0
	for name, values := range h {
		if short, ok := strings.CutPrefix(name, metaPrefix); ok {
			out[name] = []string{strings.Join(values, ",")}
			total += len(short) + len(out[name][0])
		}
	}
	if total > metadataBytesMax {
		return nil, fail("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size",
			"Size", strconv.Itoa(total), "MaxSizeAllowed", strconv.Itoa(metadataBytesMax))
	}
	return out, nil
}

func withoutAWSChunked(encodings string) string {
	list := slices.DeleteFunc(strings.Split(encodings, ","), func(e string) bool {
		return strings.EqualFold(strings.TrimSpace(e), "aws-chunked")
	})
	return strings.TrimSpace(strings.Join(list, ","))
}

// attributesOf picks what a request says of how the object is stored, and checks it.
func attributesOf(h http.Header) (http.Header, error) {
	out := http.Header{}
	for _, name := range attributeHeaders {
		if v := h.Get(name); v != "" {
			out.Set(name, v)
		}
	}
	switch class := out.Get("X-Amz-Storage-Class"); {
	case class == "STANDARD":
		out.Del("X-Amz-Storage-Class")
	case class != "" && !slices.Contains(storageClasses, class):
		return nil, fail("InvalidStorageClass", "The storage class you specified is not valid", "StorageClassRequested", class)
	}
	switch v := out.Get("X-Amz-Server-Side-Encryption"); v {
	case "", "AES256", "aws:kms", "aws:kms:dsse":
	default:
		return nil, fail("InvalidArgument", "The encryption method specified is not supported",
			"ArgumentName", "x-amz-server-side-encryption", "ArgumentValue", v)
	}
	if until := out.Get("X-Amz-Object-Lock-Retain-Until-Date"); (until != "") != (out.Get("X-Amz-Object-Lock-Mode") != "") {
		return nil, fail("InvalidArgument", "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied")
	} else if _, err := time.Parse(time.RFC3339, until); until != "" && err != nil {
		return nil, fail("InvalidArgument", "The retain until date must be provided in ISO 8601 format")
	}
	return out, nil
}

func notedOf(h http.Header) http.Header {
	out := http.Header{}
	for _, name := range notedHeaders {
		if v := h.Get(name); v != "" {
			out.Set(name, v)
		}
	}
	return out
}

// setHeaders copies from one header set to another.
func setHeaders(to, from http.Header) {
	for name, values := range from {
		to[name] = slices.Clone(values)
	}
}

// setEncryption puts the server-side encryption headers of attributes on an answer that has no other attributes.
func setEncryption(to, attributes http.Header) {
	for name, values := range attributes {
		if strings.HasPrefix(name, "X-Amz-Server-Side-Encryption") {
			to[name] = slices.Clone(values)
		}
	}
}

// Tag is one tag of an object.
type Tag struct{ Key, Value string }

// parseTagging reads an x-amz-tagging header, a query string.
func parseTagging(header string) ([]Tag, error) {
	if header == "" {
		return nil, nil
	}
	var tags []Tag
	for _, pair := range strings.Split(header, "&") {
		key, value, _ := strings.Cut(pair, "=")
		k, err := url.QueryUnescape(key)
		v, err2 := url.QueryUnescape(value)
		if err != nil || err2 != nil || k == "" {
			return nil, fail("InvalidArgument", "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
		}
		tags = append(tags, Tag{k, v})
	}
	return tags, checkTags(tags)
}

func checkTags(tags []Tag) error {
	if len(tags) > tagsMax {
		return fail("BadRequest", "Object tags cannot be greater than 10")
	}
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case seen[t.Key]:
			return fail("InvalidTag", "Cannot provide multiple Tags with the same key", "TagKey", t.Key)
		case t.Key == "" || utf8.RuneCountInString(t.Key) > 128:
			return fail("InvalidTag", "The TagKey you have provided is invalid", "TagKey", t.Key)
		case utf8.RuneCountInString(t.Value) > 256:
			return fail("InvalidTag", "The TagValue you have provided is invalid", "TagValue", t.Value)
		}
		seen[t.Key] = true
	}
	return nil
}
