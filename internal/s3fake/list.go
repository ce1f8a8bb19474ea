package s3fake

import (
	"cmp"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const listMax = 1000 // entries of a page

// listXML is the answer to ListObjectsV2.
type listXML struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name, Prefix          string
	Delimiter             string `xml:",omitempty"`
	MaxKeys               int
	EncodingType          string `xml:",omitempty"`
	KeyCount              int
	IsTruncated           bool
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	Contents              []listedXML
	CommonPrefixes        []prefixXML
}

type listedXML struct {
	Key, LastModified, ETag string
	ChecksumAlgorithm       string `xml:",omitempty"`
	ChecksumType            string `xml:",omitempty"`
	Size                    int64
	StorageClass            string
	Owner                   *ownerXML
}

type ownerXML struct{ ID string }

type prefixXML struct{ Prefix string }

// listObjectsV2 serves ListObjectsV2.
func (c *call) listObjectsV2() error {
	encode, err := c.keyEncoding()
	if err != nil {
		return err
	}
	limit, err := c.number("max-keys", listMax)
	if err != nil {
		return err
	}
	q := c.query
	out := listXML{Name: c.bucket, Prefix: encode(q.Get("prefix")), Delimiter: encode(q.Get("delimiter")), MaxKeys: min(limit, listMax),
		EncodingType: q.Get("encoding-type"), ContinuationToken: q.Get("continuation-token"), StartAfter: encode(q.Get("start-after"))}
	after := q.Get("start-after")
	if out.ContinuationToken != "" {
		raw, err := base64.RawURLEncoding.DecodeString(out.ContinuationToken)
		if err != nil {
			return fail("InvalidArgument", "The continuation token provided is incorrect", "ArgumentName", "continuation-token")
		}
		after = string(raw)
	}
	if err := c.fillPage(&out, after, encode); err != nil {
		return err
	}
	c.writeXML(http.StatusOK, out)
	return nil
}

// fillPage puts the entries behind after into a listing.
func (c *call) fillPage(out *listXML, after string, encode func(string) string) error {
	prefix, delimiter := c.query.Get("prefix"), c.query.Get("delimiter")
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	b, err := c.s.bucketLocked(c.bucket)
	if err != nil {
		return err
	}
	entries, more := page(b.keysLocked(prefix), prefix, delimiter, after, out.MaxKeys)
	for _, e := range entries {
		if e.common {
			out.CommonPrefixes = append(out.CommonPrefixes, prefixXML{encode(e.name)})
			continue
		}
		out.Contents = append(out.Contents, c.listedLocked(b, e.name, encode))
	}
	out.KeyCount, out.IsTruncated = len(entries), more
	if more {
		out.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(entries[len(entries)-1].name))
	}
	return nil
}

func (c *call) listedLocked(b *bucket, key string, encode func(string) string) listedXML {
	versions := b.objects[key]
	o := versions[len(versions)-1]
	entry := listedXML{Key: encode(key), LastModified: xmlTime(o.modified), ETag: o.etag, Size: o.content.Size(),
		ChecksumAlgorithm: string(o.checksum.Algorithm), ChecksumType: o.checksum.Type,
		StorageClass: cmp.Or(o.attributes.Get("X-Amz-Storage-Class"), "STANDARD")}
	if c.query.Get("fetch-owner") == "true" {
		entry.Owner = &ownerXML{ID: cmp.Or(c.s.options.Owner, "owner")}
	}
	return entry
}

// keyEncoding returns what encoding-type does to keys.
func (c *call) keyEncoding() (func(string) string, error) {
	switch c.query.Get("encoding-type") {
	case "":
		return func(key string) string { return key }, nil
	case "url":
		return func(key string) string { return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/") }, nil
	}
	return nil, fail("InvalidArgument", "Invalid Encoding Method specified in Request", "ArgumentName", "encoding-type")
}

// keysLocked returns the keys with an object and that prefix in the order of their bytes.
func (b *bucket) keysLocked(prefix string) []string {
	var keys []string
	for key, versions := range b.objects {
		if strings.HasPrefix(key, prefix) && !versions[len(versions)-1].marker {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// entry is a key, or a common prefix of several, in a listing.
type entry struct {
	name   string
	common bool
}

// page returns the entries behind after, at most limit, and whether there are more. Keys are sorted and have prefix.
func page(keys []string, prefix, delimiter, after string, limit int) (entries []entry, more bool) {
	last := after // the entry before: a common prefix comes once, also across pages
	for _, key := range keys {
		e := entry{name: key}
		if delimiter != "" {
			if i := strings.Index(key[len(prefix):], delimiter); i >= 0 {
				e = entry{name: key[:len(prefix)+i+len(delimiter)], common: true}
			}
		}
		if key <= after || e.common && e.name == last {
			continue
		}
		if len(entries) == limit {
			return entries, limit > 0
		}
		entries = append(entries, e)
		last = e.name
	}
	return entries, false
}

// listMultipartUploads serves ListMultipartUploads; it knows no delimiter.
func (c *call) listMultipartUploads() error {
	if err := c.checkBucket(); err != nil {
		return err
	}
	encode, err := c.keyEncoding()
	if err != nil {
		return err
	}
	limit, err := c.number("max-uploads", listMax)
	if err != nil {
		return err
	}
	q := c.query
	type uploadXML struct{ Key, UploadId, Initiated, StorageClass string }
	var out struct {
		XMLName                                   xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
		Bucket, Prefix, KeyMarker, UploadIdMarker string
		NextKeyMarker, NextUploadIdMarker         string `xml:",omitempty"`
		EncodingType                              string `xml:",omitempty"`
		MaxUploads                                int
		IsTruncated                               bool
		Uploads                                   []uploadXML `xml:"Upload"`
	}
	out.Bucket, out.Prefix, out.MaxUploads = c.bucket, encode(q.Get("prefix")), min(limit, listMax)
	out.EncodingType = q.Get("encoding-type")
	out.KeyMarker, out.UploadIdMarker = encode(q.Get("key-marker")), q.Get("upload-id-marker")
	for _, info := range c.s.Uploads() {
		if info.Bucket != c.bucket || !strings.HasPrefix(info.Key, q.Get("prefix")) || !behind(info, q.Get("key-marker"), q.Get("upload-id-marker")) {
			continue
		}
		if len(out.Uploads) == out.MaxUploads {
			out.IsTruncated = true
			break
		}
		out.NextKeyMarker, out.NextUploadIdMarker = encode(info.Key), info.ID
		out.Uploads = append(out.Uploads, uploadXML{encode(info.Key), info.ID, c.s.initiated(info.ID), "STANDARD"})
	}
	c.writeXML(http.StatusOK, out)
	return nil
}

// behind reports whether an upload comes after the markers of a listing.
func behind(u UploadInfo, key, id string) bool {
	return key == "" || u.Key > key || u.Key == key && id != "" && u.ID > id
}

// initiated is the time an upload was created, now if it is gone.
func (s *Server) initiated(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.uploads[id]; u != nil {
		return xmlTime(u.created)
	}
	return xmlTime(s.options.Now())
}
