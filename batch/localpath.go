package batch

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// LocalPath is the path of the file below folder that a downloaded object of
// this name gets. A name that can't be a file there, or that would share its
// file with another name, is refused: keys are chosen by whoever writes to the
// bucket. It looks at the name alone; see Contained for what is in the folder.
func LocalPath(folder, name string) (string, error) {
	if why := unfit(name, runtime.GOOS == "windows"); why != "" {
		return "", fmt.Errorf("%q can't be the name of a file in %s: %s", name, folder, why)
	}
	path := filepath.FromSlash(name)
	if !filepath.IsLocal(path) { // also the reserved names of Windows
		return "", fmt.Errorf("%q can't be the name of a file in %s", name, folder)
	}
	return filepath.Join(folder, path), nil
}

// unfit says why a name can't be that of a file below a folder, nothing if it
// can be.
func unfit(name string, windows bool) string {
	switch {
	case strings.Contains(name, "\x00"):
		return "it has a NUL"
	case strings.HasPrefix(name, "/"):
		return "it begins with a slash"
	case windows && strings.ContainsAny(name, `\:`):
		return "it has a backslash or a colon"
	}
	for element := range strings.SplitSeq(name, "/") {
		switch element {
		case "..":
			return "it leads out of its folder"
		case "", ".":
			return "it has an empty element"
		}
	}
	return ""
}
