package s3fake_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/internal/testbody"
)

func b64(p []byte) string { return base64.StdEncoding.EncodeToString(p) }

func md5Of(text string) string { s := md5.Sum([]byte(text)); return b64(s[:]) }

func sha256Of(text string) string { s := sha256.Sum256([]byte(text)); return hex.EncodeToString(s[:]) }

func crcOf(text string) string { return b64(s3fake.CRC32.Sum([]byte(text))) }

// TestPut is the table of what PutObject takes and refuses. The body is "abc".
func TestPut(t *testing.T) {
	many := strings.TrimSuffix(strings.Repeat("k=v&", 11), "&")
	for i := range 11 {
		many = strings.Replace(many, "k=", fmt.Sprintf("k%d=", i), 1)
	}
	for _, x := range []struct {
		name    string
		headers []string
		status  int
		code    string
	}{
		{"plain", nil, 200, ""},
		{"right-md5", []string{"Content-MD5", md5Of("abc")}, 200, ""},
		{"wrong-md5", []string{"Content-MD5", md5Of("abd")}, 400, "BadDigest"},
		{"malformed-md5", []string{"Content-MD5", "xyz"}, 400, "InvalidDigest"},
		{"right-sha256", []string{"x-amz-content-sha256", sha256Of("abc")}, 200, ""},
		{"wrong-sha256", []string{"x-amz-content-sha256", sha256Of("abd")}, 400, "XAmzContentSHA256Mismatch"},
		{"right-crc32", []string{"x-amz-checksum-crc32", crcOf("abc")}, 200, ""},
		{"wrong-crc32", []string{"x-amz-checksum-crc32", crcOf("abd")}, 400, "BadDigest"},
		{"malformed-crc32", []string{"x-amz-checksum-crc32", "AAAA"}, 400, "InvalidRequest"},
		{"two-checksums", []string{"x-amz-checksum-crc32", crcOf("abc"), "x-amz-checksum-sha1", b64(s3fake.SHA1.Sum([]byte("abc")))}, 400, "InvalidRequest"},
		{"unknown-checksum", []string{"x-amz-checksum-crc16", "AAA="}, 400, "InvalidRequest"},
		{"sdk-algorithm", []string{"x-amz-sdk-checksum-algorithm", "CRC32", "x-amz-checksum-crc32", crcOf("abc")}, 200, ""},
		{"sdk-algorithm-alone", []string{"x-amz-sdk-checksum-algorithm", "CRC32"}, 400, "InvalidRequest"},
		{"sdk-algorithm-other", []string{"x-amz-sdk-checksum-algorithm", "SHA1", "x-amz-checksum-crc32", crcOf("abc")}, 400, "InvalidRequest"},
		{"metadata-2-KiB", []string{"x-amz-meta-a", strings.Repeat("v", 2047)}, 200, ""},
		{"metadata-too-large", []string{"x-amz-meta-a", strings.Repeat("v", 2048)}, 400, "MetadataTooLarge"},
		{"tags", []string{"x-amz-tagging", "a=1&b=2"}, 200, ""},
		{"eleven-tags", []string{"x-amz-tagging", many}, 400, "BadRequest"},
		{"same-tag-twice", []string{"x-amz-tagging", "a=1&a=2"}, 400, "InvalidTag"},
		{"storage-class", []string{"x-amz-storage-class", "STANDARD_IA"}, 200, ""},
		{"unknown-storage-class", []string{"x-amz-storage-class", "CHEAP"}, 400, "InvalidStorageClass"},
		{"sse-s3", []string{"x-amz-server-side-encryption", "AES256"}, 200, ""},
		{"unknown-sse", []string{"x-amz-server-side-encryption", "ROT13"}, 400, "InvalidArgument"},
		{"object-lock-without-digest", []string{"x-amz-object-lock-legal-hold", "ON"}, 400, "InvalidRequest"},
		{"object-lock", []string{"x-amz-object-lock-legal-hold", "ON", "Content-MD5", md5Of("abc")}, 200, ""},
		{"right-owner", []string{"x-amz-expected-bucket-owner", "111122223333"}, 200, ""},
		{"wrong-owner", []string{"x-amz-expected-bucket-owner", "999999999999"}, 403, "AccessDenied"},
		{"if-none-match-absent", []string{"If-None-Match", "*"}, 200, ""},
		{"if-none-match-etag", []string{"If-None-Match", `"x"`}, 501, "NotImplemented"},
		{"if-match-absent", []string{"If-Match", `"x"`}, 404, "NoSuchKey"},
		{"sse-c-without-md5", []string{"x-amz-server-side-encryption-customer-algorithm", "AES256", "x-amz-server-side-encryption-customer-key", b64(make([]byte, 32))}, 400, "InvalidArgument"},
		{"sse-c-other-algorithm", []string{"x-amz-server-side-encryption-customer-algorithm", "DES"}, 400, "InvalidEncryptionAlgorithmError"},
		{"streaming-without-length", []string{"x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-trailer", "x-amz-checksum-crc32"}, 411, "MissingContentLength"},
	} {
		t.Run(x.name, func(t *testing.T) {
			f := start(t, s3fake.Options{Owner: "111122223333"})
			f.do("PUT", "/b/k", []byte("abc"), x.headers...).want(t, "put", x.status, x.code)
			if _, ok := f.Object("b", "k"); ok != (x.status == 200) {
				t.Errorf("stored: got %v, want %v", ok, x.status == 200)
			}
		})
	}
}

func TestPutGivesBackWhatItTook(t *testing.T) {
	f := start(t, s3fake.Options{})
	sent := []string{"Content-Type", "text/x", "Cache-Control", "no-store", "Content-Language", "de", "Content-Encoding", "gzip, aws-chunked",
		"Content-Disposition", "inline", "Expires", "soon", "x-amz-meta-who", "me", "x-amz-storage-class", "ONEZONE_IA",
		"x-amz-website-redirect-location", "/there", "x-amz-server-side-encryption", "aws:kms", "x-amz-acl", "private", "x-amz-tagging", "a=1&b=2",
		"x-amz-decoded-content-length", "3", "x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-trailer", "x-amz-checksum-crc32"}
	body := "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:" + crcOf("abc") + "\r\n\r\n"
	put := f.do("PUT", "/b/k", []byte(body), sent...).want(t, "put", 200, "")
	put.wantHeader(t, "put", "x-amz-checksum-crc32", crcOf("abc"), "x-amz-checksum-type", "FULL_OBJECT", "x-amz-server-side-encryption", "aws:kms")
	for _, method := range []string{"GET", "HEAD"} {
		got := f.do(method, "/b/k", nil, "x-amz-checksum-mode", "ENABLED").want(t, method, 200, "")
		got.wantHeader(t, method, "Content-Encoding", "gzip", "x-amz-tagging-count", "2", "ETag", put.header.Get("ETag"), "Accept-Ranges", "bytes",
			"x-amz-acl", "", "Content-Length", "3", "x-amz-checksum-crc32", crcOf("abc"))
		for i := 0; i < 20; i += 2 {
			if sent[i] != "Content-Encoding" {
				got.wantHeader(t, method, sent[i], sent[i+1])
			}
		}
	}
	o, _ := f.Object("b", "k")
	if got, want := o.Header.Get("x-amz-acl"), "private"; got != want {
		t.Errorf("noted ACL: got %q, want %q", got, want)
	}
	f.do("GET", "/b/k?response-content-type=a%2Fb&response-expires=never", nil).wantHeader(t, "override", "Content-Type", "a/b", "Expires", "never")
}

func TestTrailerIsChecked(t *testing.T) {
	f := start(t, s3fake.Options{})
	body := "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:" + crcOf("abd") + "\r\n\r\n"
	f.do("PUT", "/b/k", []byte(body), "Content-Encoding", "aws-chunked", "x-amz-decoded-content-length", "3",
		"x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-trailer", "x-amz-checksum-crc32").want(t, "put", 400, "BadDigest")
}

// TestGet is the table of reads of an object with the body "0123456789" and of one which is not there.
func TestGet(t *testing.T) {
	now := time.Date(2026, 5, 4, 3, 2, 1, 500, time.UTC)
	f := start(t, s3fake.Options{Now: func() time.Time { return now }})
	etag := f.Put("b", "k", []byte("0123456789"), nil)
	f.Put("b", "empty", nil, nil)
	f.Put("b", "cold", []byte("x"), http.Header{"x-amz-storage-class": {"GLACIER"}})
	before, after := now.Add(-time.Hour).Format(http.TimeFormat), now.Add(time.Hour).Format(http.TimeFormat)
	for _, x := range []struct {
		name, target string
		headers      []string
		status       int
		code, body   string
	}{
		{"whole", "/b/k", nil, 200, "", "0123456789"},
		{"range", "/b/k", []string{"Range", "bytes=2-4"}, 206, "", "234"},
		{"open-range", "/b/k", []string{"Range", "bytes=8-"}, 206, "", "89"},
		{"suffix-range", "/b/k", []string{"Range", "bytes=-3"}, 206, "", "789"},
		{"range-past-the-end", "/b/k", []string{"Range", "bytes=10-"}, 416, "InvalidRange", ""},
		{"range-malformed", "/b/k", []string{"Range", "bytes=x"}, 200, "", "0123456789"},
		{"range-of-empty", "/b/empty", []string{"Range", "bytes=0-"}, 416, "InvalidRange", ""},
		{"part-1", "/b/k?partNumber=1", nil, 206, "", "0123456789"},
		{"part-1-of-empty", "/b/empty?partNumber=1", nil, 200, "", ""},
		{"part-2", "/b/k?partNumber=2", nil, 416, "InvalidPartNumber", ""},
		{"part-0", "/b/k?partNumber=0", nil, 400, "InvalidArgument", ""},
		{"part-and-range", "/b/k?partNumber=1", []string{"Range", "bytes=0-1"}, 400, "InvalidRequest", ""},
		{"if-match", "/b/k", []string{"If-Match", etag}, 200, "", "0123456789"},
		{"if-match-other", "/b/k", []string{"If-Match", `"x"`}, 412, "PreconditionFailed", ""},
		{"if-match-wins", "/b/k", []string{"If-Match", etag, "If-Unmodified-Since", before}, 200, "", "0123456789"},
		{"if-none-match", "/b/k", []string{"If-None-Match", etag}, 304, "", ""},
		{"if-none-match-wins", "/b/k", []string{"If-None-Match", `"x"`, "If-Modified-Since", after}, 200, "", "0123456789"},
		{"if-modified-since", "/b/k", []string{"If-Modified-Since", now.Format(http.TimeFormat)}, 304, "", ""},
		{"if-unmodified-since", "/b/k", []string{"If-Unmodified-Since", before}, 412, "PreconditionFailed", ""},
		{"missing", "/b/none", nil, 404, "NoSuchKey", ""},
		{"missing-bucket", "/none/k", nil, 404, "NoSuchBucket", ""},
		{"missing-version", "/b/k?versionId=x", nil, 404, "NoSuchVersion", ""},
		{"archived", "/b/cold", nil, 403, "InvalidObjectState", ""},
		{"long-key", "/b/" + strings.Repeat("k", 1025), nil, 400, "KeyTooLongError", ""},
		{"unknown-operation", "/b/k?torrent", nil, 200, "", "0123456789"},
		{"acl", "/b/k?acl", nil, 501, "NotImplemented", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			got := f.do("GET", x.target, nil, x.headers...).want(t, "get", x.status, x.code)
			if x.code == "" && string(got.body) != x.body {
				t.Errorf("body: got %q, want %q", got.body, x.body)
			}
			head := f.do("HEAD", x.target, nil, x.headers...)
			if x.name != "archived" && x.name != "acl" && head.status != x.status {
				t.Errorf("head: got %d, want %d", head.status, x.status)
			}
			if len(head.body) != 0 {
				t.Errorf("head: got a body %q, want none", head.body)
			}
		})
	}
	f.do("GET", "/b/k", nil, "Range", "bytes=2-4").wantHeader(t, "range", "Content-Range", "bytes 2-4/10", "Last-Modified", "Mon, 04 May 2026 03:02:01 GMT")
}

func TestRawKeys(t *testing.T) {
	for _, domain := range []string{"", "s3.test"} {
		f := start(t, s3fake.Options{Domain: domain})
		prefix, host := "/b/", ""
		if domain != "" {
			prefix, host = "/", "b."+domain
		}
		for raw, key := range map[string]string{
			"a%20b": "a b", "a+b": "a+b", "a%2Bb": "a+b", "/lead": "/lead", "x//y": "x//y", "a/../b": "a/../b", "./a": "./a", "%25": "%", "%2541": "%41",
			"q%3Fx": "q?x", "%C3%A4": "ä", "%2F%2f": "//", "t/": "t/", "%00": "\x00", "%FF": "\xff",
		} {
			headers := []string{}
			if host != "" {
				headers = append(headers, "Host", host)
			}
			f.do("PUT", prefix+raw, []byte(key), headers...).want(t, raw, 200, "")
			if o, ok := f.Object("b", key); !ok || string(o.Data) != key {
				t.Errorf("domain %q: key %q sent as %s: got %v, keys %q", domain, key, raw, ok, f.Keys("b"))
			}
		}
	}
}

// TestLength sends requests by hand: net/http's client would mend them.
func TestLength(t *testing.T) {
	f := start(t, s3fake.Options{})
	for _, x := range []struct{ name, head, want string }{
		{"none", "", "411 Length Required"},
		{"chunked", "Transfer-Encoding: chunked\r\n", "411 Length Required"},
		{"chunked-with-decoded-length", "Transfer-Encoding: chunked\r\nx-amz-decoded-content-length: 0\r\n", "501 Not Implemented"},
		{"zero", "Content-Length: 0\r\n", "200 OK"},
	} {
		t.Run(x.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			end := ""
			if strings.Contains(x.head, "chunked") {
				end = "0\r\n\r\n"
			}
			fmt.Fprintf(conn, "PUT /b/k HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n%s", x.head, end)
			text, err := io.ReadAll(conn)
			if err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 "+x.want) {
				t.Errorf("got %q, %v, want %s", text, err, x.want)
			}
		})
	}
}

// createUpload creates a multipart upload of the key "m" and returns its id.
func (f *fake) createUpload(headers ...string) string {
	f.t.Helper()
	a := f.do("POST", "/b/m?uploads", nil, headers...).want(f.t, "create", 200, "")
	var out struct{ UploadId string }
	if err := xml.Unmarshal(a.body, &out); err != nil {
		f.t.Fatal(err)
	}
	return out.UploadId
}

// putPart uploads a part and returns its entry for the list of Complete.
func (f *fake) putPart(id string, number int, body string, headers ...string) string {
	f.t.Helper()
	a := f.do("PUT", fmt.Sprintf("/b/m?partNumber=%d&uploadId=%s", number, id), []byte(body), headers...).want(f.t, "part", 200, "")
	return fmt.Sprintf("<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", number, strings.ReplaceAll(a.header.Get("ETag"), `"`, "&quot;"))
}

func (f *fake) complete(id, parts string, headers ...string) answer {
	f.t.Helper()
	return f.do("POST", "/b/m?uploadId="+id, []byte("<CompleteMultipartUpload>"+parts+"</CompleteMultipartUpload>"), headers...)
}

// TestComplete is the table of what CompleteMultipartUpload refuses: parts 1 and 2 are "aaaa" and "bb".
func TestComplete(t *testing.T) {
	for _, x := range []struct {
		name   string
		create []string
		list   func(one, two string) string
		header []string
		status int
		code   string
	}{
		{"good", nil, func(one, two string) string { return one + two }, nil, 200, ""},
		{"one-of-two", nil, func(one, two string) string { return one }, nil, 200, ""},
		{"empty-list", nil, func(one, two string) string { return "" }, nil, 400, "MalformedXML"},
		{"not-xml", nil, func(one, two string) string { return "<" }, nil, 400, "MalformedXML"},
		{"wrong-order", nil, func(one, two string) string { return two + one }, nil, 400, "InvalidPartOrder"},
		{"same-part-twice", nil, func(one, two string) string { return one + one }, nil, 400, "InvalidPartOrder"},
		{"unknown-part", nil, func(one, two string) string { return strings.Replace(one, ">1<", ">3<", 1) }, nil, 400, "InvalidPart"},
		{"wrong-etag", nil, func(one, two string) string { return strings.Replace(one, "&quot;", "&quot;0", 1) }, nil, 400, "InvalidPart"},
		{"small-first-part", nil, func(one, two string) string {
			return strings.Replace(two, ">2<", ">2<", 1) + strings.Replace(one, ">1<", ">3<", 1)
		}, nil, 400, "EntityTooSmall"},
		{"right-size", nil, func(one, two string) string { return one + two }, []string{"x-amz-mp-object-size", "6"}, 200, ""},
		{"wrong-size", nil, func(one, two string) string { return one + two }, []string{"x-amz-mp-object-size", "7"}, 400, "InvalidRequest"},
		{"right-full-checksum", nil, func(one, two string) string { return one + two }, []string{"x-amz-checksum-crc64nvme", b64(s3fake.CRC64NVME.Sum([]byte("aaaabb"))), "x-amz-checksum-type", "FULL_OBJECT"}, 200, ""},
		{"wrong-full-checksum", nil, func(one, two string) string { return one + two }, []string{"x-amz-checksum-crc64nvme", b64(s3fake.CRC64NVME.Sum([]byte("aaaabc")))}, 400, "BadDigest"},
		{"other-algorithm", nil, func(one, two string) string { return one + two }, []string{"x-amz-checksum-crc32", crcOf("aaaabb")}, 400, "InvalidRequest"},
		{"other-type", nil, func(one, two string) string { return one + two }, []string{"x-amz-checksum-type", "COMPOSITE"}, 400, "InvalidRequest"},
		{"right-listed-checksum", nil, func(one, two string) string {
			return strings.Replace(one, "</Part>", "<ChecksumCRC64NVME>"+b64(s3fake.CRC64NVME.Sum([]byte("aaaa")))+"</ChecksumCRC64NVME></Part>", 1) + two
		}, nil, 200, ""},
		{"wrong-listed-checksum", nil, func(one, two string) string {
			return strings.Replace(one, "</Part>", "<ChecksumCRC64NVME>"+b64(s3fake.CRC64NVME.Sum([]byte("aaab")))+"</ChecksumCRC64NVME></Part>", 1) + two
		}, nil, 400, "InvalidPart"},
		{"listed-checksum-of-another-algorithm", nil, func(one, two string) string {
			return strings.Replace(one, "</Part>", "<ChecksumCRC32>"+crcOf("aaaa")+"</ChecksumCRC32></Part>", 1) + two
		}, nil, 400, "BadDigest"},
		{"composite-without-listed-checksums", []string{"x-amz-checksum-algorithm", "CRC32"}, func(one, two string) string { return one + two }, nil, 400, "InvalidRequest"},
		{"composite", []string{"x-amz-checksum-algorithm", "CRC32"}, func(one, two string) string {
			return strings.Replace(one, "</Part>", "<ChecksumCRC32>"+crcOf("aaaa")+"</ChecksumCRC32></Part>", 1) + strings.Replace(two, "</Part>", "<ChecksumCRC32>"+crcOf("bb")+"</ChecksumCRC32></Part>", 1)
		}, []string{"x-amz-checksum-crc32", b64(s3fake.CRC32.Sum(append(s3fake.CRC32.Sum([]byte("aaaa")), s3fake.CRC32.Sum([]byte("bb"))...))) + "-2"}, 200, ""},
		{"if-none-match", nil, func(one, two string) string { return one + two }, []string{"If-None-Match", "*"}, 412, "PreconditionFailed"},
	} {
		t.Run(x.name, func(t *testing.T) {
			f := start(t, s3fake.Options{MinPartSize: 3})
			if x.status == 412 {
				f.Put("b", "m", []byte("there"), nil)
			}
			id := f.createUpload(x.create...)
			var sum1, sum2 []string
			if len(x.create) > 0 {
				sum1, sum2 = []string{"x-amz-checksum-crc32", crcOf("aaaa")}, []string{"x-amz-checksum-crc32", crcOf("bb")}
			}
			one, two := f.putPart(id, 1, "aaaa", sum1...), f.putPart(id, 2, "bb", sum2...)
			if x.code == "EntityTooSmall" {
				f.putPart(id, 3, "aaaa")
			}
			f.complete(id, x.list(one, two), x.header...).want(t, "complete", x.status, x.code)
			if got := len(f.Uploads()); got != 0 != (x.status != 200) {
				t.Errorf("open uploads: got %d after %d", got, x.status)
			}
			if x.status != 200 {
				return
			}
			f.complete(id, x.list(one, two), x.header...).want(t, "complete again", 200, "")
			f.putPartRefused(id)
		})
	}
}

func (f *fake) putPartRefused(id string) {
	f.t.Helper()
	f.do("PUT", "/b/m?partNumber=1&uploadId="+id, []byte("x")).want(f.t, "part after the end", 404, "NoSuchUpload")
}

// TestUploadRules is the table of what CreateMultipartUpload and UploadPart say of checksums and part numbers.
func TestUploadRules(t *testing.T) {
	f := start(t, s3fake.Options{})
	algorithm, kind := "x-amz-checksum-algorithm", "x-amz-checksum-type"
	for _, x := range []struct {
		name    string
		headers []string
		code    string
	}{
		{"sha-full", []string{algorithm, "SHA256", kind, "FULL_OBJECT"}, "InvalidRequest"},
		{"crc64-composite", []string{algorithm, "CRC64NVME", kind, "COMPOSITE"}, "InvalidRequest"},
		{"type-alone", []string{kind, "COMPOSITE"}, "InvalidRequest"},
		{"unknown", []string{algorithm, "CRC16"}, "InvalidRequest"},
	} {
		f.do("POST", "/b/m?uploads", nil, x.headers...).want(t, x.name, 400, x.code)
	}
	id := f.createUpload(algorithm, "CRC32")
	part := func(number string) string { return "/b/m?partNumber=" + number + "&uploadId=" + id }
	f.do("PUT", part("1"), []byte("x")).want(t, "composite part without checksum", 400, "InvalidRequest")
	f.do("PUT", part("1"), []byte("x"), "x-amz-checksum-sha1", b64(s3fake.SHA1.Sum([]byte("x")))).want(t, "part with another algorithm", 400, "InvalidRequest")
	f.do("PUT", part("0"), nil).want(t, "part 0", 400, "InvalidArgument")
	f.do("PUT", part("10001"), nil).want(t, "part 10001", 400, "InvalidArgument")
	f.do("PUT", part("10000"), []byte("x"), "x-amz-checksum-crc32", crcOf("x")).want(t, "part 10000", 200, "")
	f.do("DELETE", "/b/m?uploadId="+id, nil).want(t, "abort", 204, "")
	f.do("DELETE", "/b/m?uploadId="+id, nil).want(t, "abort again", 404, "NoSuchUpload")
	f.do("GET", "/b/m?uploadId="+id, nil).want(t, "list parts of an aborted upload", 404, "NoSuchUpload")
}

func TestETags(t *testing.T) {
	f := start(t, s3fake.Options{MinPartSize: 1})
	sum := md5.Sum([]byte("abc"))
	if got, want := f.Put("b", "k", []byte("abc"), nil), fmt.Sprintf(`"%x"`, sum); got != want {
		t.Errorf("single: got %s, want %s", got, want)
	}
	one, two := md5.Sum([]byte("a")), md5.Sum([]byte("b"))
	all := md5.Sum(append(one[:], two[:]...))
	if got, want := f.PutParts("b", "m", [][]byte{[]byte("a"), []byte("b")}, nil), fmt.Sprintf(`"%x-2"`, all); got != want {
		t.Errorf("multipart: got %s, want %s", got, want)
	}
	cheap := start(t, s3fake.Options{NoMD5: true})
	first, second := cheap.Put("b", "k", []byte("abc"), nil), cheap.Put("b", "k", []byte("abc"), nil)
	if len(first) != 34 || first == second {
		t.Errorf("cheap: got %s and %s, want 32 digits in quotes, never the same", first, second)
	}
}

func TestSyntheticAndDiscard(t *testing.T) {
	f := start(t, s3fake.Options{Discard: true, MinPartSize: 1})
	f.Synthetic("b", "huge", 1<<45, 42)
	a := f.do("GET", "/b/huge", nil, "Range", "bytes=17592186044410-17592186044440")
	if bad, ok := testbody.Check(a.body, 42, 17592186044410); !ok || len(a.body) != 31 {
		t.Errorf("synthetic: got %d bytes, the one at %d wrong, want 31 right ones", len(a.body), bad)
	}
	f.do("PUT", "/b/k", []byte("abc"), "Content-MD5", md5Of("abc")).want(t, "discarded put", 200, "")
	o, ok := f.Object("b", "k")
	if !ok || o.Size != 3 || o.Data != nil || o.Checksum.Value != b64(s3fake.CRC64NVME.Sum([]byte("abc"))) {
		t.Errorf("discarded: got %+v, want 3 bytes and their checksum", o)
	}
	f.do("GET", "/b/k", nil).want(t, "get of a discarded body", 500, "InternalError")
	id := f.createUpload()
	f.complete(id, f.putPart(id, 1, "abc")+f.putPart(id, 2, "de"), "x-amz-checksum-crc64nvme", b64(s3fake.CRC64NVME.Sum([]byte("abcde")))).want(t, "discarded parts", 200, "")
}

func TestRecords(t *testing.T) {
	f := start(t, s3fake.Options{})
	f.Before = func(rec *s3fake.Record, w http.ResponseWriter, r *http.Request) bool {
		if rec.Op != "HeadObject" {
			return false
		}
		w.WriteHeader(http.StatusTeapot)
		return true
	}
	f.do("PUT", "/b/a%20b?x-id=PutObject", []byte("abc"), "x-amz-meta-a", "1")
	f.do("HEAD", "/b/a%20b", nil)
	id := f.createUpload()
	f.complete(id, "<x/>")
	got := f.Requests()
	var ops []string
	for _, r := range got {
		ops = append(ops, fmt.Sprint(r.Op, " ", r.Status))
	}
	want := []string{"PutObject 200", "HeadObject 418", "CreateMultipartUpload 200", "CompleteMultipartUpload 400"}
	if strings.Join(ops, ", ") != strings.Join(want, ", ") {
		t.Errorf("operations: got %q, want %q", ops, want)
	}
	put := got[0]
	if put.Path != "/b/a%20b" || put.Key != "a b" || put.BodyBytes != 3 || put.ContentLength != 3 || put.Header.Get("x-amz-meta-a") != "1" || put.Query.Get("x-id") != "PutObject" || put.RemoteAddr == "" {
		t.Errorf("put: got %+v", put)
	}
	if want := []byte("<CompleteMultipartUpload><x/></CompleteMultipartUpload>"); !bytes.Equal(got[3].Body, want) {
		t.Errorf("complete: got the body %s, want %s", got[3].Body, want)
	}
	if got := f.Count("PutObject"); got != 1 {
		t.Errorf("count: got %d, want 1", got)
	}
	f.Reset()
	if got := len(f.Requests()); got != 0 {
		t.Errorf("after reset: got %d requests, want none", got)
	}
}

func TestAuthorization(t *testing.T) {
	f := start(t, s3fake.Options{RequireAuth: true, Region: "eu-west-1", Verify: func(r *http.Request, hash string) error {
		if hash != "UNSIGNED-PAYLOAD" {
			return errors.New("not good")
		}
		return nil
	}})
	f.Put("b", "k", []byte("abc"), nil)
	auth := func(region, signed string) string {
		return "AWS4-HMAC-SHA256 Credential=AK/20260504/" + region + "/s3/aws4_request, SignedHeaders=" + signed + ", Signature=00"
	}
	all := "host;x-amz-content-sha256;x-amz-date"
	for _, x := range []struct {
		name, auth, hash string
		status           int
		code             string
	}{
		{"good", auth("eu-west-1", all), "UNSIGNED-PAYLOAD", 200, ""},
		{"anonymous", "", "", 403, "AccessDenied"},
		{"wrong-region", auth("us-east-1", all), "UNSIGNED-PAYLOAD", 400, "AuthorizationHeaderMalformed"},
		{"unsigned-header", auth("eu-west-1", "host;x-amz-date"), "UNSIGNED-PAYLOAD", 403, "AccessDenied"},
		{"bad-hash", auth("eu-west-1", all), "nonsense", 400, "InvalidArgument"},
		{"verify", auth("eu-west-1", all), sha256Of(""), 403, "SignatureDoesNotMatch"},
		{"other-scheme", "AWS AK:xyz", "UNSIGNED-PAYLOAD", 400, "InvalidArgument"},
		{"garbage", "AWS4-HMAC-SHA256 x", "UNSIGNED-PAYLOAD", 400, "AuthorizationHeaderMalformed"},
	} {
		headers := []string{"x-amz-date", "20260504T000000Z"}
		if x.auth != "" {
			headers = append(headers, "Authorization", x.auth, "x-amz-content-sha256", x.hash)
		}
		a := f.do("GET", "/b/k", nil, headers...).want(t, x.name, x.status, x.code)
		if x.name == "wrong-region" && !bytes.Contains(a.body, []byte("<Region>eu-west-1</Region>")) {
			t.Errorf("wrong region: got %s, want the right one in it", a.body)
		}
	}
}
