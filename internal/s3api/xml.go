package s3api

import (
	"encoding/xml"
	"errors"
	"strconv"
	"strings"
)

// ErrorBody is the XML body of an S3 error (Amazon S3 API Reference, "Error
// responses").
type ErrorBody struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string   `xml:"Code"`
	Message   string   `xml:"Message"`
	Region    string   `xml:"Region"`
	Endpoint  string   `xml:"Endpoint"`
	RequestID string   `xml:"RequestId"`
	HostID    string   `xml:"HostId"`
}

// ParseError reads an error body. ok is false when b isn't one, as with the
// empty body of a HEAD or a proxy's HTML.
func ParseError(b []byte) (e ErrorBody, ok bool) {
	err := xml.Unmarshal(b, &e)
	return e, err == nil && e.Code != ""
}

// ParseUploadID reads the upload id of a CreateMultipartUpload answer.
func ParseUploadID(b []byte) (string, error) {
	var r struct {
		XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
		UploadID string   `xml:"UploadId"`
	}
	if err := xml.Unmarshal(b, &r); err != nil {
		return "", err
	}
	if r.UploadID == "" {
		return "", errors.New("the answer to CreateMultipartUpload has no UploadId")
	}
	return r.UploadID, nil
}

// CompleteResult is the answer to CompleteMultipartUpload, CopyObject and
// UploadPartCopy, as far as the engine looks at it.
type CompleteResult struct {
	XMLName      xml.Name
	ETag         string `xml:"ETag"`
	Location     string `xml:"Location"`
	ChecksumType string `xml:"ChecksumType"`
	LastModified string `xml:"LastModified"`
	Sums         []Sum  `xml:",any"`
}

// Sum is one child element, of which those named Checksum… matter.
type Sum struct {
	XMLName xml.Name
	Value   string `xml:",chardata"`
}

// Checksum returns the value of the named algorithm ("CRC64NVME"), or "".
func (r *CompleteResult) Checksum(algorithm string) string { return sumOf(r.Sums, algorithm) }

func sumOf(sums []Sum, algorithm string) string {
	for _, s := range sums {
		if strings.EqualFold(s.XMLName.Local, "Checksum"+algorithm) {
			return s.Value
		}
	}
	return ""
}

// ParseComplete reads the answer to CompleteMultipartUpload, CopyObject or
// UploadPartCopy. A 200 whose body is an <Error>, which S3 sends when the
// operation fails after the status line went out, is not a result: ok is false
// and the caller treats the body as an error. That there is an ETag proves
// nothing: the error InvalidPart has one too.
func ParseComplete(b []byte) (r CompleteResult, ok bool) {
	err := xml.Unmarshal(b, &r)
	return r, err == nil && r.ETag != "" && r.XMLName.Local != "Error"
}

// CompletedPart is one line of the part list of CompleteMultipartUpload.
type CompletedPart struct {
	Number int
	ETag   string
	// Checksum is the part's checksum in base64, or "".
	Checksum string
}

// AppendCompleteBody appends the XML body of CompleteMultipartUpload to dst.
// algorithm names the parts' checksum element ("CRC64NVME"); parts are in
// ascending order of their numbers.
func AppendCompleteBody(dst []byte, parts []*CompletedPart, algorithm string) []byte {
	dst = append(dst, `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`...)
	for _, p := range parts {
		dst = append(dst, "<Part>"...)
		if p.Checksum != "" {
			dst = append(dst, "<Checksum"+algorithm+">"...)
			dst = appendEscaped(dst, p.Checksum)
			dst = append(dst, "</Checksum"+algorithm+">"...)
		}
		dst = append(dst, "<ETag>"...)
		dst = appendEscaped(dst, p.ETag)
		dst = append(dst, "</ETag><PartNumber>"...)
		dst = strconv.AppendInt(dst, int64(p.Number), 10)
		dst = append(dst, "</PartNumber></Part>"...)
	}
	return append(dst, "</CompleteMultipartUpload>"...)
}

func appendEscaped(dst []byte, s string) []byte {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder doesn't fail
	return append(dst, b.String()...)
}

// ListedPart is one part of an open upload, as ListParts tells it.
type ListedPart struct {
	Number int    `xml:"PartNumber"`
	ETag   string `xml:"ETag"`
	Size   int64  `xml:"Size"`
	Sums   []Sum  `xml:",any"`
}

// Checksum returns the value of the named algorithm, or "".
func (p *ListedPart) Checksum(algorithm string) string { return sumOf(p.Sums, algorithm) }

// PartList is one page of the answer to ListParts.
type PartList struct {
	XMLName   xml.Name     `xml:"ListPartsResult"`
	Parts     []ListedPart `xml:"Part"`
	Truncated bool         `xml:"IsTruncated"`
	Next      int          `xml:"NextPartNumberMarker"`
}

// ParseListParts reads the answer to ListParts.
func ParseListParts(b []byte) (l PartList, err error) {
	err = xml.Unmarshal(b, &l)
	return l, err
}

// Tag is one object tag.
type Tag struct {
	Key   string `xml:"Key"`
	Value string `xml:"Value"`
}

// ParseTags reads the answer to GetObjectTagging.
func ParseTags(b []byte) ([]Tag, error) {
	var r struct {
		XMLName xml.Name `xml:"Tagging"`
		Tags    []Tag    `xml:"TagSet>Tag"`
	}
	if err := xml.Unmarshal(b, &r); err != nil {
		return nil, err
	}
	return r.Tags, nil
}
