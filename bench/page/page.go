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
// the comparison's. Fuzzing is written by hand.
var sections = []string{"Soak", "Scaling", "Links", "Fuzzing"}

// Level is the mark of a heading.
type Level string

// The levels of headings that a page may be cut at.
const (
	Second Level = "## "
	Third  Level = "### " // cut a section first: one of these doesn't end at a Second
)

// Write puts text into the section of a page with this heading, in place of what
// was there, or at the end. The page may not exist.
func Write(path, heading, text string) error {
	old, err := read(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(Second.Replace(old, heading, text)), 0o644)
}

// Section is what a page has below a heading, empty if there is none.
func Section(path, heading string) (string, error) {
	text, err := read(path)
	if err != nil {
		return "", err
	}
	_, section, _ := Second.cut(text, heading)
	_, section, _ = strings.Cut(section, "\n") // the heading
	return strings.TrimLeft(section, "\n"), nil
}

// Replace puts text below a heading of this level, in place of what was there, or
// at the end, and returns the whole.
func (l Level) Replace(whole, heading, text string) string {
	before, _, after := l.cut(whole, heading)
	if before != "" {
		before = strings.TrimRight(before, "\n") + "\n\n"
	}
	return before + string(l) + heading + "\n\n" + strings.TrimRight(text, "\n") + "\n" + after
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
		if _, section, _ := Second.cut(text, heading); section != "" {
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

// cut cuts out a heading and what is below it. What follows begins with an empty
// line.
func (l Level) cut(whole, heading string) (before, section, after string) {
	i := strings.Index("\n"+whole, "\n"+string(l)+heading+"\n")
	if i < 0 {
		return whole, "", ""
	}
	before, section = whole[:i], whole[i:]
	if j := strings.Index(section, "\n"+string(l)); j >= 0 {
		section, after = section[:j], section[j:]
	}
	return before, section, after
}
