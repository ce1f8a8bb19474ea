package faulttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/batch"
	"github.com/haul-s3/haul/internal/s3fault"
)

// Listings go by the caller's SDK client and through no driver, so they have no
// rows in the matrix: a fault meets the second of three pages.

// listing is a way to list.
type listing struct {
	op   string
	list func(ctx context.Context, c *s3.Client) ([]string, error)
}

var listings = []listing{
	{"ListObjectsV2", func(ctx context.Context, c *s3.Client) (names []string, err error) {
		for item, err := range batch.Objects(ctx, c, &s3.ListObjectsV2Input{Bucket: aws.String(listed), MaxKeys: aws.Int32(2)}) {
			if err != nil {
				return names, err
			}
			names = append(names, item.Key)
		}
		return names, nil
	}},
	{"ListMultipartUploads", func(ctx context.Context, c *s3.Client) (names []string, err error) {
		uploads, err := haul.AbandonedUploads(ctx, shortPages{c}, listed, "", -time.Hour)
		for _, u := range uploads {
			names = append(names, u.Key)
		}
		return names, err
	}},
}

// shortPages asks for two open uploads at a time.
type shortPages struct{ *s3.Client }

func (p shortPages) ListMultipartUploads(ctx context.Context, in *s3.ListMultipartUploadsInput, optFns ...func(*s3.Options)) (*s3.ListMultipartUploadsOutput, error) {
	short := *in
	short.MaxUploads = aws.Int32(2)
	return p.Client.ListMultipartUploads(ctx, &short, optFns...)
}

const listed = "listed"

// listedKeys are those of the objects and of the open uploads.
var listedKeys = []string{"a", "b", "c", "d", "e"}

// listingFault is what becomes of the second page.
type listingFault struct {
	s3fault.Fault
	mended bool // by the SDK, if it occurs once
	// right says whether the error is the one that it should be; nil: any is.
	right func(err error) bool
}

func listingFaults() []listingFault {
	return []listingFault{
		{Fault: s3fault.Internal(), mended: true, right: hasCode("InternalError")},
		{Fault: s3fault.SlowDown(), mended: true, right: hasCode("SlowDown")},
		{Fault: s3fault.Fault{Name: "503 without XML", Answer: answers(http.StatusServiceUnavailable, "busy")}, mended: true},
		{Fault: s3fault.Fault{Name: "403", Status: http.StatusForbidden, Code: "AccessDenied"}, right: hasCode("AccessDenied")},
		{Fault: s3fault.Fault{Name: "reset before the answer", ResetRsp: -1}, mended: true},
		{Fault: s3fault.Fault{Name: "reset in the answer", ResetRsp: 100}},
		{Fault: s3fault.Fault{Name: "closed in the answer", CutRsp: 100}},
		{Fault: s3fault.Fault{Name: "200 with an error", Answer: answers(http.StatusOK, errorDocument("InternalError", ""))}, right: hasCode("InternalError")},
		{Fault: s3fault.Fault{Name: "200 with nothing", Answer: answers(http.StatusOK, "")}, mended: true},
		{Fault: s3fault.Fault{Name: "200 with a web page", Answer: answers(http.StatusOK, "<!DOCTYPE html><html><body>Sign in</body></html>")}, mended: true},
		{Fault: s3fault.Fault{Name: "200 with no XML", Answer: answers(http.StatusOK, "a proxy's words")}, mended: true},
		{Fault: s3fault.Fault{Name: "200 with half the XML", Answer: cutTo(1, 2)}},
		{Fault: s3fault.Fault{Name: "200 with nearly all the XML", Answer: cutTo(99, 100)}},
	}
}

func hasCode(code string) func(err error) bool {
	return func(err error) bool {
		var api smithy.APIError
		return errors.As(err, &api) && api.ErrorCode() == code
	}
}

// answers answers with a status and a body.
func answers(status int, body string) func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // what is missing shows in the outcome
	}
}

// cutTo answers with that much of the store's own answer, as if it were all.
func cutTo(n, of int) func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		a := answerOf(r, pass)
		body := a.Body.Bytes()[:a.Body.Len()*n/of]
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(a.Code)
		_, _ = w.Write(body) // what is missing shows in the outcome
	}
}

// newListing is a stage with what listedKeys says, and the SDK's client for it.
func newListing(t *testing.T, rule *s3fault.Rule) (*s3.Client, *stage) {
	t.Helper()
	s := newStage(t, setup{driver: "engine", rules: []*s3fault.Rule{rule}})
	s.fake.CreateBucket(listed)
	c := s3.New(s3.Options{BaseEndpoint: aws.String(s.url), UsePathStyle: true, Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("key-id", "secret", ""),
		Retryer:     retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = attempts, time.Millisecond })})
	for _, key := range listedKeys {
		s.fake.Put(listed, key, smallData[:1], nil)
		if _, err := c.CreateMultipartUpload(context.Background(), &s3.CreateMultipartUploadInput{Bucket: aws.String(listed), Key: aws.String(key)}); err != nil {
			t.Fatal(err)
		}
	}
	return c, s
}

// TestListings has each fault meet the second page of a listing, once and for
// good: the list is whole, or there is an error.
func TestListings(t *testing.T) {
	for _, l := range listings {
		for _, f := range listingFaults() {
			for times := range 2 { // 0: for good
				t.Run(fmt.Sprintf("%s/%s/%d", l.op, f.Name, times), func(t *testing.T) {
					t.Parallel()
					c, s := newListing(t, &s3fault.Rule{If: is(l.op), Skip: 1, Times: times, F: f.Fault})
					got, err := l.list(t.Context(), c)
					if s.count(is(l.op)) < 2 {
						t.Fatalf("the second page was not asked for (%v)", err)
					}
					if f.mended && times == 1 {
						if err != nil || !slices.Equal(got, listedKeys) {
							t.Errorf("got %q, %v, want %q", got, err, listedKeys)
						}
						return
					}
					if err == nil && !slices.Equal(got, listedKeys) {
						t.Errorf("got %q as the whole list, want %q or an error", got, listedKeys)
					}
					if err == nil && times == 0 || err != nil && f.right != nil && !f.right(err) {
						t.Errorf("got %v, want the fault's error", err)
					}
				})
			}
		}
	}
}

// TestListingIsCancelled cancels a listing whose second page doesn't come.
func TestListingIsCancelled(t *testing.T) {
	for _, l := range listings {
		t.Run(l.op, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			silent := func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
				cancel()
				<-over(r)
			}
			c, _ := newListing(t, &s3fault.Rule{If: is(l.op), Skip: 1, F: s3fault.Fault{Name: "silent", Answer: silent}})
			if _, err := l.list(ctx, c); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want %v", err, context.Canceled)
			}
		})
	}
}
