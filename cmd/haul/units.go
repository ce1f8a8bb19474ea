package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// multiples are the prefixes of units, in lower case: of bytes, K alone is
// 1,024, as most programs have it; with a B it is 1,000.
var multiples = map[string]float64{
	"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12,
	"ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30, "ti": 1 << 40,
}

// byteSize is a number of bytes as a flag: "8MiB", "8M", "8MB", "4096".
type byteSize int64

// Set parses text: a whole, positive number of bytes.
func (s *byteSize) Set(text string) error {
	n, unit, err := splitNumber(text)
	if err != nil {
		return err
	}
	unit = strings.ToLower(unit)
	prefix, bytes := strings.CutSuffix(unit, "b")
	if !bytes && prefix != "" && !strings.HasSuffix(prefix, "i") {
		prefix += "i"
	}
	factor, ok := multiples[prefix]
	if !ok {
		return fmt.Errorf("%q has no unit of size: want a number of bytes, or one like 8MiB, 8M or 8MB", text)
	}
	return wholeBytes((*int64)(s), text, n*factor)
}

// String is empty for 0, which means that the flag isn't set.
func (s *byteSize) String() string {
	if *s == 0 {
		return ""
	}
	return formatBytes(int64(*s))
}

// Type names the flag's kind in the help.
func (s *byteSize) Type() string { return "size" }

// byteRate is a number of bytes per second as a flag: "50MB/s", "10Gbps".
type byteRate int64

// Set parses text. A small b is bits, a large B bytes; without either it is
// bytes, as in byteSize.
func (r *byteRate) Set(text string) error {
	n, unit, err := splitNumber(text)
	if err != nil {
		return err
	}
	perSecond := strings.TrimSuffix(strings.TrimSuffix(unit, "/s"), "ps")
	bits, isBits := strings.CutSuffix(strings.TrimSuffix(perSecond, "it"), "b")
	if !isBits {
		if (*byteSize)(r).Set(strconv.FormatFloat(n, 'f', -1, 64)+perSecond) != nil {
			return fmt.Errorf("%q is no rate: want one like 50MB/s, 100MiB/s or 10Gbps", text)
		}
		return nil
	}
	factor, ok := multiples[strings.ToLower(bits)]
	if !ok {
		return fmt.Errorf("%q has no unit of a rate: want one like 50MB/s, 100MiB/s or 10Gbps", text)
	}
	return wholeBytes((*int64)(r), text, math.Floor(n*factor/8))
}

// String is empty for 0, which means that the flag isn't set.
func (r *byteRate) String() string {
	if *r == 0 {
		return ""
	}
	return formatBytes(int64(*r)) + "/s"
}

// Type names the flag's kind in the help.
func (r *byteRate) Type() string { return "rate" }

// splitNumber takes the unit off a number.
func splitNumber(text string) (n float64, unit string, err error) {
	text = strings.TrimSpace(text)
	end := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if end < 0 {
		end = len(text)
	}
	if n, err = strconv.ParseFloat(text[:end], 64); err != nil {
		return 0, "", fmt.Errorf("%q does not begin with a number", text)
	}
	return n, strings.TrimSpace(text[end:]), nil
}

// wholeBytes sets a number that is at least 1 and has no fraction.
func wholeBytes(to *int64, text string, bytes float64) error {
	if bytes != math.Trunc(bytes) {
		return fmt.Errorf("%q is not a whole number of bytes", text)
	}
	if bytes < 1 || bytes >= math.MaxInt64 {
		return fmt.Errorf("%q is out of range: want at least 1 byte, and less than 8 EiB", text)
	}
	*to = int64(bytes)
	return nil
}

// formatBytes writes a size for people, as MiB and the like.
func formatBytes(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	value, unit := float64(n)/1024, 0
	for ; value >= 1023.95 && unit < len(units)-1; unit++ {
		value /= 1024
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + " " + units[unit:unit+1] + "iB"
}
