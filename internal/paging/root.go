package paging

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// rootWithin is how many bytes a page may have before its first element ends: an
// XML declaration and the element's own namespaces.
const rootWithin = 4 << 10

// checked is a page's body if its first element is root, or the error that a
// store may send with status 200. The SDK takes whatever else it gets for a page
// without entries, which would end the listing early.
func checked(body io.ReadCloser, root string) (io.ReadCloser, error) {
	var head bytes.Buffer
	got, err := firstElement(io.TeeReader(io.LimitReader(body, rootWithin), &head))
	if err == nil && got != root && got != "Error" {
		err = fmt.Errorf("its first element is %.100q", got)
	}
	if err != nil {
		_ = body.Close() // its end doesn't matter any more
		return nil, &NoPageError{root, err}
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(&head, body), body}, nil
}

// NoPageError says that an answer is no page of a listing.
type NoPageError struct {
	Root string // the first element of a page
	Err  error
}

// Error says what was looked for, and what is wrong.
func (e *NoPageError) Error() string {
	return fmt.Sprintf("the answer is no page of a listing, which is a %s: %v", e.Root, e.Err)
}

// Unwrap returns what is wrong.
func (e *NoPageError) Unwrap() error { return e.Err }

// firstElement is the local name of a document's first element.
func firstElement(r io.Reader) (string, error) {
	d := xml.NewDecoder(r)
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return "", errors.New("it has no element")
		}
		if err != nil {
			return "", err
		}
		if e, ok := token.(xml.StartElement); ok {
			return e.Name.Local, nil
		}
	}
}
