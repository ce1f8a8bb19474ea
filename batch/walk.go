package batch

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Reasons for which Files leaves something out, in a SkippedError.
var (
	// ErrSpecialFile: a device, a FIFO or a socket.
	ErrSpecialFile = errors.New("not a regular file")
	// ErrLinkToFolder: a symbolic link to a folder, which could lead in circles.
	ErrLinkToFolder = errors.New("a symbolic link to a folder is not followed")
)

// Files finds the files below the folder root, in the order in which S3 lists
// keys of these names. A symbolic link to a file stands for that file. What is
// left out comes as a SkippedError, what can't be read as an error, with the
// Item's Name and Path; in both cases the walk goes on. One folder at a time is
// read, as the sequence is consumed.
func Files(root string) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) { walk(root, "", yield) }
}

// walk yields what is below a folder and says whether to go on. prefix is the
// folder's name with a slash, empty for the root.
func walk(folder, prefix string, yield func(Item, error) bool) bool {
	entries, err := os.ReadDir(folder)
	if err != nil && !yield(Item{Name: strings.TrimSuffix(prefix, "/"), Path: folder, Size: -1}, err) {
		return false
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(keyOrder(a), keyOrder(b)) })
	for _, e := range entries {
		path, name := filepath.Join(folder, e.Name()), prefix+e.Name()
		more := false
		if e.IsDir() {
			more = walk(path, name+"/", yield)
		} else {
			more = yield(file(path, name))
		}
		if !more {
			return false
		}
	}
	return true
}

// keyOrder is the name by which an entry is sorted: the keys of what is in a
// folder begin with its name and a slash.
func keyOrder(e fs.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}

// file makes the Item of what is no folder.
func file(path, name string) (Item, error) {
	item := Item{Name: name, Path: path, Size: -1}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return item, err
	case info.IsDir():
		return item, &SkippedError{ErrLinkToFolder}
	case !info.Mode().IsRegular():
		return item, &SkippedError{ErrSpecialFile}
	case !utf8.ValidString(name):
		return item, fmt.Errorf("file name %q is not UTF-8, as an object's key must be", name)
	}
	item.Size, item.ModTime = info.Size(), info.ModTime()
	return item, nil
}
