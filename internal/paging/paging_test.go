package paging_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/haul-s3/haul/internal/paging"
)

// TestClientBoundsBodies reads all of what is short enough, and no more of
// what isn't, whether its length is told or not.
func TestClientBoundsBodies(t *testing.T) {
	const limit = 100_000
	for _, size := range []int{0, 1, limit - 1, limit, limit + 1, 10 * limit} {
		for _, told := range []bool{true, false} {
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if told {
					w.Header().Set("Content-Length", strconv.Itoa(size))
				} else {
					w.WriteHeader(http.StatusOK)
					w.(http.Flusher).Flush()
				}
				_, _ = io.WriteString(w, strings.Repeat("a", size)) // the client may be gone
			}))
			got, err := read(t, web.URL, limit)
			var long *paging.TooLongError
			if tooLong := errors.As(err, &long); tooLong != (size > limit) || !tooLong && (err != nil || got != size) || got > limit {
				t.Errorf("%d bytes, told %v: got %d and %v, want at most %d", size, told, got, err, limit)
			}
			web.Close()
		}
	}
}

func read(t *testing.T, url string, limit int64) (int, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := paging.Client{Doer: http.DefaultClient, Limit: limit}.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return len(b), err
}

// TestClientTakesPages tells pages, and a store's own error, from all else that
// may come with a status of success.
func TestClientTakesPages(t *testing.T) {
	for body, want := range map[string]bool{
		`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name></ListBucketResult>`: true,
		`<!-- of a store --><s3:ListBucketResult xmlns:s3="x"/>`: true,
		`<Error><Code>InternalError</Code></Error>`:              true,
		``:                              false,
		` `:                             false,
		`busy`:                          false,
		`<?xml version="1.0"?>`:         false,
		`<ListBucketRes`:                false,
		`<html><body>no</body></html>`:  false,
		`<ListAllMyBucketsResult/>`:     false,
		strings.Repeat(" ", 5000) + "<": false,
	} {
		for _, status := range []int{http.StatusOK, http.StatusForbidden} {
			doer := doerFunc(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: status, ContentLength: -1, Body: io.NopCloser(strings.NewReader(body))}, nil
			})
			resp, err := paging.Client{Doer: doer, Limit: 100_000, Root: "ListBucketResult"}.Do(nil)
			if taken := want || status != http.StatusOK; (err == nil) != taken {
				t.Errorf("status %d, %.60q: got %v, want taken %v", status, body, err, taken)
			}
			if err != nil {
				continue
			}
			if b, err := io.ReadAll(resp.Body); string(b) != body || err != nil {
				t.Errorf("status %d, %.60q: got %.60q, %v, want the same", status, body, b, err)
			}
		}
	}
}

type doerFunc func(*http.Request) (*http.Response, error)

func (f doerFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

// TestMarksFindEveryCircle goes to circles of all sizes, over tails of all
// lengths.
func TestMarksFindEveryCircle(t *testing.T) {
	for tail := range 20 {
		for circle := 1; circle < 20; circle++ {
			var m paging.Marks
			n := 0
			for ; !m.Repeats(place(n, tail, circle)); n++ {
				if n > 4*(tail+circle) {
					t.Fatalf("tail of %d, circle of %d: not found after %d pages", tail, circle, n)
				}
			}
			if n < tail+circle {
				t.Errorf("tail of %d, circle of %d: found after %d pages, when nothing had come twice", tail, circle, n)
			}
		}
	}
}

// place is where the n-th page leads.
func place(n, tail, circle int) string {
	if n > tail {
		n = tail + (n-tail)%circle
	}
	return strconv.Itoa(n)
}

// TestMarksOfAnHonestListing finds none.
func TestMarksOfAnHonestListing(t *testing.T) {
	var m paging.Marks
	for n := range 10_000 {
		if m.Repeats(strconv.Itoa(n)) {
			t.Fatalf("place %d: got a repetition, want none", n)
		}
	}
}

// TestCheckKey takes what S3 can have.
func TestCheckKey(t *testing.T) {
	for _, c := range []struct {
		bytes int
		ok    bool
	}{{0, false}, {1, true}, {1024, true}, {1025, false}, {1 << 20, false}} {
		if err := paging.CheckKey(strings.Repeat("k", c.bytes)); (err == nil) != c.ok || err != nil && len(err.Error()) > 200 {
			t.Errorf("key of %d bytes: got %v, want it taken: %v", c.bytes, err, c.ok)
		}
	}
}
