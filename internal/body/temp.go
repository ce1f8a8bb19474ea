package body

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
)

var errTooManyLinks = errors.New("too many levels of symbolic links")

// maxNameBytes is the longest file name that common file systems take.
const maxNameBytes = 255

// createTemp is os.CreateTemp with the mode of an ordinary new file: what is
// downloaded gets 0666 less the umask, not 0600.
func createTemp(dir, prefix string) (*os.File, error) {
	const suffix = 9 // a dot and eight digits
	if len(prefix) > maxNameBytes-suffix {
		prefix = prefix[:maxNameBytes-suffix]
	}
	for range 10_000 {
		name := filepath.Join(dir, prefix+"."+strconv.FormatUint(uint64(rand.Uint32())+1<<32, 16)[1:])
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
	return nil, &fs.PathError{Op: "createtemp", Path: filepath.Join(dir, prefix), Err: fs.ErrExist}
}
