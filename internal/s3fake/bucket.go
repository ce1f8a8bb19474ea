package s3fake

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// createBucket serves CreateBucket. The configuration in its body is not looked at.
func (c *call) createBucket() error {
	c.drain()
	c.s.mu.Lock()
	exists := c.s.buckets[c.bucket] != nil
	c.s.createBucketLocked(c.bucket)
	c.s.mu.Unlock()
	if exists {
		return fail("BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.", "BucketName", c.bucket)
	}
	c.w.Header().Set("Location", "/"+c.bucket)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// deleteBucket serves DeleteBucket.
func (c *call) deleteBucket() error {
	c.s.mu.Lock()
	b, err := c.s.bucketLocked(c.bucket)
	if err == nil && len(b.objects) > 0 {
		err = fail("BucketNotEmpty", "The bucket you tried to delete is not empty", "BucketName", c.bucket)
	}
	if err == nil {
		delete(c.s.buckets, c.bucket)
	}
	c.s.mu.Unlock()
	if err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// headBucket serves HeadBucket.
func (c *call) headBucket() error {
	if err := c.checkBucket(); err != nil {
		return err
	}
	c.w.Header().Set("X-Amz-Bucket-Region", c.s.region())
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Server) region() string {
	if s.options.Region == "" {
		return "us-east-1"
	}
	return s.options.Region
}

// getBucketLocation serves GetBucketLocation, whose answer for us-east-1 is empty.
func (c *call) getBucketLocation() error {
	if err := c.checkBucket(); err != nil {
		return err
	}
	location := c.s.region()
	if location == "us-east-1" {
		location = ""
	}
	c.writeXML(http.StatusOK, element{XMLName: xml.Name{Space: namespace, Local: "LocationConstraint"}, Text: location})
	return nil
}

// putBucketVersioning serves PutBucketVersioning; suspending is not implemented.
func (c *call) putBucketVersioning() error {
	if err := c.checkBucket(); err != nil {
		return err
	}
	var in struct {
		XMLName xml.Name `xml:"VersioningConfiguration"`
		Status  string
	}
	if err := c.readXML(&in); err != nil {
		return err
	}
	if in.Status != "Enabled" {
		return fail("NotImplemented", "Suspended versioning is not implemented")
	}
	c.s.EnableVersioning(c.bucket)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// listBuckets serves ListBuckets.
func (c *call) listBuckets() error {
	type entry struct{ Name, CreationDate string }
	var out struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
		Buckets []entry  `xml:"Buckets>Bucket"`
	}
	c.s.mu.Lock()
	for name, b := range c.s.buckets {
		out.Buckets = append(out.Buckets, entry{name, xmlTime(b.created)})
	}
	c.s.mu.Unlock()
	slices.SortFunc(out.Buckets, func(a, b entry) int { return strings.Compare(a.Name, b.Name) })
	c.writeXML(http.StatusOK, out)
	return nil
}

// sessionTTL is how long the credentials of CreateSession last, as on S3 Express.
const sessionTTL = 5 * time.Minute

// createSession serves CreateSession of S3 Express.
func (c *call) createSession() error {
	if err := c.checkBucket(); err != nil {
		return err
	}
	type credentials struct{ SessionToken, SecretAccessKey, AccessKeyId, Expiration string }
	serial := c.s.nextSerial()
	c.writeXML(http.StatusOK, struct {
		XMLName     xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CreateSessionResult"`
		Credentials credentials
	}{Credentials: credentials{
		SessionToken:    fmt.Sprintf("session-token-%d", serial),
		SecretAccessKey: fmt.Sprintf("session-secret-%d", serial),
		AccessKeyId:     fmt.Sprintf("SESSIONKEY%d", serial),
		Expiration:      xmlTime(c.s.options.Now().Add(sessionTTL)),
	}})
	return nil
}
