package s3fake

import (
	"net/http"
	"strings"
	"time"
)

// conditions are the headers that make a request conditional. Prefix tells those of a copy's source apart.
type conditions struct {
	match, noneMatch, since, unmodifiedSince string
}

func readConditions(h http.Header, prefix string) conditions {
	return conditions{match: h.Get(prefix + "If-Match"), noneMatch: h.Get(prefix + "If-None-Match"),
		since: h.Get(prefix + "If-Modified-Since"), unmodifiedSince: h.Get(prefix + "If-Unmodified-Since")}
}

// check judges the conditions of a read in the order of RFC 9110 §13.2.2: If-Match wins over If-Unmodified-Since, and
// If-None-Match over If-Modified-Since. notModified is the status of the last two, 304 or for a copy 412.
func (c conditions) check(o *object, notModified string) error {
	modified := o.modified.Truncate(time.Second)
	switch {
	case c.match != "":
		if !matches(c.match, o.etag) {
			return preconditionFailed("If-Match")
		}
	case c.unmodifiedSince != "":
		if t, err := http.ParseTime(c.unmodifiedSince); err == nil && modified.After(t) {
			return preconditionFailed("If-Unmodified-Since")
		}
	}
	unchanged := false
	if c.noneMatch != "" {
		unchanged = matches(c.noneMatch, o.etag)
	} else if t, err := http.ParseTime(c.since); err == nil {
		unchanged = !modified.After(t)
	}
	if !unchanged {
		return nil
	}
	return fail(notModified, "At least one of the pre-conditions you specified did not hold").
		with("ETag", o.etag).with("Last-Modified", httpTime(o.modified))
}

// matches reports whether a list of ETags, quoted or not, or "*", has this one.
func matches(list, etag string) bool {
	for _, item := range strings.Split(list, ",") {
		item = strings.TrimSpace(item)
		if item == "*" || strings.Trim(item, `"`) == strings.Trim(etag, `"`) {
			return true
		}
	}
	return false
}

func preconditionFailed(condition string) *apiError {
	return fail("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", "Condition", condition)
}

// checkWriteLocked judges If-None-Match and If-Match of a request that would write to a key.
func (s *Server) checkWriteLocked(bucket, key string, h http.Header) error {
	match, noneMatch := h.Get("If-Match"), h.Get("If-None-Match")
	if match == "" && noneMatch == "" {
		return nil
	}
	if noneMatch != "" && (noneMatch != "*" || match != "") {
		return fail("NotImplemented", "A header you provided implies functionality that is not implemented", "Header", "If-None-Match")
	}
	o, err := s.findLocked(bucket, key, "")
	switch {
	case noneMatch == "*" && err == nil:
		return preconditionFailed("If-None-Match")
	case match != "" && err != nil:
		return err
	case match != "" && !matches(match, o.etag):
		return preconditionFailed("If-Match")
	}
	return nil
}

// httpTime formats a time for a header.
func httpTime(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

// xmlTime formats a time for an XML document.
func xmlTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
