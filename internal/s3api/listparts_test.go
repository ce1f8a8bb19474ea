package s3api_test

import (
	"testing"

	"github.com/haul-s3/haul/internal/s3api"
)

// FuzzParseListParts holds that what isn't a list is an error, and that a list
// never makes more of the answer than it has bytes.
func FuzzParseListParts(f *testing.F) {
	seed(f)
	f.Add([]byte(`<ListPartsResult><Part><PartNumber>1</PartNumber><ETag>"e"</ETag><Size>5</Size></Part><IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker></ListPartsResult>`))
	f.Add([]byte(`<ListPartsResult><Part><Size>99999999999999999999</Size></Part></ListPartsResult>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := s3api.ParseListParts(b)
		if err == nil && l.XMLName.Local != "ListPartsResult" {
			t.Errorf("%q: got a list of %d parts, want an error", b, len(l.Parts))
		}
		if len(l.Parts) > len(b)/len("<Part/>") {
			t.Errorf("%d bytes: got %d parts", len(b), len(l.Parts))
		}
	})
}
