package engine

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/haul-s3/haul/internal/plan"
	"github.com/haul-s3/haul/internal/s3api"
)

// align cuts a download whose checksum is composite where the stored parts
// begin, so that each piece has the digest that its part had. In practice all
// parts of an upload but the last have one size, which one HEAD tells; where
// they don't, unequal finds out before the bytes are blamed. It returns why
// that can't be done, or "".
func (d *download) align(ctx context.Context, ln *lane, parts int) (why string) {
	first, count, err := d.storedPart(ctx, ln, 1)
	switch {
	case err != nil:
		return "the sizes of the stored parts can't be learnt: " + err.Error()
	case count == 0 && parts == 1:
		first = d.size // some stores tell the number only of more than one
	case count != parts:
		return "the checksum is composite, and the store does not tell its parts"
	}
	if pieces := max(1, countOf(d.size, first)); pieces != parts {
		return "the checksum is composite, of parts of unequal sizes"
	}
	d.partSize, d.pieces = max(first, 1), parts
	return ""
}

func countOf(size, part int64) int {
	if part <= 0 {
		return 0
	}
	return plan.Uniform{Size: size, PartSize: part}.Count()
}

// storedPart asks for the size of a stored part, and how many there are.
func (d *download) storedPart(ctx context.Context, ln *lane, number int) (size int64, count int, err error) {
	template := d.template.Clone()
	template.Op, template.Method = s3api.HeadObject, http.MethodHead
	template.URL.RawQuery = setQuery(template.URL.RawQuery, s3api.QueryPartNumber, strconv.Itoa(number), "x-id", "")
	if etag := strongETag(d.etag); etag != "" {
		template.Header[s3api.HeaderIfMatch] = []string{etag}
	}
	resp, err := d.persist(ctx, ln, &call{template: template})
	if err != nil {
		// A refused call has given the lane back, on which the object goes on
		// being read.
		return 0, 0, errors.Join(err, ln.take(ctx))
	}
	count, _ = strconv.Atoi(resp.Header.Get(s3api.HeaderPartsCount)) // absent: not told
	return resp.ContentLength, count, nil
}

// unequal says whether the stored parts are cut elsewhere than the pieces, so
// that a composite value that differs proves nothing.
func (d *download) unequal(ctx context.Context) bool {
	ln := d.lane()
	defer ln.drop()
	for i := range d.pieces - 1 {
		if size, _, err := d.storedPart(ctx, ln, i+1); err != nil || size != d.partSize {
			return true
		}
	}
	return false
}
