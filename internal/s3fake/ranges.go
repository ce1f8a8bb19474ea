package s3fake

import (
	"strconv"
	"strings"
)

// parseRange reads a Range header for an object of size bytes. ok is false where S3 ignores the header and sends the
// whole object: another unit, several ranges, a malformed one. An unsatisfiable range is the error InvalidRange.
func parseRange(header string, size int64) (off, n int64, ok bool, err error) {
	spec, isBytes := strings.CutPrefix(header, "bytes=")
	first, last, isRange := strings.Cut(spec, "-")
	if !isBytes || !isRange || first == "" && last == "" {
		return 0, 0, false, nil
	}
	from, fromOK := parseOffset(first)
	to, toOK := parseOffset(last)
	switch {
	case !fromOK || !toOK || first != "" && last != "" && to < from:
		return 0, 0, false, nil
	case first == "":
		off, n = max(0, size-to), min(to, size)
	case last == "" || to >= size:
		off, n = from, size-from
	default:
		off, n = from, to-from+1
	}
	if n <= 0 {
		return 0, 0, false, fail("InvalidRange", "The requested range is not satisfiable",
			"RangeRequested", header, "ActualObjectSize", strconv.FormatInt(size, 10))
	}
	return off, n, true, nil
}

// parseOffset reads a decimal number of ASCII digits; an empty text is 0.
func parseOffset(text string) (int64, bool) {
	if text == "" {
		return 0, true
	}
	if strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// parseCopyRange reads x-amz-copy-source-range, which unlike Range must lie within the source.
func parseCopyRange(header string, size int64) (off, n int64, err error) {
	spec, isBytes := strings.CutPrefix(header, "bytes=")
	first, last, isRange := strings.Cut(spec, "-")
	from, fromOK := parseOffset(first)
	to, toOK := parseOffset(last)
	if !isBytes || !isRange || first == "" || last == "" || !fromOK || !toOK || to < from {
		return 0, 0, fail("InvalidArgument", "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
			"ArgumentName", "x-amz-copy-source-range", "ArgumentValue", header)
	}
	if to >= size {
		return 0, 0, fail("InvalidArgument", "Range specified is not valid for source object of size: "+strconv.FormatInt(size, 10),
			"ArgumentName", "x-amz-copy-source-range", "ArgumentValue", header)
	}
	return from, to - from + 1, nil
}

// contentRange is the value of a Content-Range header.
func contentRange(off, n, size int64) string {
	return "bytes " + strconv.FormatInt(off, 10) + "-" + strconv.FormatInt(off+n-1, 10) + "/" + strconv.FormatInt(size, 10)
}
