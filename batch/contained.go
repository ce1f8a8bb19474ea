package batch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrOutside says that a symbolic link in a folder leads out of it, so that a
// file would be written elsewhere than it was asked for.
var ErrOutside = errors.New("a symbolic link leads out of the folder")

// Contained looks at what is on the way from folder to path, which is below it
// by its name, and fails with ErrOutside if a symbolic link there leads
// elsewhere: neither a key nor someone who may write to the folder chooses what
// else is overwritten. Links within the folder are followed, and folder itself
// may be one. It says what is so now: links that are made later are not seen.
func Contained(folder, path string) error {
	rel, err := filepath.Rel(folder, path)
	if err != nil || !filepath.IsLocal(rel) {
		return fmt.Errorf("%s is not below %s", path, folder)
	}
	at := folder
	for element := range strings.SplitSeq(rel, string(filepath.Separator)) {
		at = filepath.Join(at, element)
		info, err := os.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // and so is all below
		}
		if err != nil {
			return err
		}
		if info.Mode().Type()&(fs.ModeSymlink|fs.ModeIrregular) != 0 { // on Windows a junction is irregular
			if err := leadsInto(folder, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// leadsInto fails unless a link leads to something in folder.
func leadsInto(folder, link string) error {
	root, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return err
	}
	target, err := filepath.EvalSymlinks(link)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w: what it leads to is not there", link, ErrOutside)
	}
	if err != nil {
		return err
	}
	if rel, err := filepath.Rel(root, target); err != nil || !filepath.IsLocal(rel) {
		return fmt.Errorf("%s: %w: it leads to %s", link, ErrOutside, target)
	}
	return nil
}
