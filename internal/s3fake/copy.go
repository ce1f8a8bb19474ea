package s3fake

import (
	"encoding/xml"
	"net/http"
	"strings"
)

// source is the source of a copy, found and judged.
type source struct {
	*object
	tags []Tag // as they were when it was found
}

// findSource finds what x-amz-copy-source names, and judges the conditions and the SSE-C key for it.
func (c *call) findSource() (*source, error) {
	h := c.r.Header
	name, err := parseCopySource(h.Get("X-Amz-Copy-Source"))
	if err != nil {
		return nil, err
	}
	c.s.mu.Lock()
	o, err := c.s.findLocked(name.bucket, name.key, name.version)
	src := &source{object: o}
	if err == nil {
		src.tags = o.tags
	}
	c.s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	given, err := parseCustomerKey(h, sseSourcePrefix)
	if err != nil {
		return nil, err
	}
	if err := o.customer.checkRead(given); err != nil {
		return nil, err
	}
	if o.version != "null" {
		c.w.Header().Set("X-Amz-Copy-Source-Version-Id", o.version)
	}
	return src, readConditions(h, "X-Amz-Copy-Source-").check(o, "PreconditionFailed")
}

// copyObject serves CopyObject.
func (c *call) copyObject() error {
	if err := c.checkBucket(); err != nil {
		return err
	}
	src, err := c.findSource()
	if err != nil {
		return err
	}
	if src.content.Size() > putBytesMax {
		return fail("InvalidRequest", "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120")
	}
	t, err := c.copyTemplate(src)
	if err != nil {
		return err
	}
	o := t.object(c.bucket, c.key)
	if err := c.s.fillCopy(o, src, t.algorithm); err != nil {
		return err
	}
	if err := c.s.store(o, c.r.Header); err != nil {
		return err
	}
	h := c.w.Header()
	o.setVersion(h)
	o.customer.set(h)
	setEncryption(h, o.attributes)
	c.writeXML(http.StatusOK, struct {
		XMLName            xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CopyObjectResult"`
		LastModified, ETag string
		checksumXML
		ChecksumType string `xml:",omitempty"`
	}{LastModified: xmlTime(o.modified), ETag: o.etag, checksumXML: o.checksum.xml(), ChecksumType: o.checksum.Type})
	return nil
}

// copyTemplate says what the copy will be: by the directives the source's metadata and tags, or the request's.
func (c *call) copyTemplate(src *source) (template, error) {
	h := c.r.Header
	t, err := readTemplate(h)
	if err != nil {
		return t, err
	}
	keepMetadata, err := copies(h, "X-Amz-Metadata-Directive")
	if err != nil {
		return t, err
	}
	keepTags, err := copies(h, "X-Amz-Tagging-Directive")
	if err != nil {
		return t, err
	}
	if keepMetadata {
		t.metadata = src.metadata
		if src.bucket == c.bucket && src.key == c.key && len(t.attributes) == 0 && t.customer == src.customer && !strings.Contains(h.Get("X-Amz-Copy-Source"), "?") {
			return t, fail("InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
		}
	}
	if keepTags {
		t.tags = src.tags
	}
	return t, nil
}

// copies reads a directive: COPY, which is also the default, or REPLACE.
func copies(h http.Header, name string) (bool, error) {
	switch v := h.Get(name); v {
	case "", "COPY":
		return true, nil
	case "REPLACE":
		return false, nil
	default:
		return false, fail("InvalidArgument", "Unknown directive.", "ArgumentName", strings.ToLower(name), "ArgumentValue", v)
	}
}

// fillCopy gives o the source's content, and an ETag and a checksum like those of a single upload. Where the source
// was one, with the same algorithm, its own are right already.
func (s *Server) fillCopy(o *object, src *source, a Algorithm) error {
	_, gone := src.content.(discarded)
	same := len(src.parts) == 0 && src.customer == o.customer && (a == "" || a == src.checksum.Algorithm)
	if gone || same {
		o.content, o.etag, o.checksum, o.modified = src.content, src.etag, src.checksum, s.options.Now()
		return nil
	}
	if a == "" {
		a = src.checksum.Algorithm
	}
	p, err := s.digest(src.content, a)
	if err != nil {
		return err
	}
	p.named = a
	s.fill(o, p)
	return nil
}

// digest hashes content that the server has.
func (s *Server) digest(c content, a Algorithm) (*payload, error) {
	d := newDigests([]Algorithm{CRC64NVME, a}, !s.options.NoMD5)
	if err := send(d, c, 0, c.Size()); err != nil {
		return nil, err
	}
	return d.payload(c), nil
}

// uploadPartCopy serves UploadPartCopy.
func (c *call) uploadPartCopy() error {
	u, number, err := c.partTarget()
	if err != nil {
		return err
	}
	src, err := c.findSource()
	if err != nil {
		return err
	}
	off, n := int64(0), src.content.Size()
	if header := c.r.Header.Get("X-Amz-Copy-Source-Range"); header != "" {
		if off, n, err = parseCopyRange(header, n); err != nil {
			return err
		}
	}
	if n > putBytesMax {
		return fail("InvalidRequest", "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120")
	}
	p, err := c.s.digest(section(src.content, off, n), u.sumAlgorithm())
	if err != nil {
		return err
	}
	part := c.s.newPart(u, number, p)
	if err := c.s.storePart(u, part); err != nil {
		return err
	}
	u.customer.set(c.w.Header())
	setEncryption(c.w.Header(), u.attributes)
	c.writeXML(http.StatusOK, struct {
		XMLName            xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CopyPartResult"`
		LastModified, ETag string
		checksumXML
	}{LastModified: xmlTime(part.modified), ETag: part.ETag, checksumXML: part.Checksum.xml()})
	return nil
}
