//go:build linux

package compare

import (
	"fmt"
	"strconv"
	"strings"
)

// Size is a number of bytes on the command line: 64KiB, 8MiB, 2GiB or a number.
type Size int64

// Set reads a size.
func (s *Size) Set(text string) error {
	for i, unit := range []string{"KiB", "MiB", "GiB"} {
		if digits, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseInt(digits, 10, 32)
			*s = Size(n << (10 * (i + 1)))
			return err
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	*s = Size(n)
	return err
}

// String writes it in the largest unit that divides it.
func (s *Size) String() string {
	for i, unit := range []string{"GiB", "MiB", "KiB"} {
		if bytes := Size(1) << (10 * (3 - i)); *s >= bytes && *s%bytes == 0 {
			return fmt.Sprintf("%d%s", *s/bytes, unit)
		}
	}
	return strconv.FormatInt(int64(*s), 10)
}

// Type is what the help calls it.
func (*Size) Type() string { return "size" }
