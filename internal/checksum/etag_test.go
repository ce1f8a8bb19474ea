package checksum_test

import (
	"strings"
	"testing"

	"github.com/haul-s3/haul/internal/checksum"
)

const emptyMD5 = "d41d8cd98f00b204e9800998ecf8427e" // of no bytes

// TestETagMD5 tells ETags that are MD5s from those that are none.
func TestETagMD5(t *testing.T) {
	for name, c := range map[string]struct {
		etag  checksum.ETag
		value string
		parts int
		why   string
	}{
		"plain":              {checksum.ETag{Text: `"` + emptyMD5 + `"`}, "1B2M2Y8AsgTpgAmY7PhCfg==", 0, ""},
		"without-quotes":     {checksum.ETag{Text: emptyMD5}, "1B2M2Y8AsgTpgAmY7PhCfg==", 0, ""},
		"of-parts":           {checksum.ETag{Text: `"` + emptyMD5 + `-12"`}, "1B2M2Y8AsgTpgAmY7PhCfg==-12", 12, ""},
		"key-of-s3":          {checksum.ETag{Text: emptyMD5, Encryption: "AES256"}, "1B2M2Y8AsgTpgAmY7PhCfg==", 0, ""},
		"none":               {checksum.ETag{}, "", 0, "no ETag"},
		"weak":               {checksum.ETag{Text: `W/"` + emptyMD5 + `"`}, "", 0, "weak"},
		"customers-key":      {checksum.ETag{Text: emptyMD5, CustomerKeyEncrypts: true}, "", 0, "customer's key"},
		"kms":                {checksum.ETag{Text: emptyMD5, Encryption: "aws:kms"}, "", 0, "aws:kms is no MD5"},
		"kms-twice":          {checksum.ETag{Text: emptyMD5, Encryption: "aws:kms:dsse"}, "", 0, "aws:kms:dsse is no MD5"},
		"directory-bucket":   {checksum.ETag{Text: emptyMD5, StorageClass: "EXPRESS_ONEZONE"}, "", 0, "directory bucket"},
		"too-short":          {checksum.ETag{Text: emptyMD5[:30]}, "", 0, "no MD5"},
		"no-hexadecimal":     {checksum.ETag{Text: strings.Replace(emptyMD5, "d", "g", 1)}, "", 0, "no MD5"},
		"of-no-parts":        {checksum.ETag{Text: emptyMD5 + "-0"}, "", 0, "no MD5"},
		"of-too-many-parts":  {checksum.ETag{Text: emptyMD5 + "-10001"}, "", 0, "no MD5"},
		"of-something-parts": {checksum.ETag{Text: emptyMD5 + "-a"}, "", 0, "no MD5"},
	} {
		t.Run(name, func(t *testing.T) {
			value, parts, why := c.etag.MD5()
			if value != c.value || parts != c.parts || (why == "") != (c.why == "") || !strings.Contains(why, c.why) {
				t.Errorf("got %q of %d parts, because %q; want %q of %d, because %q", value, parts, why, c.value, c.parts, c.why)
			}
		})
	}
}

// FuzzETag reads ETags as servers may write them: one that is taken for an MD5
// is a value of that algorithm.
func FuzzETag(f *testing.F) {
	f.Add(`"` + emptyMD5 + `"`)
	f.Add(`"` + emptyMD5 + `-3"`)
	f.Add(`W/"x"`)
	f.Fuzz(func(t *testing.T, text string) {
		value, parts, why := checksum.ETag{Text: text}.MD5()
		if why != "" {
			return
		}
		if _, n, err := checksum.ParseValue(checksum.MD5, value); err != nil || n != parts {
			t.Errorf("ETag %q: got %q of %d parts, which is no value: %v", text, value, parts, err)
		}
	})
}
