// Package paging bounds what a listing may cost, whatever the server says: how
// long a page is ([Client]), and that the pages don't go round in a circle
// ([Marks]). What is no page does not pass for an empty one.
package paging

import (
	"fmt"
	"io"
	"net/http"

	"github.com/haul-s3/haul/internal/s3api"
)

// PageEntries is how many entries a page has at most, unless more are asked for
// of a store that allows it. Source: Amazon S3 API Reference, "ListObjectsV2"
// and "ListMultipartUploads".
const PageEntries = 1000

// entryBytes is room for an entry: a key takes three bytes of each in the URL
// encoding; ETag, date, size, checksum algorithm, owner and initiator with their
// display names, storage class, state of a restore and all tags take less than
// the rest.
const entryBytes = 8 << 10

// PageBytes is the most that an honest page of so many entries can have; 0 means
// that the store decides. It is about twice as much as S3's longest.
func PageBytes(entries int32) int64 { return int64(max(entries, PageEntries)) * entryBytes }

// Doer is an HTTP client.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Client is an HTTP client whose answers end in a *TooLongError after Limit
// bytes of body, errors included. An answer of success is a *NoPageError
// unless its first element is Root, or Error.
type Client struct {
	Doer
	Limit int64
	Root  string // empty: any
}

// Do sends the request.
func (c Client) Do(r *http.Request) (*http.Response, error) {
	resp, err := c.Doer.Do(r)
	if err != nil || resp.Body == nil {
		return resp, err
	}
	if resp.ContentLength > c.Limit {
		_ = resp.Body.Close() // nobody has read of it
		return nil, &TooLongError{c.Limit}
	}
	resp.Body = &bounded{resp.Body, c.Limit, c.Limit}
	if c.Root == "" || resp.StatusCode != http.StatusOK {
		return resp, nil
	}
	if resp.Body, err = checked(resp.Body, c.Root); err != nil {
		return nil, err
	}
	return resp, nil
}

// bounded is a body of at most limit bytes. It belongs to one goroutine.
type bounded struct {
	io.ReadCloser
	left, limit int64
}

// Read reads one byte more than is left, to tell the end from too much.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, &TooLongError{b.limit}
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left+1)])
	if b.left -= int64(n); b.left < 0 {
		return n - 1, &TooLongError{b.limit}
	}
	return n, err
}

// TooLongError says that an answer is longer than a page can be.
type TooLongError struct{ Limit int64 }

// Error tells the limit.
func (e *TooLongError) Error() string {
	return fmt.Sprintf("the answer is longer than %d bytes, which is more than a page of a listing can have", e.Limit)
}

// Marks notices when the places where a listing goes on repeat, however many
// pages are between them. The zero value has seen none. It keeps one of them:
// Brent's algorithm finds a circle of n pages after less than 3 n more.
type Marks struct {
	kept        string
	seen, until uint64 // places; until: when the next one is kept
}

// Repeats takes the next place and says whether it came before.
func (m *Marks) Repeats(place string) bool {
	if m.seen > 0 && place == m.kept {
		return true
	}
	if m.seen == m.until {
		m.kept, m.until = place, 2*m.until+1
	}
	m.seen++
	return false
}

// CheckKey says what is wrong with a key that a listing has.
func CheckKey(key string) error {
	if n := len(key); n == 0 || n > s3api.MaxKeyBytes {
		return fmt.Errorf("a key of %d bytes is listed: S3's have from 1 to %d", n, s3api.MaxKeyBytes)
	}
	return nil
}
