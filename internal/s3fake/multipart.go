package s3fake

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const partsMax = 10_000

// upload is an open multipart upload. It is immutable but for parts, which Server.mu guards.
type upload struct {
	template
	id, bucket, key string
	created         time.Time
	parts           map[int]*storedPart
}

// storedPart is a part that was uploaded; immutable.
type storedPart struct {
	Part
	content  content
	raw      []byte // the checksum of Part, raw
	modified time.Time
}

// completed is what a Complete that is sent again gets: on S3 too it has the first one's answer for a while.
type completed struct {
	object *object
	list   []byte // the request's body
}

// UploadInfo names an open multipart upload.
type UploadInfo struct{ Bucket, Key, ID string }

// Uploads lists the multipart uploads that were neither completed nor aborted, by bucket, key and id.
func (s *Server) Uploads() []UploadInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []UploadInfo{}
	for _, u := range s.uploads {
		out = append(out, UploadInfo{u.bucket, u.key, u.id})
	}
	slices.SortFunc(out, func(a, b UploadInfo) int {
		return cmp.Or(strings.Compare(a.Bucket, b.Bucket), strings.Compare(a.Key, b.Key), strings.Compare(a.ID, b.ID))
	})
	return out
}

// sumAlgorithm and sumType are the upload's, S3's default filled in.
func (u *upload) sumAlgorithm() Algorithm {
	if u.algorithm == "" {
		return CRC64NVME
	}
	return u.algorithm
}

func (u *upload) sumType() string {
	if u.checksumType == "" {
		return u.sumAlgorithm().multipartType()
	}
	return u.checksumType
}

// createMultipartUpload serves CreateMultipartUpload.
func (c *call) createMultipartUpload() error {
	if err := c.checkBucket(); err != nil {
		return err
	}
	t, err := readTemplate(c.r.Header)
	if err != nil {
		return err
	}
	u := &upload{template: t, bucket: c.bucket, key: c.key, created: c.s.options.Now(), parts: map[int]*storedPart{}}
	switch {
	case u.checksumType != "" && u.algorithm == "":
		return fail("InvalidRequest", "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
	case !u.sumAlgorithm().allows(u.sumType()):
		return fail("InvalidRequest", "The "+u.sumType()+" checksum type cannot be used with the "+strings.ToLower(string(u.algorithm))+" checksum algorithm.")
	}
	c.s.mu.Lock()
	u.id = fmt.Sprintf("upload.%08d_-", c.s.nextSerialLocked())
	c.s.uploads[u.id] = u
	c.s.mu.Unlock()
	h := c.w.Header()
	u.customer.set(h)
	setEncryption(h, u.attributes)
	if u.algorithm != "" {
		h.Set("X-Amz-Checksum-Algorithm", string(u.algorithm))
		h.Set("X-Amz-Checksum-Type", u.sumType())
	}
	c.writeXML(http.StatusOK, struct {
		XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
		Bucket, Key, UploadId string
	}{Bucket: u.bucket, Key: u.key, UploadId: u.id})
	return nil
}

// findUpload finds the open upload that the request names.
func (c *call) findUpload() (*upload, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if _, err := c.s.bucketLocked(c.bucket); err != nil {
		return nil, err
	}
	return c.s.uploadLocked(c.bucket, c.key, c.query.Get("uploadId"))
}

func (s *Server) uploadLocked(bucket, key, id string) (*upload, error) {
	if u := s.uploads[id]; u != nil && u.bucket == bucket && u.key == key {
		return u, nil
	}
	return nil, fail("NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.", "UploadId", id)
}

// parsePartNumber reads a partNumber parameter.
func parsePartNumber(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > partsMax {
		return 0, fail("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive", "ArgumentName", "partNumber", "ArgumentValue", text)
	}
	return n, nil
}

// partTarget finds the upload and the part number that UploadPart or UploadPartCopy names, and judges the SSE-C key.
func (c *call) partTarget() (*upload, int, error) {
	number, err := parsePartNumber(c.query.Get("partNumber"))
	if err != nil {
		return nil, 0, err
	}
	u, err := c.findUpload()
	if err != nil {
		return nil, 0, err
	}
	given, err := parseCustomerKey(c.r.Header, ssePrefix)
	if err != nil {
		return nil, 0, err
	}
	return u, number, u.customer.checkUpload(given)
}

// uploadPart serves UploadPart.
func (c *call) uploadPart() error {
	u, number, err := c.partTarget()
	if err != nil {
		return err
	}
	p, err := c.readPayload(u.sumAlgorithm())
	if err != nil {
		return err
	}
	if err := u.checkPartAlgorithm(p.named); err != nil {
		return err
	}
	part := c.s.newPart(u, number, p)
	if err := c.s.storePart(u, part); err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("ETag", part.ETag)
	h.Set(part.Checksum.Algorithm.header(), part.Checksum.Value)
	u.customer.set(h)
	setEncryption(h, u.attributes)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// checkPartAlgorithm holds the checksum that came with a part against the upload's. S3 computes a missing one itself
// for FULL_OBJECT, but demands it for COMPOSITE.
func (u *upload) checkPartAlgorithm(came Algorithm) error {
	if came == u.sumAlgorithm() || came == "" && u.sumType() == FullObject {
		return nil
	}
	name := func(a Algorithm) string {
		if a == "" {
			return "null"
		}
		return strings.ToLower(string(a))
	}
	return fail("InvalidRequest", "Checksum Type mismatch occurred, expected checksum Type: "+name(u.algorithm)+", actual checksum Type: "+name(came))
}

// newPart makes a part of a body that was read.
func (s *Server) newPart(u *upload, number int, p *payload) *storedPart {
	a := u.sumAlgorithm()
	return &storedPart{
		Part: Part{
			Number: number, Size: p.content.Size(), ETag: s.etag(p, u.customer != ""),
			Checksum: Checksum{Algorithm: a, Type: u.sumType(), Value: encode(p.sums[a])},
		},
		content: p.content, raw: p.sums[a], modified: s.options.Now(),
	}
}

// storePart puts a part in its upload, unless that ended meanwhile.
func (s *Server) storePart(u *upload, part *storedPart) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.uploadLocked(u.bucket, u.key, u.id); err != nil {
		return err
	}
	u.parts[part.Number] = part
	return nil
}

// abortMultipartUpload serves AbortMultipartUpload.
func (c *call) abortMultipartUpload() error {
	u, err := c.findUpload()
	if err != nil {
		return err
	}
	c.s.mu.Lock()
	delete(c.s.uploads, u.id)
	c.s.mu.Unlock()
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// assemble makes the object of an upload from the parts that were chosen.
func (s *Server) assemble(u *upload, parts []*storedPart) (*object, error) {
	o := u.template.object(u.bucket, u.key)
	o.modified, o.partSums = s.options.Now(), u.algorithm != ""
	var contents []content
	etags := md5.New()
	for _, p := range parts {
		contents = append(contents, p.content)
		o.parts = append(o.parts, p.Part)
		raw, err := hex.DecodeString(strings.Trim(p.ETag, `"`))
		if err != nil {
			return nil, err
		}
		etags.Write(raw)
	}
	o.content = join(contents)
	o.etag = fmt.Sprintf(`"%x-%d"`, etags.Sum(nil), len(parts))
	o.checksum = Checksum{Algorithm: u.sumAlgorithm(), Type: u.sumType()}
	if o.checksum.Type == Composite {
		sum := o.checksum.Algorithm.new()
		for _, p := range parts {
			sum.Write(p.raw)
		}
		o.checksum.Value = fmt.Sprintf("%s-%d", encode(sum.Sum(nil)), len(parts))
		return o, nil
	}
	raw, err := fullSum(o.checksum.Algorithm, o.content, parts)
	o.checksum.Value = encode(raw)
	return o, err
}

// fullSum computes the checksum over all bytes, from those of the parts only where the bytes are gone.
func fullSum(a Algorithm, all content, parts []*storedPart) ([]byte, error) {
	if _, gone := all.(discarded); !gone {
		sum := a.new()
		err := send(sum, all, 0, all.Size())
		return sum.Sum(nil), err
	}
	raw := parts[0].raw
	for _, p := range parts[1:] {
		raw = a.combine(raw, p.raw, p.Size)
	}
	return raw, nil
}

// listParts serves ListParts.
func (c *call) listParts() error {
	u, err := c.findUpload()
	if err != nil {
		return err
	}
	limit, err := c.number("max-parts", 1000)
	if err != nil {
		return err
	}
	marker, err := c.number("part-number-marker", 0)
	if err != nil {
		return err
	}
	out := listPartsXML{Bucket: u.bucket, Key: u.key, UploadId: u.id, PartNumberMarker: marker, MaxParts: min(limit, 1000),
		StorageClass: cmp.Or(u.attributes.Get("X-Amz-Storage-Class"), "STANDARD"), ChecksumAlgorithm: string(u.algorithm)}
	if u.algorithm != "" {
		out.ChecksumType = u.sumType()
	}
	c.s.mu.Lock()
	for _, number := range slices.Sorted(maps.Keys(u.parts)) {
		if number <= marker {
			continue
		}
		if len(out.Parts) == out.MaxParts {
			out.IsTruncated = true
			break
		}
		p := u.parts[number]
		out.Parts = append(out.Parts, partXML{PartNumber: number, LastModified: xmlTime(p.modified), ETag: p.ETag, Size: p.Size, checksumXML: p.Checksum.xml()})
		out.NextPartNumberMarker = number
	}
	c.s.mu.Unlock()
	c.writeXML(http.StatusOK, out)
	return nil
}

type listPartsXML struct {
	XMLName                        xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
	Bucket, Key, UploadId          string
	PartNumberMarker               int
	NextPartNumberMarker, MaxParts int
	IsTruncated                    bool
	StorageClass                   string
	ChecksumAlgorithm              string    `xml:",omitempty"`
	ChecksumType                   string    `xml:",omitempty"`
	Parts                          []partXML `xml:"Part"`
}

type partXML struct {
	PartNumber   int
	LastModified string `xml:",omitempty"`
	ETag         string `xml:",omitempty"`
	Size         int64
	checksumXML
}

// number reads a query parameter that is a number, not negative.
func (c *call) number(param string, absent int) (int, error) {
	text := c.query.Get(param)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fail("InvalidArgument", "Argument "+param+" must be an integer between 0 and 2147483647", "ArgumentName", param, "ArgumentValue", text)
	}
	return n, nil
}

// sameList reports whether a Complete is the one that was answered already.
func (d *completed) sameList(body []byte) bool { return bytes.Equal(d.list, body) }

// headerNumber reads a header that is a number, not negative.
func headerNumber(h http.Header, name string, absent int) (int, error) {
	text := h.Get(name)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fail("InvalidArgument", "The header is not a number.", "ArgumentName", strings.ToLower(name), "ArgumentValue", text)
	}
	return n, nil
}
