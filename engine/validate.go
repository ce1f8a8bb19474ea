package engine

import (
	"context"
	"errors"
	"net/http"

	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/internal/s3api"
)

// expectation is what the store says about a download's checksum, and what came
// of it.
type expectation struct {
	algorithm checksum.Algorithm // None: nothing is compared
	result    driver.Checksum

	// One of these adds up what arrives.
	combiner *checksum.Combiner // of a full-object CRC
	digest   *checksum.Hash     // of a full-object value, in one piece
	parts    [][]byte           // of a composite value: each piece's own digest
	inOrder  *inOrder           // of an ETag that is an MD5 of several pieces

	unlike driver.Checksum // where the ETag is compared instead: what is said of the checksum, and why it isn't
}

// preference is the order in which checksums are looked for, the cheap ones
// first.
var preference = []checksum.Algorithm{checksum.CRC64NVME, checksum.CRC32C, checksum.CRC32, checksum.SHA1, checksum.SHA256}

// stored is the checksum that an answer's head tells.
func stored(h http.Header) (a checksum.Algorithm, kind, value string) {
	for _, a := range preference {
		value := h.Get(a.HeaderKey())
		if value == "" {
			continue
		}
		kind := h.Get(s3api.HeaderChecksumType)
		if kind == "" {
			kind = s3api.ChecksumFullObject
			if parts, err := checksum.CheckValue(a, value); err == nil && parts > 0 {
				kind = s3api.ChecksumComposite
			}
		}
		return a, kind, value
	}
	return checksum.None, "", ""
}

// expect decides from the first answer's head what will be compared, and cuts
// the pieces so that it can be.
func (d *download) expect(ctx context.Context, ln *lane, h http.Header) {
	e := &d.expected
	a, kind, value := stored(h)
	e.result = driver.Checksum{Algorithm: a, Type: kind, Value: value}
	parts, err := checksum.CheckValue(a, value)
	switch {
	case !d.job.Checksum.Validate:
		e.result.How = "validation was not asked for"
	case a == checksum.None:
		e.result.How = "the store has no checksum of the object"
	case err != nil:
		e.result.How = "the store's value is not one: " + err.Error()
	case d.base != 0 || d.size != d.whole:
		e.result.How = "only a part of the object was asked for"
	case kind == s3api.ChecksumComposite:
		if e.result.How = d.align(ctx, ln, parts); e.result.How == "" {
			e.algorithm, e.parts = a, make([][]byte, d.pieces)
		}
	case a.Combinable() && d.pieces > 1:
		e.algorithm, e.combiner = a, checksum.NewCombiner(a, d.pieces)
	case d.pieces > 1:
		e.result.How = a.String() + " can't be combined from ranges"
	default:
		e.algorithm, e.digest = a, checksum.New(a)
	}
	d.expectETag(ctx, ln, h)
}

// hash is what a piece's bytes go through; nil if nothing is compared.
func (e *expectation) hash() *checksum.Hash {
	if e.algorithm == checksum.None || e.inOrder != nil {
		return nil
	}
	if e.digest != nil {
		e.digest.Reset()
		return e.digest
	}
	return checksum.New(e.algorithm)
}

// note takes the checksum of a complete piece. Pieces are noted from several
// goroutines at once, each once.
func (e *expectation) note(p *piece) {
	switch {
	case e.combiner != nil:
		e.combiner.Add(p.i, p.sum.Sum64(), p.length)
	case e.parts != nil:
		e.parts[p.i] = p.sum.AppendSum(nil)
	}
}

// compare holds what arrived against what the store has, once every piece has
// been noted.
func (e *expectation) compare() error {
	var got string
	switch {
	case e.algorithm == checksum.None:
		return nil
	case e.combiner != nil:
		sum, _ := e.combiner.Sum()
		got = checksum.FormatCRC(e.algorithm, sum)
		e.result.How = "compared with the pieces' checksums, combined"
	case e.parts != nil:
		got = checksum.FormatComposite(checksum.Composite(e.algorithm, e.parts), len(e.parts))
		e.result.How = "compared with the checksum of the parts' checksums"
	case e.inOrder != nil:
		got = e.inOrder.hash.Base64()
	default:
		got = e.digest.Base64()
		e.result.How = "compared with the checksum of the bytes"
	}
	if got != e.result.Value {
		return &driver.ChecksumError{Algorithm: e.algorithm, Want: e.result.Value, Got: got}
	}
	e.result.Validated = true
	if e.unlike.How != "" {
		e.result.How = "compared with the ETag, which is an MD5: " + e.unlike.How
	}
	return nil
}

// validate compares checksums. Bytes that don't match are fetched once more: a
// combined checksum doesn't tell which piece it was. What an ordered writer has
// got can't be taken back.
func (d *download) validate(ctx context.Context) error {
	err := d.compare(ctx)
	if err == nil {
		return nil
	}
	var mismatch *driver.ChecksumError
	if !errors.As(err, &mismatch) {
		return err
	}
	if d.expected.parts != nil && d.unequal(ctx) {
		d.expected.result.How = "the checksum is composite, of parts of unequal sizes"
		return nil
	}
	if d.sink.Ordered() {
		return err
	}
	if err := d.fetchAgain(ctx); err != nil {
		return err
	}
	if err := d.compare(ctx); err != nil {
		return &driver.Failure{Attempt: 2, Err: err}
	}
	return nil
}

// fetchAgain fetches every piece again, by range, and over other connections:
// what damaged the bytes may be on the way that these took.
func (d *download) fetchAgain(ctx context.Context) error {
	d.client.exchange.CloseIdle()
	d.events.Progress(-d.size)
	d.extraBytes.Add(d.size)
	d.next, d.there = 0, nil
	d.group, d.groupCtx = newGroup(ctx)
	d.spawnLanes()
	d.spawn.more()
	return d.group.wait()
}
