package plan

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Source of the header forms in this file: RFC 9110, sections 14.1.2 (byte
// ranges), 14.2 (Range) and 14.4 (Content-Range). S3 takes one range a request.

// ErrUnsatisfiable is wrapped by the error of a range that has no byte in
// common with the object, for which a store answers 416.
var ErrUnsatisfiable = errors.New("range is outside the object")

// Range is a run of bytes of an object.
type Range struct {
	Offset int64 // of the first byte
	Length int64 // in bytes
}

// End returns the offset behind the last byte.
func (r Range) End() int64 { return r.Offset + r.Length }

// Header returns the value of a Range header that asks for these bytes,
// "bytes=first-last". It is empty for no bytes, which HTTP cannot ask for.
func (r Range) Header() string {
	if r.Length <= 0 {
		return ""
	}
	return RangeSpec{First: r.Offset, Last: r.End() - 1}.Header()
}

// RangeSpec is what one Range header asks for, before the object's size is
// known.
type RangeSpec struct {
	First int64 // offset of the first byte; -1 if the last Last bytes are meant
	Last  int64 // offset of the last byte; -1 means to the end of the object
}

// ParseRange reads the value of a Range header in one of the forms
// "bytes=first-last", "bytes=first-" and "bytes=-length". Several ranges in one
// header, which S3 does not take, are an error.
func ParseRange(s string) (RangeSpec, error) {
	spec, err := parseRange(s)
	if err != nil {
		return RangeSpec{}, fmt.Errorf("range %q: %w", s, err)
	}
	return spec, nil
}

// parseRange is ParseRange, with errors that do not name the text.
func parseRange(s string) (RangeSpec, error) {
	unit, set, ok := strings.Cut(s, "=")
	if !ok || !strings.EqualFold(unit, "bytes") {
		return RangeSpec{}, errors.New(`want "bytes=first-last", "bytes=first-" or "bytes=-length"`)
	}
	if strings.Contains(set, ",") {
		return RangeSpec{}, errors.New("several ranges in one request, S3 takes one")
	}
	from, to, ok := strings.Cut(set, "-")
	if !ok {
		return RangeSpec{}, errors.New("no hyphen between first and last byte")
	}
	first, err := parseOffset(from, to != "")
	if err != nil {
		return RangeSpec{}, err
	}
	last, err := parseOffset(to, from != "")
	if err != nil {
		return RangeSpec{}, err
	}
	if first >= 0 && last >= 0 && last < first {
		return RangeSpec{}, errors.New("last byte is before the first")
	}
	return RangeSpec{First: first, Last: last}, nil
}

// Header returns the value of the Range header that asks for s.
func (s RangeSpec) Header() string {
	switch {
	case s.First < 0:
		return "bytes=-" + strconv.FormatInt(s.Last, 10)
	case s.Last < 0:
		return "bytes=" + strconv.FormatInt(s.First, 10) + "-"
	}
	return "bytes=" + strconv.FormatInt(s.First, 10) + "-" + strconv.FormatInt(s.Last, 10)
}

// Resolve returns the bytes that s means in an object of total bytes. A range
// that reaches beyond the end stops there. The error wraps ErrUnsatisfiable if
// no byte is left.
func (s RangeSpec) Resolve(total int64) (Range, error) {
	first, last := s.First, s.Last
	if first < 0 {
		first, last = max(total-last, 0), total-1
	}
	if last < 0 || last >= total {
		last = total - 1
	}
	if last < first {
		return Range{}, fmt.Errorf("%s of %d bytes: %w", s.Header(), total, ErrUnsatisfiable)
	}
	return Range{Offset: first, Length: last - first + 1}, nil
}

// ParseContentRange reads the value of an answer's Content-Range header,
// "bytes first-last/total": the offsets of the first and the last byte that the
// answer brings, and the size of the object, -1 where it is "*". The
// "bytes */total" of a 416 brings no bytes and is an error.
func ParseContentRange(s string) (first, last, total int64, err error) {
	if first, last, total, err = parseContentRange(s); err != nil {
		return 0, 0, 0, fmt.Errorf("content range %q: %w", s, err)
	}
	return first, last, total, nil
}

// parseContentRange is ParseContentRange, with errors that do not name the text.
func parseContentRange(s string) (first, last, total int64, err error) {
	unit, rest, _ := strings.Cut(s, " ")
	bounds, size, okSize := strings.Cut(rest, "/")
	from, to, okBounds := strings.Cut(bounds, "-")
	if !strings.EqualFold(unit, "bytes") || !okSize || !okBounds {
		return 0, 0, 0, errors.New(`want "bytes first-last/total"`)
	}
	if first, err = parseOffset(from, false); err != nil {
		return 0, 0, 0, err
	}
	if last, err = parseOffset(to, false); err != nil {
		return 0, 0, 0, err
	}
	total = -1
	if size != "*" {
		if total, err = parseOffset(size, false); err != nil {
			return 0, 0, 0, err
		}
	}
	if last < first || total >= 0 && last >= total {
		return 0, 0, 0, errors.New("bytes are not in order")
	}
	return first, last, total, nil
}

// parseOffset reads a decimal number without sign or space. An empty text is -1
// where it may be missing.
func parseOffset(s string, mayMiss bool) (int64, error) {
	if s == "" && mayMiss {
		return -1, nil
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%q is not a byte offset", s)
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a byte offset", s)
	}
	return n, nil
}
