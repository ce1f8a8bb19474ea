package s3fake

import (
	"encoding/xml"
	"net/http"
	"slices"
)

const deleteMax = 1000 // keys in one DeleteObjects

// deletion is what became of a key.
type deletion struct {
	marker  bool   // a delete marker was made or removed
	version string // its version, or that of the object removed; empty without versioning
}

// deleteObject serves DeleteObject.
func (c *call) deleteObject() error {
	done, err := c.s.remove(c.bucket, c.key, c.query.Get("versionId"), c.r.Header.Get("If-Match"))
	if err != nil {
		return err
	}
	h := c.w.Header()
	if done.marker {
		h.Set("X-Amz-Delete-Marker", "true")
	}
	if done.version != "" {
		h.Set("X-Amz-Version-Id", done.version)
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// remove deletes a version of a key, or without one puts a delete marker on top where the bucket has versioning. A
// key that isn't there is no error, but with ifMatch.
func (s *Server) remove(bucketName, key, version, ifMatch string) (deletion, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucketLocked(bucketName)
	if err != nil {
		return deletion{}, err
	}
	if ifMatch != "" {
		o, err := s.findLocked(bucketName, key, version)
		if err != nil {
			return deletion{}, err
		}
		if !matches(ifMatch, o.etag) {
			return deletion{}, preconditionFailed("If-Match")
		}
	}
	if version == "" && b.versioned {
		o := &object{bucket: bucketName, key: key, marker: true, modified: s.options.Now()}
		b.putLocked(o, s.nextSerialLocked())
		return deletion{marker: true, version: o.version}, nil
	}
	done := deletion{version: version}
	if version == "" {
		version = "null"
	}
	versions := slices.DeleteFunc(slices.Clone(b.objects[key]), func(o *object) bool {
		if o.version != version {
			return false
		}
		done.marker = o.marker
		return true
	})
	if b.objects[key] = versions; len(versions) == 0 {
		delete(b.objects, key)
	}
	return done, nil
}

// deleteXML is the body of DeleteObjects.
type deleteXML struct {
	XMLName xml.Name `xml:"Delete"`
	Quiet   bool
	Objects []struct{ Key, VersionId, ETag string } `xml:"Object"`
}

type deletedXML struct {
	Key                   string
	VersionId             string `xml:",omitempty"`
	DeleteMarker          bool   `xml:",omitempty"`
	DeleteMarkerVersionId string `xml:",omitempty"`
}

type deleteErrorXML struct{ Key, VersionId, Code, Message string }

// deleteObjects serves DeleteObjects.
func (c *call) deleteObjects() error {
	if err := c.checkBucket(); err != nil {
		return err
	}
	var in deleteXML
	if err := c.readXML(&in); err != nil {
		return err
	}
	if err := c.checkXMLDigest(true); err != nil {
		return err
	}
	if len(in.Objects) == 0 || len(in.Objects) > deleteMax {
		return malformedXML()
	}
	var out struct {
		XMLName xml.Name         `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
		Deleted []deletedXML     `xml:"Deleted"`
		Errors  []deleteErrorXML `xml:"Error"`
	}
	for _, o := range in.Objects {
		done, err := c.s.remove(c.bucket, o.Key, o.VersionId, o.ETag)
		if e, ok := err.(*apiError); ok {
			out.Errors = append(out.Errors, deleteErrorXML{o.Key, o.VersionId, e.code, e.message})
			continue
		}
		if in.Quiet {
			continue
		}
		d := deletedXML{Key: o.Key, VersionId: o.VersionId, DeleteMarker: done.marker}
		if done.marker {
			d.DeleteMarkerVersionId = done.version
		}
		out.Deleted = append(out.Deleted, d)
	}
	c.writeXML(http.StatusOK, out)
	return nil
}
