package sigv4

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// param is one query parameter, encoded as sent.
type param struct{ name, value string }

// compareParams orders by encoded name, then by encoded value. Comparing
// "name=value" as a whole would be wrong: "-" sorts before "=".
func compareParams(a, b param) int {
	if c := cmp.Compare(a.name, b.name); c != 0 {
		return c
	}
	return cmp.Compare(a.value, b.value)
}

// appendQuery appends the canonical form of raw: sorted, each parameter with
// its "=". Empty parameters ("a&&b") fall away.
func (sc *scratch) appendQuery(b []byte, raw string) ([]byte, error) {
	sc.params = sc.params[:0]
	for rest := raw; rest != ""; {
		var piece string
		piece, rest, _ = strings.Cut(rest, "&")
		if piece == "" {
			continue
		}
		name, value, _ := strings.Cut(piece, "=")
		if !strictlyEncoded(name) || !strictlyEncoded(value) {
			return b, fmt.Errorf("sign request: query parameter %q is not strictly encoded", piece)
		}
		sc.params = append(sc.params, param{name, value})
	}
	slices.SortFunc(sc.params, compareParams)
	for i, p := range sc.params {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(append(b, p.name...), '=')
		b = append(b, p.value...)
	}
	return b, nil
}

// strictlyEncoded tells whether s is what S3's UriEncode makes: unreserved
// characters as they are, all others as % and two upper-case hex digits. The
// server encodes what it decoded in just that way, so anything else would be
// signed differently on the two sides.
func strictlyEncoded(s string) bool {
	for i := 0; i < len(s); i++ {
		if unreserved(s[i]) {
			continue
		}
		if s[i] != '%' || i+2 >= len(s) {
			return false
		}
		hi, lo := unhex(s[i+1]), unhex(s[i+2])
		if hi < 0 || lo < 0 || unreserved(byte(hi<<4|lo)) {
			return false
		}
		i += 2
	}
	return true
}

// unreserved tells whether c is in RFC 3986's unreserved set.
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// unhex returns the value of an upper-case hex digit, or -1.
func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
