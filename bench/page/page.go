//go:build linux

// Package page keeps a page of Markdown that several programs write: each has
// sections of its own, and leaves those of others as they are.
package page

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// sections are the headings of those parts of the page of results that are not
// the comparison's.
var sections = []string{"Soak", "Scaling", "Links"}

// Write puts text into the section of a page with this heading, in place of what
// was there, or at the end. The page may not exist.
func Write(path, heading, text string) error {
	old, err := read(path)
	if err != nil {
		return err
	}
	before, _, after := cut(old, heading)
	if before != "" {
		before = strings.TrimRight(before, "\n") + "\n\n"
	}
	return os.WriteFile(path, []byte(before+"## "+heading+"\n\n"+strings.TrimRight(text, "\n")+"\n"+after), 0o644)
}

// Kept are the sections of a page that others than the comparison have written:
// for the comparison, which writes the rest of the page anew.
func Kept(path string) (string, error) {
	text, err := read(path)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, heading := range sections {
		if _, section, _ := cut(text, heading); section != "" {
			b.WriteString("\n" + strings.TrimRight(section, "\n") + "\n")
		}
	}
	return b.String(), nil
}

func read(path string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(text), err
}

// cut cuts a section out of a page. What follows begins with an empty line.
func cut(page, heading string) (before, section, after string) {
	mark := "\n## " + heading + "\n"
	i := strings.Index("\n"+page, mark)
	if i < 0 {
		return page, "", ""
	}
	before, section = page[:i], page[i:]
	if j := strings.Index(section, "\n## "); j >= 0 {
		section, after = section[:j], section[j:]
	}
	return before, section, after
}
