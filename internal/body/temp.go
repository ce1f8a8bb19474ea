package body

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"unicode/utf8"
)

var errTooManyLinks = errors.New("too many levels of symbolic links")

// shortNameBytes is a length of names that every file system takes with some
// bytes more. The usual limit is 255 bytes, but there are lower ones.
const shortNameBytes = 100

// tempSuffix is the length of what a temporary name has more: a dot and eight
// digits.
const tempSuffix = 9

// createTemp is os.CreateTemp with the mode of an ordinary new file: what is
// downloaded gets 0666 less the umask, not 0600. A long name gets no longer by
// being temporary: where the file may be, the temporary one may.
func createTemp(dir, prefix string) (*os.File, error) {
	if len(prefix) > shortNameBytes {
		prefix = cut(prefix, len(prefix)-tempSuffix)
	}
	if dir != "" && !os.IsPathSeparator(dir[len(dir)-1]) {
		dir += string(filepath.Separator)
	}
	for range 10_000 {
		name := dir + prefix + "." + strconv.FormatUint(uint64(rand.Uint32())+1<<32, 16)[1:]
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
	return nil, &fs.PathError{Op: "createtemp", Path: dir + prefix, Err: fs.ErrExist}
}

// cut shortens a name to at most n bytes without breaking a character, which
// some file systems refuse.
func cut(name string, n int) string {
	for n > 0 && !utf8.RuneStart(name[n]) {
		n--
	}
	return name[:n]
}
