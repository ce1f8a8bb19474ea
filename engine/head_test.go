package engine_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/haul-s3/haul/engine"
)

// FuzzSetQuery holds that what a server gives as upload id is sent back as that,
// and as nothing else beside it.
func FuzzSetQuery(f *testing.F) {
	for _, id := range []string{"", "abc", "a b+c", "x&partNumber=2", "%2F", "ü", "=;#?", "a\x00b", "\xff"} {
		f.Add("partNumber=1&x-id=UploadPart", id)
	}
	f.Add("versionId=v&response-content-type=a%20b", "id")
	f.Fuzz(func(t *testing.T, raw, id string) {
		before, err := url.ParseQuery(raw)
		if err != nil {
			return // no template has such a query
		}
		got := engine.SetQuery(raw, "uploadId", id)
		after, err := url.ParseQuery(got)
		if err != nil || after.Get("uploadId") != id || strings.ContainsAny(got, " +#\r\n") {
			t.Fatalf("%q with %q: got %q (%v), want the id in it, encoded", raw, id, got, err)
		}
		before.Del("uploadId")
		after.Del("uploadId")
		if before.Encode() != after.Encode() {
			t.Errorf("%q with %q: got %q, want the other parameters as they were", raw, id, got)
		}
	})
}

// FuzzStrongETag holds that no weak ETag is asked for, and no other is changed.
func FuzzStrongETag(f *testing.F) {
	for _, etag := range []string{"", `"a"`, `W/"a"`, `w/"a"`, "W/", "a", `"a-3"`} {
		f.Add(etag)
	}
	f.Fuzz(func(t *testing.T, etag string) {
		want := etag
		if strings.HasPrefix(etag, "W/") {
			want = ""
		}
		if got := engine.StrongETag(etag); got != want {
			t.Errorf("%q: got %q, want %q", etag, got, want)
		}
	})
}
