package s3api_test

import (
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/haul-s3/haul/internal/s3api"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	head = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	ns   = ` xmlns="http://s3.amazonaws.com/doc/2006-03-01/"`

	noSuchKey   = head + `<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>k</Key><RequestId>R1</RequestId><HostId>H1</HostId></Error>`
	redirect    = head + `<Error><Code>PermanentRedirect</Code><Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint><Bucket>b</Bucket></Error>`
	wrongRegion = head + `<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>`
	// invalidPart has an ETag, though it is no result.
	invalidPart = head + `<Error><Code>InvalidPart</Code><UploadId>u</UploadId><PartNumber>1</PartNumber><ETag>1c8f</ETag></Error>`
	initiated   = head + `<InitiateMultipartUploadResult` + ns + `><Bucket>b</Bucket><Key>k</Key><UploadId>a&amp;b==</UploadId></InitiateMultipartUploadResult>`
	completed   = head + `<CompleteMultipartUploadResult` + ns + `><Location>http://h/b/k</Location><Bucket>b</Bucket><Key>k</Key><ETag>&quot;1c8f-2&quot;</ETag>` +
		`<ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME><ChecksumType>FULL_OBJECT</ChecksumType></CompleteMultipartUploadResult>`
	copied = head + "\n   \n  " + `<CopyObjectResult` + ns + `><LastModified>2025-01-02T03:04:05.000Z</LastModified><ETag>"1c8f"</ETag></CopyObjectResult>`
	tagged = head + `<Tagging` + ns + `><TagSet><Tag><Key>a</Key><Value>1 &lt; 2</Value></Tag><Tag><Key>b</Key><Value></Value></Tag></TagSet></Tagging>`

	html = `<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>`
)

func TestParseError(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want s3api.ErrorBody
		ok   bool
	}{
		"no-such-key": {noSuchKey, s3api.ErrorBody{Code: "NoSuchKey", Message: "The specified key does not exist.", RequestID: "R1", HostID: "H1"}, true},
		"endpoint":    {redirect, s3api.ErrorBody{Code: "PermanentRedirect", Endpoint: "b.s3.eu-west-1.amazonaws.com"}, true},
		"region":      {wrongRegion, s3api.ErrorBody{Code: "AuthorizationHeaderMalformed", Region: "eu-west-1"}, true},
		"namespace":   {`<Error` + ns + `><Code>C</Code></Error>`, s3api.ErrorBody{Code: "C"}, true},
		"white-space": {"  \n\t" + `<Error><Code>C</Code></Error>` + "\n", s3api.ErrorBody{Code: "C"}, true},
		"empty":       {"", s3api.ErrorBody{}, false},
		"html":        {html, s3api.ErrorBody{}, false},
		"json":        {`{"error": "no"}`, s3api.ErrorBody{}, false},
		"no-code":     {`<Error><Message>m</Message></Error>`, s3api.ErrorBody{}, false},
		"cut":         {noSuchKey[:len(noSuchKey)-3], s3api.ErrorBody{}, false},
		"a-result":    {completed, s3api.ErrorBody{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := s3api.ParseError([]byte(tc.body))
			if ok != tc.ok {
				t.Fatalf("got %v, want %v", ok, tc.ok)
			}
			if got.XMLName = (xml.Name{}); ok && got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestParseUploadID(t *testing.T) {
	for name, tc := range map[string]struct {
		body, want string // want "" is an error
	}{
		"s3":    {initiated, "a&b=="},
		"plain": {`<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>`, "u"},
		"no-id": {`<InitiateMultipartUploadResult><Key>k</Key></InitiateMultipartUploadResult>`, ""},
		"empty": {"", ""}, "html": {html, ""}, "error": {invalidPart, ""}, "cut": {initiated[:len(initiated)-3], ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := s3api.ParseUploadID([]byte(tc.body))
			if got != tc.want || (err == nil) != (tc.want != "") {
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}

func TestParseComplete(t *testing.T) {
	for name, tc := range map[string]struct {
		body, etag, kind, sum string
		ok                    bool
	}{
		"complete":  {completed, `"1c8f-2"`, "FULL_OBJECT", "rosUhgp5mIg=", true},
		"copy":      {copied, `"1c8f"`, "", "", true},
		"part-copy": {`<CopyPartResult><ETag>e</ETag><ChecksumCRC64NVME>s</ChecksumCRC64NVME></CopyPartResult>`, "e", "", "s", true},
		// What S3 sends where the operation fails after the status line went out.
		"error-with-200":      {head + "      " + strings.TrimPrefix(noSuchKey, head), "", "", "", false},
		"error-with-an-etag":  {invalidPart, "", "", "", false},
		"error-in-namespace":  {`<Error` + ns + `><Code>InvalidPart</Code><ETag>e</ETag></Error>`, "", "", "", false},
		"nothing":             {"", "", "", "", false},
		"white-space-alone":   {head + "   ", "", "", "", false},
		"html":                {html, "", "", "", false},
		"no-etag":             {`<CompleteMultipartUploadResult><Key>k</Key></CompleteMultipartUploadResult>`, "", "", "", false},
		"cut":                 {completed[:len(completed)-3], "", "", "", false},
		"cut-behind-the-etag": {completed[:strings.Index(completed, "</ETag>")+7], "", "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := s3api.ParseComplete([]byte(tc.body))
			if ok != tc.ok {
				t.Fatalf("got %v, want %v", ok, tc.ok)
			}
			if ok && (got.ETag != tc.etag || got.ChecksumType != tc.kind || got.Checksum("CRC64NVME") != tc.sum || got.Checksum("crc64nvme") != tc.sum || got.Checksum("SHA256") != "") {
				t.Errorf("got %+v, want ETag %q, type %q, checksum %q", got, tc.etag, tc.kind, tc.sum)
			}
		})
	}
}

func TestParseTags(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want []s3api.Tag
		ok   bool
	}{
		"two":   {tagged, []s3api.Tag{{Key: "a", Value: "1 < 2"}, {Key: "b"}}, true},
		"none":  {`<Tagging><TagSet></TagSet></Tagging>`, nil, true},
		"empty": {"", nil, false}, "error": {noSuchKey, nil, false}, "cut": {tagged[:len(tagged)-3], nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := s3api.ParseTags([]byte(tc.body))
			if (err == nil) != tc.ok || !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %v, %v, want %v", got, err, tc.want)
			}
		})
	}
}

func TestAppendCompleteBody(t *testing.T) {
	for name, tc := range map[string]struct {
		parts     []*s3api.CompletedPart
		algorithm string
	}{
		"complete-plain":    {[]*s3api.CompletedPart{{Number: 1, ETag: `"1c8f"`}, {Number: 10_000, ETag: "bare"}}, ""},
		"complete-checksum": {[]*s3api.CompletedPart{{Number: 1, ETag: `"1c8f"`, Checksum: "rosU+/p5mIg="}, {Number: 2, ETag: `"2"`, Checksum: "AAAAAAAAAAA="}}, "CRC64NVME"},
		"complete-escaped":  {[]*s3api.CompletedPart{{Number: 1, ETag: `<&>'"`, Checksum: "</ChecksumSHA256><x>"}}, "SHA256"},
		"complete-none":     {nil, "CRC32"},
	} {
		t.Run(name, func(t *testing.T) {
			got := s3api.AppendCompleteBody([]byte("before:"), tc.parts, tc.algorithm)
			path := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(path, got, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			wantSameParts(t, strings.TrimPrefix(string(got), "before:"), tc.parts, tc.algorithm)
		})
	}
}

// wantSameParts reads the body back.
func wantSameParts(t *testing.T, body string, parts []*s3api.CompletedPart, algorithm string) {
	t.Helper()
	var back struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUpload"`
		Parts   []struct {
			Number int         `xml:"PartNumber"`
			ETag   string      `xml:"ETag"`
			Sums   []s3api.Sum `xml:",any"`
		} `xml:"Part"`
	}
	if err := xml.Unmarshal([]byte(body), &back); err != nil {
		t.Fatal(err)
	}
	if len(back.Parts) != len(parts) {
		t.Fatalf("got %d parts, want %d", len(back.Parts), len(parts))
	}
	for i, p := range back.Parts {
		got := s3api.CompletedPart{Number: p.Number, ETag: p.ETag}
		if len(p.Sums) > 0 && p.Sums[0].XMLName.Local == "Checksum"+algorithm {
			got.Checksum = p.Sums[0].Value
		}
		if got != *parts[i] {
			t.Errorf("part %d: got %+v, want %+v", i, got, *parts[i])
		}
	}
}

// seed is the corpus of all parsers: each must cope with the others' answers.
func seed(f *testing.F) {
	for _, s := range []string{noSuchKey, redirect, wrongRegion, invalidPart, initiated, completed, copied, tagged, html, "", "<", "<a/>", head,
		"<Error><Code>&#0;</Code></Error>", "<!DOCTYPE x [<!ENTITY a \"b\">]><Error><Code>&a;</Code></Error>", strings.Repeat("<Error>", 100)} {
		f.Add([]byte(s))
	}
}

func FuzzParseError(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		e, ok := s3api.ParseError(b)
		if ok && e.Code == "" {
			t.Errorf("got an error body without a code: %+v", e)
		}
		if _, result := s3api.ParseComplete(b); ok && result {
			t.Errorf("%q is both an error and a result", b)
		}
	})
}

func FuzzParseUploadID(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if id, err := s3api.ParseUploadID(b); (id == "") != (err != nil) {
			t.Errorf("got id %q with error %v", id, err)
		}
	})
}

func FuzzParseComplete(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, ok := s3api.ParseComplete(b); ok && (r.ETag == "" || r.XMLName.Local == "Error") {
			t.Errorf("got %+v for a result", r)
		}
	})
}

func FuzzParseTags(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if tags, err := s3api.ParseTags(b); err != nil && tags != nil {
			t.Errorf("got %v with error %v", tags, err)
		}
	})
}

// Whatever an ETag has in it, the body is XML that gives it back.
func FuzzAppendCompleteBody(f *testing.F) {
	f.Add("\"1c8f\"", "rosUhgp5mIg=")
	f.Add("]]><!--", "&quot;")
	f.Fuzz(func(t *testing.T, etag, sum string) {
		plain := func(s string) string { // what XML 1.0 can't carry, and line ends that it changes
			return strings.Map(func(r rune) rune {
				if r < 0x20 || r == 0xFFFD || r == 0xFFFE || r == 0xFFFF {
					return 'x'
				}
				return r
			}, strings.ToValidUTF8(s, "x"))
		}
		parts := []*s3api.CompletedPart{{Number: 1, ETag: plain(etag), Checksum: plain(sum)}}
		wantSameParts(t, string(s3api.AppendCompleteBody(nil, parts, "SHA1")), parts, "SHA1")
	})
}
