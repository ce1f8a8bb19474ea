//go:build linux

package nulls3

import (
	"fmt"
	"strconv"
	"strings"
)

// listing is a folder of objects that are there because their names say so.
type listing struct {
	prefix string
	count  int
	size   string // as in the prefix
}

// parseListing reads a prefix of the form many-COUNT-SIZE/, which may have
// folders before it.
func parseListing(prefix string) (l listing, ok bool) {
	folder, rest, ok := strings.Cut(prefix, "/")
	for ok && rest != "" {
		folder, rest, ok = strings.Cut(rest, "/")
	}
	many, isMany := strings.CutPrefix(folder, "many-")
	count, size, hasSize := strings.Cut(many, "-")
	n, err := strconv.Atoi(count)
	_, sized := parseSize(size)
	return listing{prefix, n, size}, ok && isMany && hasSize && err == nil && sized
}

func (l listing) key(i int) string { return fmt.Sprintf("%s%09d-%s", l.prefix, i, l.size) }

// list answers ListObjectsV2.
func (c *conn) list(h *head) error {
	prefix, _ := h.parameter("prefix")
	l, ok := parseListing(prefix)
	if !ok {
		l.count = 0
	}
	maxKeys := 1000
	if n := h.number("max-keys"); n > 0 && n < maxKeys {
		maxKeys = n
	}
	from := h.number("continuation-token")
	if after, ok := h.parameter("start-after"); ok {
		for from < l.count && l.key(from) <= after {
			from++
		}
	}
	end := min(l.count, from+maxKeys)
	size, _ := parseSize(l.size)
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="`+namespace+`"><Name>b</Name><Prefix>%s</Prefix><KeyCount>%d</KeyCount><MaxKeys>%d</MaxKeys><IsTruncated>%t</IsTruncated>`,
		escape(prefix), max(0, end-from), maxKeys, end < l.count)
	if end < l.count {
		fmt.Fprintf(&b, `<NextContinuationToken>%d</NextContinuationToken>`, end)
	}
	for i := from; i < end; i++ {
		fmt.Fprintf(&b, `<Contents><Key>%s</Key><LastModified>2023-01-10T23:39:32.000Z</LastModified><ETag>%s</ETag><Size>%d</Size><StorageClass>STANDARD</StorageClass></Contents>`,
			escape(l.key(i)), escape(etag), size)
	}
	b.WriteString(`</ListBucketResult>`)
	return c.xml(b.String())
}
