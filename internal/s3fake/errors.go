package s3fake

import (
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"
)

// apiError is an answer of S3 that is an error document.
type apiError struct {
	status  int
	code    string
	message string
	extra   []element // elements beside the usual five
	header  http.Header
}

// element is an XML element with plain text in it.
type element struct {
	XMLName xml.Name
	Text    string `xml:",chardata"`
}

func (e *apiError) Error() string { return "s3fake: " + e.code + ": " + e.message }

// errGone is returned by a handler that already broke or ended the answer.
var errGone = errors.New("s3fake: the client went away")

// statuses are the HTTP statuses of the error codes that are not 400. Source: Amazon S3 API Reference, "Error
// responses", list of error codes.
var statuses = map[string]int{
	"AccessDenied":               403,
	"BucketAlreadyOwnedByYou":    409,
	"BucketNotEmpty":             409,
	"ConditionalRequestConflict": 409,
	"InternalError":              500,
	"InvalidChunkSizeError":      403,
	"InvalidObjectState":         403,
	"InvalidPartNumber":          416,
	"InvalidRange":               416,
	"MethodNotAllowed":           405,
	"MissingContentLength":       411,
	"NoSuchBucket":               404,
	"NoSuchKey":                  404,
	"NoSuchUpload":               404,
	"NoSuchVersion":              404,
	"NotImplemented":             501,
	"NotModified":                304,
	"PreconditionFailed":         412,
	"SignatureDoesNotMatch":      403,
}

// fail makes an error with S3's code and message; extra are names and texts of further elements, in turn.
func fail(code, message string, extra ...string) *apiError {
	e := &apiError{status: statuses[code], code: code, message: message}
	if e.status == 0 {
		e.status = http.StatusBadRequest
	}
	for i := 0; i+1 < len(extra); i += 2 {
		e.extra = append(e.extra, element{XMLName: xml.Name{Local: extra[i]}, Text: extra[i+1]})
	}
	return e
}

// with sets a header on the error's answer.
func (e *apiError) with(name, value string) *apiError {
	if e.header == nil {
		e.header = http.Header{}
	}
	e.header.Set(name, value)
	return e
}

type errorDocument struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	Extra     []element
	Resource  string
	RequestID string `xml:"RequestId"`
	HostID    string `xml:"HostId"`
}

// writeError answers c with err, which is an *apiError or becomes InternalError. HEAD and 304 have no body.
func (c *call) writeError(err error) {
	var e *apiError
	if !errors.As(err, &e) {
		e = fail("InternalError", err.Error())
	}
	h := c.w.Header()
	for name, values := range e.header {
		h[name] = values
	}
	if e.status == http.StatusNotModified {
		c.w.WriteHeader(e.status)
		return
	}
	h.Set("Content-Type", "application/xml")
	if c.r.Method == http.MethodHead {
		for _, x := range e.extra {
			if x.XMLName.Local == "Region" { // what the body can't tell
				h.Set("X-Amz-Bucket-Region", x.Text)
			}
		}
		c.w.WriteHeader(e.status)
		return
	}
	c.writeXML(e.status, errorDocument{
		Code: e.code, Message: e.message, Extra: e.extra, Resource: c.rec.Path,
		RequestID: h.Get("X-Amz-Request-Id"), HostID: h.Get("X-Amz-Id-2"),
	})
}

// writeXML answers c with a document.
func (c *call) writeXML(status int, document any) {
	text, err := xml.Marshal(document)
	if err != nil {
		panic("s3fake: " + err.Error())
	}
	text = append([]byte(xml.Header), text...)
	h := c.w.Header()
	h.Set("Content-Type", "application/xml")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	c.w.WriteHeader(status)
	c.w.Write(text) // the client may be gone: nobody to tell
}
