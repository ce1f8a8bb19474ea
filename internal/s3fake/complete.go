package s3fake

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// completeXML is the body of CompleteMultipartUpload.
type completeXML struct {
	XMLName xml.Name       `xml:"CompleteMultipartUpload"`
	Parts   []completePart `xml:"Part"`
}

type completePart struct {
	PartNumber int
	ETag       string
	checksumXML
}

// completeMultipartUpload serves CompleteMultipartUpload: read the list, find the upload, choose its parts, check
// what the request says of the whole, store.
func (c *call) completeMultipartUpload() error {
	var list completeXML
	if err := c.readXML(&list); err != nil {
		return err
	}
	u, err := c.findUpload()
	if err != nil {
		return c.completeAgain(err)
	}
	given, err := parseCustomerKey(c.r.Header, ssePrefix)
	if err != nil {
		return err
	}
	if err := u.customer.checkUpload(given); err != nil {
		return err
	}
	parts, err := c.chooseParts(u, list.Parts)
	if err != nil {
		return err
	}
	o, err := c.s.assemble(u, parts)
	if err != nil {
		return err
	}
	if err := c.checkWhole(u, o); err != nil {
		return err
	}
	if err := c.storeCompleted(u, o); err != nil {
		return c.completeAgain(err)
	}
	c.writeCompleted(o)
	return nil
}

// completeAgain answers a Complete whose upload is gone: as the first time, if it is the same one sent again, else
// with err.
func (c *call) completeAgain(err error) error {
	c.s.mu.Lock()
	done := c.s.finished[c.query.Get("uploadId")]
	c.s.mu.Unlock()
	if done == nil || done.object.bucket != c.bucket || done.object.key != c.key || !done.sameList(c.rec.Body) {
		return err
	}
	c.writeCompleted(done.object)
	return nil
}

// chooseParts finds the listed parts and holds the list against them.
func (c *call) chooseParts(u *upload, list []completePart) ([]*storedPart, error) {
	if err := checkOrder(u, list); err != nil {
		return nil, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	var chosen []*storedPart
	for i, want := range list {
		got := u.parts[want.PartNumber]
		if got == nil || strings.Trim(want.ETag, `"`) != strings.Trim(got.ETag, `"`) {
			return nil, invalidPart(u, want)
		}
		if err := u.checkListed(want, got); err != nil {
			return nil, err
		}
		if i < len(list)-1 && got.Size < c.s.options.MinPartSize {
			return nil, fail("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size",
				"ProposedSize", strconv.FormatInt(got.Size, 10), "MinSizeAllowed", strconv.FormatInt(c.s.options.MinPartSize, 10),
				"PartNumber", strconv.Itoa(got.Number), "ETag", strings.Trim(got.ETag, `"`))
		}
		chosen = append(chosen, got)
	}
	if u.sumType() == Composite && list[len(list)-1].PartNumber != len(list) {
		// The User Guide, "Checking object integrity": with part-level checksums the numbers must be consecutive
		// from 1, else S3 answers this.
		return nil, fail("InternalError", "The part numbers of an upload with part-level checksums are not consecutive.")
	}
	return chosen, nil
}

// checkOrder judges the list by itself.
func checkOrder(u *upload, list []completePart) error {
	if len(list) == 0 || len(list) > partsMax {
		return malformedXML()
	}
	for i, part := range list {
		if part.PartNumber < 1 || part.ETag == "" {
			return malformedXML()
		}
		if i > 0 && part.PartNumber <= list[i-1].PartNumber {
			return fail("InvalidPartOrder", "The list of parts was not in ascending order. The parts list must be specified in order by part number.", "UploadId", u.id)
		}
	}
	return nil
}

// checkListed holds the checksums in the list against the part's. COMPOSITE uploads must list them.
func (u *upload) checkListed(want completePart, got *storedPart) error {
	name := strings.ToLower(string(u.sumAlgorithm()))
	listed := *want.field(u.sumAlgorithm())
	if listed == "" && u.sumType() == Composite {
		return fail("InvalidRequest", "The upload was created using a "+name+" checksum. The complete request must include the checksum for each part. It was missing for part "+strconv.Itoa(want.PartNumber)+" in the request.")
	}
	if listed != "" && listed != got.Checksum.Value {
		return invalidPart(u, want)
	}
	*want.field(u.sumAlgorithm()) = ""
	if want.checksumXML != (checksumXML{}) {
		return fail("BadDigest", "The checksum of part "+strconv.Itoa(want.PartNumber)+" in the request is of another algorithm than the upload's, "+name+".")
	}
	return nil
}

func invalidPart(u *upload, part completePart) error {
	return fail("InvalidPart", "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
		"UploadId", u.id, "PartNumber", strconv.Itoa(part.PartNumber), "ETag", strings.Trim(part.ETag, `"`))
}

// checkWhole holds x-amz-mp-object-size, x-amz-checksum-type and the whole object's checksum against the object.
func (c *call) checkWhole(u *upload, o *object) error {
	h := c.r.Header
	if text := h.Get("X-Amz-Mp-Object-Size"); text != "" && text != strconv.FormatInt(o.content.Size(), 10) {
		return fail("InvalidRequest", "The provided 'x-amz-mp-object-size' header does not match what was computed.",
			"ProvidedSize", text, "ComputedSize", strconv.FormatInt(o.content.Size(), 10))
	}
	if kind := h.Get("X-Amz-Checksum-Type"); kind != "" && kind != u.sumType() {
		return fail("InvalidRequest", "The upload was created using the "+u.sumType()+" checksum mode. The complete request must use the same checksum mode.")
	}
	a, value, err := checksumHeader(h)
	if err != nil || value == "" {
		return err
	}
	if a != u.sumAlgorithm() {
		return fail("InvalidRequest", "Checksum Type mismatch occurred, expected checksum Type: "+strings.ToLower(string(u.sumAlgorithm()))+", actual checksum Type: "+strings.ToLower(string(a)))
	}
	plain, _, isComposite := strings.Cut(value, "-")
	if _, ok := a.decode(plain); !ok || isComposite && u.sumType() != Composite {
		return invalidChecksum(a)
	}
	want := o.checksum.Value
	if u.sumType() == Composite && !isComposite {
		want, _, _ = strings.Cut(want, "-") // S3 takes the value with and without the number of parts
	}
	if value != want {
		return badDigest(a)
	}
	return nil
}

// storeCompleted makes the upload's object visible and ends the upload, both or neither.
func (c *call) storeCompleted(u *upload, o *object) error {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucketLocked(c.bucket)
	if err != nil {
		return err
	}
	if _, err := s.uploadLocked(u.bucket, u.key, u.id); err != nil {
		return err
	}
	if err := s.checkWriteLocked(c.bucket, c.key, c.r.Header); err != nil {
		return err
	}
	b.putLocked(o, s.nextSerialLocked())
	delete(s.uploads, u.id)
	answered := *o
	answered.content = nil // the object itself may be deleted
	s.finished[u.id] = &completed{object: &answered, list: slices.Clone(c.rec.Body)}
	return nil
}

func (c *call) writeCompleted(o *object) {
	h := c.w.Header()
	o.setVersion(h)
	setEncryption(h, o.attributes)
	c.writeXML(http.StatusOK, struct {
		XMLName                     xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
		Location, Bucket, Key, ETag string
		checksumXML
		ChecksumType string
	}{
		Location: "http://" + c.r.Host + c.path, Bucket: o.bucket, Key: o.key, ETag: o.etag,
		checksumXML: o.checksum.xml(), ChecksumType: o.checksum.Type,
	})
}
