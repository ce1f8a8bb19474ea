package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// byteUnits are the suffixes of a size. The longer ones come first, since "B" ends them all.
var byteUnits = []struct {
	suffix string
	bytes  float64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1}, {"", 1},
}

// byteSize is a number of bytes as a flag: "1GiB", "1.5MB", "4096".
type byteSize int64

// Set parses text. The size must be a whole number of bytes, not negative.
func (s *byteSize) Set(text string) error {
	for _, u := range byteUnits {
		number, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		bytes := n * u.bytes
		if err != nil || !(bytes >= 0 && bytes < math.MaxInt64) || bytes != math.Trunc(bytes) {
			break
		}
		*s = byteSize(bytes)
		return nil
	}
	return fmt.Errorf("%q is no size: want a number of bytes, KiB, MiB, GiB, TiB, kB, MB, GB or TB", text)
}

// String writes the size in the largest binary unit that it reaches.
func (s *byteSize) String() string {
	n := float64(*s)
	for _, u := range byteUnits[:4] {
		if n >= u.bytes {
			return strconv.FormatFloat(math.Round(n/u.bytes*10)/10, 'f', -1, 64) + " " + u.suffix
		}
	}
	return strconv.FormatInt(int64(*s), 10) + " B"
}

// Type names the flag's kind in the help.
func (s *byteSize) Type() string { return "size" }

// formatBytes writes a size for people.
func formatBytes(n int64) string { return (*byteSize)(&n).String() }
