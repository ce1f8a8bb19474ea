//go:build linux

package nulls3

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/haul-s3/haul/bench/pattern"
	"github.com/haul-s3/haul/internal/checksum"
)

const (
	namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
	// etag looks like a multipart upload's: an MD5 would be compared by some.
	etag         = `"9b2cf535f27731c974343645a3985328-2"`
	lastModified = "Tue, 10 Jan 2023 23:39:32 GMT"
)

// answer answers a request whose body is in.
func (c *conn) answer(h *head, b received) error {
	key := h.key()
	switch {
	case b.wrong != "":
		return c.fail(400, "BadDigest", b.wrong)
	case h.method == "GET" && key == "" && h.has("location"):
		return c.xml(`<?xml version="1.0" encoding="UTF-8"?><LocationConstraint xmlns="` + namespace + `"></LocationConstraint>`)
	case h.method == "GET" && key == "":
		return c.list(h)
	case h.method == "GET" && h.has("uploadId"):
		return c.listParts(h)
	case h.method == "HEAD" && key == "", h.method == "PUT" && key == "":
		return c.head(200, "Content-Length: 0")
	case h.method == "GET", h.method == "HEAD":
		return c.object(h, key)
	case h.method == "PUT" && h.copySource != "":
		return c.copied(h)
	case h.method == "PUT":
		return c.stored(h, key, b)
	case h.method == "POST":
		return c.post(h, key, b)
	case h.method == "DELETE" && h.has("uploadId"):
		return c.abort(h)
	case h.method == "DELETE":
		return c.head(204)
	}
	return c.fail(405, "MethodNotAllowed", "The method is not known here.")
}

// head sends an answer's head that ends the answer.
func (c *conn) head(status int, fields ...string) error {
	c.begin(status)
	for _, f := range fields {
		c.out = append(append(c.out, f...), "\r\n"...)
	}
	c.out = append(c.out, "\r\n"...)
	return c.write(c.out)
}

func (c *conn) begin(status int) {
	c.out = append(c.out[:0], "HTTP/1.1 "...)
	c.out = strconv.AppendInt(c.out, int64(status), 10)
	c.out = append(c.out, ' ')
	c.out = append(c.out, http.StatusText(status)...)
	c.out = append(c.out, "\r\nx-amz-request-id: 0\r\n"...)
}

func (c *conn) xml(text string) error { return c.text(200, "application/xml", text) }

func (c *conn) text(status int, kind, text string) error {
	c.begin(status)
	c.out = fmt.Appendf(c.out, "Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s", kind, len(text), text)
	return c.write(c.out)
}

func (c *conn) fail(status int, code, message string) error {
	return c.text(status, "application/xml", fmt.Sprintf(
		`<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message><RequestId>0</RequestId></Error>`, code, escape(message)))
}

func (c *conn) answerStats() error {
	text, err := json.Marshal(c.s.Stats())
	if err != nil {
		return err
	}
	return c.text(200, "application/json", string(text))
}

// object answers GetObject and HeadObject.
func (c *conn) object(h *head, key string) error {
	size, ok := sizeOf(key)
	if !ok && h.method == "HEAD" {
		return c.head(404, "Content-Length: 0")
	}
	if !ok {
		return c.fail(404, "NoSuchKey", "The size of the object is not in its key.")
	}
	if h.ifMatch != "" && h.ifMatch != etag {
		return c.fail(412, "PreconditionFailed", "The object has another ETag.")
	}
	off, n, partial, ok := h.extent(size)
	if !ok {
		return c.fail(416, "InvalidRange", "The requested range is not satisfiable")
	}
	if partial {
		c.begin(206)
		c.out = fmt.Appendf(c.out, "Content-Range: bytes %d-%d/%d\r\n", off, off+n-1, size)
	} else {
		c.begin(200)
	}
	c.out = append(c.out, "Accept-Ranges: bytes\r\nLast-Modified: "+lastModified+"\r\nContent-Type: binary/octet-stream\r\nETag: "+etag+"\r\n"...)
	if h.checksumMode && n == size {
		c.out = append(c.out, "x-amz-checksum-crc64nvme: "...)
		c.out = append(c.out, checksum.FormatCRC(checksum.CRC64NVME, pattern.CRC(checksum.CRC64NVME, size))...)
		c.out = append(c.out, "\r\nx-amz-checksum-type: FULL_OBJECT\r\n"...)
	}
	if h.has("partNumber") && size > storedPart {
		c.out = fmt.Appendf(c.out, "x-amz-mp-parts-count: %d\r\n", (size+storedPart-1)/storedPart)
	}
	c.out = append(c.out, "Content-Length: "...)
	c.out = strconv.AppendInt(c.out, n, 10)
	c.out = append(c.out, "\r\n\r\n"...)
	if c.tls == nil || h.method == "HEAD" || n == 0 {
		if err := c.write(c.out); err != nil || h.method == "HEAD" {
			return err
		}
	} else if _, err := c.tls.Write(c.out); err != nil {
		return err
	}
	return c.send(off, n)
}

// stored answers PutObject and UploadPart.
func (c *conn) stored(h *head, key string, b received) error {
	size := h.length
	if h.encoded {
		size = h.decoded
	}
	if id, ok := h.parameter("uploadId"); ok {
		n := h.number("partNumber")
		if n < 1 || n > 10_000 {
			return c.fail(400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
		}
		if !c.s.uploads.put(id, n, part{size, b.crc}) {
			return c.noUpload()
		}
	} else if why := c.compare(key, size, b.crc); why != "" {
		return c.fail(400, "BadDigest", why)
	}
	return c.head(200, "ETag: "+etag, "Content-Length: 0")
}

// compare compares a whole object with the pattern, where the server checks.
func (c *conn) compare(key string, size int64, crc uint64) (why string) {
	want, named := sizeOf(key)
	switch {
	case !c.s.config.Check:
		return ""
	case named && size != want:
		why = fmt.Sprintf("%d bytes came, the key says %d", size, want)
	case crc != pattern.CRC(checksum.CRC64NVME, size):
		why = "the object is not the pattern"
	}
	if why != "" {
		c.s.stats.mismatches.Add(1)
		return why
	}
	c.s.stats.verified.Add(1)
	return ""
}

func (c *conn) noUpload() error { return c.fail(404, "NoSuchUpload", "The upload is not open.") }

// copied answers CopyObject and UploadPartCopy.
func (c *conn) copied(h *head) error {
	name := "CopyObjectResult"
	if id, ok := h.parameter("uploadId"); ok {
		name = "CopyPartResult"
		if !c.s.uploads.put(id, max(1, h.number("partNumber")), part{size: 1}) {
			return c.noUpload()
		}
	}
	return c.xml(fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?><%s xmlns="%s"><LastModified>2023-01-10T23:39:32.000Z</LastModified><ETag>%s</ETag></%s>`,
		name, namespace, escape(etag), name))
}

// post answers CreateMultipartUpload, CompleteMultipartUpload and DeleteObjects.
func (c *conn) post(h *head, key string, b received) error {
	id, completes := h.parameter("uploadId")
	switch {
	case h.has("uploads"):
		return c.xml(fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?><InitiateMultipartUploadResult xmlns="%s"><Bucket>b</Bucket><Key>%s</Key><UploadId>%s</UploadId></InitiateMultipartUploadResult>`,
			namespace, escape(key), c.s.uploads.create()))
	case completes:
		return c.complete(h, key, id, b)
	case h.has("delete"):
		return c.xml(`<?xml version="1.0" encoding="UTF-8"?><DeleteResult xmlns="` + namespace + `"></DeleteResult>`)
	}
	return c.fail(405, "MethodNotAllowed", "The method is not known here.")
}

func (c *conn) complete(h *head, key, id string, b received) error {
	have, ok := c.s.uploads.parts(id)
	if !ok {
		return c.noUpload()
	}
	size, crc, err := assemble(b.text, have)
	if err != nil {
		return c.fail(400, "InvalidPart", err.Error())
	}
	if h.sum != "" && h.algorithm == checksum.CRC64NVME && c.s.config.Check && h.sum != checksum.FormatCRC(h.algorithm, crc) {
		c.s.stats.mismatches.Add(1)
		return c.fail(400, "BadDigest", "the parts' checksums make another one of the object")
	}
	if why := c.compare(key, size, crc); why != "" {
		return c.fail(400, "BadDigest", why)
	}
	c.s.uploads.remove(id)
	return c.xml(fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?><CompleteMultipartUploadResult xmlns="%s"><Location>l</Location><Bucket>b</Bucket><Key>%s</Key><ETag>%s</ETag></CompleteMultipartUploadResult>`,
		namespace, escape(key), escape(etag)))
}

func (c *conn) abort(h *head) error {
	id, _ := h.parameter("uploadId")
	if !c.s.uploads.remove(id) {
		return c.noUpload()
	}
	return c.head(204)
}

func (c *conn) listParts(h *head) error {
	id, _ := h.parameter("uploadId")
	parts, ok := c.s.uploads.parts(id)
	if !ok {
		return c.noUpload()
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?><ListPartsResult xmlns="%s"><UploadId>%s</UploadId><IsTruncated>false</IsTruncated>`, namespace, id)
	for i, p := range parts {
		if p.size > 0 {
			fmt.Fprintf(&b, `<Part><PartNumber>%d</PartNumber><ETag>%s</ETag><Size>%d</Size></Part>`, i+1, escape(etag), p.size)
		}
	}
	b.WriteString(`</ListPartsResult>`)
	return c.xml(b.String())
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}
