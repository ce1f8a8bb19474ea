package s3fake

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"strings"
)

// taggingXML is the body of PutObjectTagging and the answer to GetObjectTagging.
type taggingXML struct {
	XMLName xml.Name `xml:"Tagging"`
	Tags    []Tag    `xml:"TagSet>Tag"`
}

// getObjectTagging serves GetObjectTagging.
func (c *call) getObjectTagging() error {
	o, tags, err := c.find()
	if err != nil {
		return err
	}
	o.setVersion(c.w.Header())
	c.writeXML(http.StatusOK, taggingXML{Tags: tags})
	return nil
}

// putObjectTagging serves PutObjectTagging.
func (c *call) putObjectTagging() error {
	var in taggingXML
	if err := c.readXML(&in); err != nil {
		return err
	}
	if err := c.checkXMLDigest(true); err != nil {
		return err
	}
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	o, _, err := c.find()
	if err != nil {
		return err
	}
	c.s.mu.Lock()
	o.tags = in.Tags
	c.s.mu.Unlock()
	o.setVersion(c.w.Header())
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// attributesXML is the answer to GetObjectAttributes.
type attributesXML struct {
	XMLName      xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ GetObjectAttributesResponse"`
	ETag         string   `xml:",omitempty"`
	Checksum     *attributeChecksumXML
	ObjectParts  *attributePartsXML
	StorageClass string `xml:",omitempty"`
	ObjectSize   *int64
}

type attributeChecksumXML struct {
	checksumXML
	ChecksumType string
}

type attributePartsXML struct {
	PartsCount           int
	PartNumberMarker     int
	NextPartNumberMarker int
	MaxParts             int
	IsTruncated          bool
	Parts                []partXML `xml:"Part"`
}

// getObjectAttributes serves GetObjectAttributes.
func (c *call) getObjectAttributes() error {
	o, _, err := c.find()
	if err != nil {
		return err
	}
	given, err := parseCustomerKey(c.r.Header, ssePrefix)
	if err != nil {
		return err
	}
	if err := o.customer.checkRead(given); err != nil {
		return err
	}
	var out attributesXML
	wanted := strings.Split(strings.Join(c.r.Header["X-Amz-Object-Attributes"], ","), ",")
	for _, name := range wanted {
		switch strings.TrimSpace(name) {
		case "ETag":
			out.ETag = strings.Trim(o.etag, `"`)
		case "Checksum":
			if o.checksum.Value != "" {
				out.Checksum = &attributeChecksumXML{o.checksum.xml(), o.checksum.Type}
			}
		case "ObjectParts":
			if out.ObjectParts, err = c.attributeParts(o); err != nil {
				return err
			}
		case "StorageClass":
			out.StorageClass = cmp.Or(o.attributes.Get("X-Amz-Storage-Class"), "STANDARD")
		case "ObjectSize":
			size := o.content.Size()
			out.ObjectSize = &size
		default:
			return fail("InvalidArgument", "Invalid attribute name specified.", "ArgumentName", "x-amz-object-attributes", "ArgumentValue", name)
		}
	}
	h := c.w.Header()
	h.Set("Last-Modified", httpTime(o.modified))
	o.setVersion(h)
	c.writeXML(http.StatusOK, out)
	return nil
}

// attributeParts lists the parts: none for a plain object, and only their number where the upload named no checksum
// algorithm, as S3 does.
func (c *call) attributeParts(o *object) (*attributePartsXML, error) {
	if len(o.parts) == 0 {
		return nil, nil
	}
	limit, err := headerNumber(c.r.Header, "X-Amz-Max-Parts", listMax)
	if err != nil {
		return nil, err
	}
	marker, err := headerNumber(c.r.Header, "X-Amz-Part-Number-Marker", 0)
	if err != nil {
		return nil, err
	}
	out := &attributePartsXML{PartsCount: len(o.parts), PartNumberMarker: marker, MaxParts: min(limit, listMax)}
	if !o.partSums {
		return out, nil
	}
	for _, p := range o.parts {
		if p.Number <= marker {
			continue
		}
		if len(out.Parts) == out.MaxParts {
			out.IsTruncated = true
			break
		}
		out.Parts = append(out.Parts, partXML{PartNumber: p.Number, Size: p.Size, checksumXML: p.Checksum.xml()})
		out.NextPartNumberMarker = p.Number
	}
	return out, nil
}
