package engine

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/haul-s3/haul/internal/s3api"
)

// metadata returns the user's metadata of an answer, nil if there is none.
func metadata(h http.Header) map[string]string {
	var m map[string]string
	for name, values := range h {
		if key, ok := strings.CutPrefix(name, s3api.HeaderMetaPrefix); ok && len(values) > 0 {
			if m == nil {
				m = map[string]string{}
			}
			m[strings.ToLower(key)] = values[0] // as the SDK does
		}
	}
	return m
}

// parseTime reads an HTTP date.
func parseTime(s string) (time.Time, error) { return http.ParseTime(s) }

// parseISOTime reads the time of an XML answer.
func parseISOTime(s string) (time.Time, error) { return time.Parse(time.RFC3339, s) }

// setQuery returns a query with some parameters set, strictly encoded and
// sorted, as a signature wants it.
func setQuery(raw string, pairs ...string) string {
	q, err := url.ParseQuery(raw)
	if err != nil {
		q = url.Values{}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return strings.ReplaceAll(q.Encode(), "+", "%20")
}

// strongETag is an ETag that If-Match may carry: a weak one never matches (RFC
// 9110, section 13.1.1).
func strongETag(etag string) string {
	if strings.HasPrefix(etag, "W/") {
		return ""
	}
	return etag
}
