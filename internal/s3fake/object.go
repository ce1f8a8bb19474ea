package s3fake

import (
	"net/http"
	"strconv"
	"strings"
)

// putObject serves PutObject.
func (c *call) putObject() error {
	if err := c.checkBucket(); err != nil {
		return err
	}
	h := c.r.Header
	t, err := readTemplate(h)
	if err != nil {
		return err
	}
	if h.Get("X-Amz-Object-Lock-Mode")+h.Get("X-Amz-Object-Lock-Legal-Hold") != "" {
		a, _, err := checksumHeader(h)
		if err == nil && a == "" && h.Get("Content-Md5")+h.Get("X-Amz-Trailer") == "" {
			return fail("InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters")
		}
	}
	p, err := c.readPayload()
	if err != nil {
		return err
	}
	o := t.object(c.bucket, c.key)
	c.s.fill(o, p)
	if err := c.s.store(o, h); err != nil {
		return err
	}
	out := c.w.Header()
	out.Set("ETag", o.etag)
	o.setVersion(out)
	o.checksum.set(out)
	o.customer.set(out)
	setEncryption(out, o.attributes)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// checkBucket refuses a request to a bucket that isn't there.
func (c *call) checkBucket() error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	_, err := c.s.bucketLocked(c.bucket)
	return err
}

// find finds the object that the request names, with the tags it has now.
func (c *call) find() (*object, []Tag, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	o, err := c.s.findLocked(c.bucket, c.key, c.query.Get("versionId"))
	if err != nil {
		return nil, nil, err
	}
	return o, o.tags, nil
}

// stretch is the part of an object that an answer has.
type stretch struct {
	off, n   int64
	partial  bool     // 206 and Content-Range
	checksum Checksum // of the stretch, where S3 tells it
}

// getObject serves GetObject and HeadObject.
func (c *call) getObject() error {
	o, tags, err := c.find()
	if err != nil {
		return err
	}
	h := c.r.Header
	given, err := parseCustomerKey(h, ssePrefix)
	if err != nil {
		return err
	}
	if err := o.customer.checkRead(given); err != nil {
		return err
	}
	if err := readConditions(h, "").check(o, "NotModified"); err != nil {
		return err
	}
	part, err := c.stretchOf(o)
	if err != nil {
		return err
	}
	class := o.attributes.Get("X-Amz-Storage-Class")
	if c.r.Method == http.MethodGet && (class == "GLACIER" || class == "DEEP_ARCHIVE") {
		return fail("InvalidObjectState", "The operation is not valid for the object's storage class", "StorageClass", class)
	}
	c.setObjectHeaders(o, tags, part)
	if err := c.overrideHeaders(); err != nil {
		return err
	}
	return c.sendObject(o, part)
}

func (c *call) sendObject(o *object, part stretch) error {
	if _, gone := o.content.(discarded); gone && c.r.Method == http.MethodGet && part.n > 0 {
		return errDiscarded
	}
	h, status := c.w.Header(), http.StatusOK
	h.Set("Content-Length", strconv.FormatInt(part.n, 10))
	if part.partial {
		status = http.StatusPartialContent
		h.Set("Content-Range", contentRange(part.off, part.n, o.content.Size()))
	}
	c.w.WriteHeader(status)
	if c.r.Method == http.MethodHead {
		return nil
	}
	if err := send(c.w, o.content, part.off, part.n); err != nil {
		return errGone
	}
	return nil
}

// stretchOf finds out which bytes a request asks for.
func (c *call) stretchOf(o *object) (stretch, error) {
	whole := stretch{n: o.content.Size(), checksum: o.checksum}
	rangeHeader, number := c.r.Header.Get("Range"), c.query.Get("partNumber")
	switch {
	case rangeHeader != "" && number != "":
		return whole, fail("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
	case number != "":
		return partOf(o, number, whole)
	case rangeHeader != "":
		off, n, ok, err := parseRange(rangeHeader, whole.n)
		if err != nil || !ok {
			return whole, err
		}
		return stretch{off: off, n: n, partial: true}, nil
	}
	return whole, nil
}

// partOf finds the stretch of a part. An object which wasn't uploaded in parts has one.
func partOf(o *object, text string, whole stretch) (stretch, error) {
	number, err := parsePartNumber(text)
	if err != nil {
		return whole, err
	}
	if number > max(1, len(o.parts)) {
		return whole, fail("InvalidPartNumber", "The requested partnumber is not satisfiable",
			"PartNumberRequested", text, "ActualPartCount", strconv.Itoa(max(1, len(o.parts))))
	}
	if len(o.parts) == 0 {
		whole.partial = whole.n > 0
		return whole, nil
	}
	var off int64
	for _, p := range o.parts[:number-1] {
		off += p.Size
	}
	part := o.parts[number-1]
	return stretch{off: off, n: part.Size, partial: part.Size > 0, checksum: part.Checksum}, nil
}

func (c *call) setObjectHeaders(o *object, tags []Tag, part stretch) {
	h := c.w.Header()
	setHeaders(h, o.metadata)
	setHeaders(h, o.attributes)
	h.Set("ETag", o.etag)
	h.Set("Last-Modified", httpTime(o.modified))
	h.Set("Accept-Ranges", "bytes")
	o.setVersion(h)
	o.customer.set(h)
	if len(tags) > 0 {
		h.Set("X-Amz-Tagging-Count", strconv.Itoa(len(tags)))
	}
	if c.query.Has("partNumber") && len(o.parts) > 0 {
		h.Set("X-Amz-Mp-Parts-Count", strconv.Itoa(len(o.parts)))
	}
	if strings.EqualFold(c.r.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		part.checksum.set(h)
	}
}

// overrides are the query parameters that replace a header of the answer.
var overrides = map[string]string{
	"response-cache-control":       "Cache-Control",
	"response-content-disposition": "Content-Disposition",
	"response-content-encoding":    "Content-Encoding",
	"response-content-language":    "Content-Language",
	"response-content-type":        "Content-Type",
	"response-expires":             "Expires",
}

func (c *call) overrideHeaders() error {
	for param, name := range overrides {
		if !c.query.Has(param) {
			continue
		}
		if c.r.Header.Get("Authorization") == "" && !c.query.Has("X-Amz-Credential") && c.s.options.RequireAuth {
			return fail("InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests.")
		}
		c.w.Header().Set(name, c.query.Get(param))
	}
	return nil
}
