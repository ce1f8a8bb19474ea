package hostiletest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/batch"
	"github.com/haul-s3/haul/internal/paging"
)

// The pages of a listing, as they begin.
const (
	pageHead   = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/xml\r\n"
	objects    = "<ListBucketResult><Name>bucket</Name>"
	uploadPage = "<ListMultipartUploadsResult><Bucket>bucket</Bucket>"
)

// TestListingWithoutBound lists pages that are meant to fill the memory.
func TestListingWithoutBound(t *testing.T) {
	for name, c := range map[string]struct {
		say     script
		of      string // the listing whose page it is; "any": it is found out before
		tooLong bool
	}{
		"objects":           {endless(pageHead+"\r\n"+objects, "<Contents><Key>k</Key><Size>1</Size></Contents>"), "objects", true},
		"uploads":           {endless(pageHead+"\r\n"+uploadPage, "<Upload><Key>k</Key><UploadId>u</UploadId></Upload>"), "uploads", true},
		"key":               {endless(pageHead+"\r\n"+objects+"<Contents><Key>", "k"), "objects", true},
		"elements":          {endless(pageHead+"\r\n"+objects, "<a>"), "objects", true},
		"white-space":       {endless(pageHead+"\r\n", " "), "neither", false},
		"error":             {endless("HTTP/1.1 403 Forbidden\r\n\r\n<Error><Code>AccessDenied</Code><Message>", "no "), "any", true},
		"length-of-exabyte": {text(pageHead+"Content-Length: 1000000000000000000\r\n\r\n%s", objects), "any", true},
		"breaks-off":        {text(pageHead+"\r\n%s<Contents><Key>k", objects), "objects", false},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "error" && name != "white-space" {
				t.Skip("reads megabytes of XML")
			}
			s := serve(t, c.say)
			for what, list := range listings {
				before := s.requests.Load()
				var err error
				got := allocated(func() { err = list(t, listClient(s.url)) })
				var tooLong *paging.TooLongError
				var noPage *paging.NoPageError
				another := c.of != what && c.of != "any"
				if err == nil || len(err.Error()) > 4<<10 || errors.As(err, &noPage) != another || errors.As(err, &tooLong) != (c.tooLong && !another) {
					t.Errorf("%s: got %.1000v, want an error because it is too long: %v, or no page of this listing: %v", what, err, c.tooLong, another)
				}
				most := uint64(listingMax)
				if name == "error" {
					most = memoryMax // nothing is made of it
				}
				if got > most {
					t.Errorf("%s: got %d bytes allocated, want at most %d", what, got, most)
				}
				if n := s.requests.Load() - before; n > 2 {
					t.Errorf("%s: got %d requests, want no more than two", what, n)
				}
			}
		})
	}
}

// listingMax is what a page without end may allocate, all in all: an XML decoder
// makes something of each of the 8 MB that are read.
const listingMax = 1 << 30

// listings are the ways to meet a server that lists. They end at the first error.
var listings = map[string]func(t *testing.T, c *s3.Client) error{
	"objects": func(t *testing.T, c *s3.Client) error {
		for _, err := range batch.Objects(t.Context(), c, &s3.ListObjectsV2Input{Bucket: aws.String(bucket)}) {
			if err != nil {
				return err
			}
		}
		return nil
	},
	"uploads": func(t *testing.T, c *s3.Client) error {
		_, err := haul.AbandonedUploads(t.Context(), c, bucket, "", 0)
		return err
	},
}

func listClient(url string) *s3.Client {
	return s3.New(s3.Options{BaseEndpoint: &url, UsePathStyle: true, Region: "us-east-1", Credentials: credentials{}, RetryMaxAttempts: 2})
}

// TestListingInACircle goes from page to page, each of which leads to another,
// and back to the first in the end.
func TestListingInACircle(t *testing.T) {
	for _, circle := range []int{1, 2, 3, 7} {
		var pages atomic.Int64
		s := serve(t, func(w io.Writer, r *http.Request) {
			text(pageHead+"\r\n%s<IsTruncated>true</IsTruncated><NextContinuationToken>t%d</NextContinuationToken></ListBucketResult>", objects, pages.Add(1)%int64(circle))(w, r)
		})
		if err := listings["objects"](t, listClient(s.url)); err == nil || !strings.Contains(err.Error(), "lead back") {
			t.Errorf("objects, a circle of %d pages: got %v, want an error that says so", circle, err)
		}
		if n := int(s.requests.Load()); n > 4*circle+4 {
			t.Errorf("a circle of %d pages: got %d requests, want it noticed sooner", circle, n)
		}
		s = serve(t, func(w io.Writer, r *http.Request) {
			text(pageHead+"\r\n%s<IsTruncated>true</IsTruncated><NextKeyMarker>k%d</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker></ListMultipartUploadsResult>", uploadPage, pages.Add(1)%int64(circle))(w, r)
		})
		if err := listings["uploads"](t, listClient(s.url)); err == nil || !strings.Contains(err.Error(), "does not go on") {
			t.Errorf("uploads, a circle of %d pages: got %v, want an error that says so", circle, err)
		}
	}
}

// TestListedKeysAreBounded takes the longest key that there can be, and none
// that is longer.
func TestListedKeysAreBounded(t *testing.T) {
	for what, page := range map[string]string{
		"objects": objects + "<Contents><Key>%s</Key><Size>1</Size></Contents></ListBucketResult>",
		"uploads": uploadPage + "<Upload><Key>%s</Key><UploadId>u</UploadId><Initiated>2026-01-02T03:04:05.000Z</Initiated></Upload></ListMultipartUploadsResult>",
	} {
		for _, size := range []int{0, 1024, 1025, 1 << 20} {
			s := serve(t, text(pageHead+"\r\n"+page, strings.Repeat("k", size)))
			err := listings[what](t, listClient(s.url))
			if (err == nil) != (size == 1024) || err != nil && (len(err.Error()) > 1000 || !strings.Contains(err.Error(), fmt.Sprint(size))) {
				t.Errorf("%s, key of %d bytes: got %.1000v, want an error for one that S3 can't have", what, size, err)
			}
		}
	}
}

// TestLongestPageIsRead lists what an honest store may send at most.
func TestLongestPageIsRead(t *testing.T) {
	entry := fmt.Sprintf("<Contents><Key>%s</Key><ETag>&quot;%032d-10000&quot;</ETag><Size>54975581388800</Size><Owner><ID>%064d</ID><DisplayName>%0255d</DisplayName></Owner>"+
		"<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><StorageClass>INTELLIGENT_TIERING</StorageClass>"+
		"<LastModified>2026-01-02T03:04:05.000Z</LastModified><RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress><RestoreExpiryDate>2026-01-02T03:04:05.000Z</RestoreExpiryDate></RestoreStatus></Contents>\n",
		strings.Repeat("%F0%9F%90%8B", 256), 0, 0, 0)
	s := serve(t, text("%s", pageHead+"\r\n"+objects+"<EncodingType>url</EncodingType>"+strings.Repeat(entry, paging.PageEntries)+"</ListBucketResult>"))
	n := 0
	for item, err := range batch.Objects(t.Context(), listClient(s.url), &s3.ListObjectsV2Input{Bucket: aws.String(bucket)}) {
		if n++; err != nil || len(item.Key) != 1024 {
			t.Fatalf("entry %d: got a key of %d bytes, %v, want one of 1024", n, len(item.Key), err)
		}
	}
	if n != paging.PageEntries {
		t.Errorf("entries: got %d, want %d", n, paging.PageEntries)
	}
}
