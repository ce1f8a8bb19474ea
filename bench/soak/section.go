//go:build linux

package soak

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// heading begins the section of a page that WriteSection writes.
const heading = "## Soak\n"

// WriteSection puts a report into the section "Soak" of a page of Markdown, in
// place of that of an earlier soak of the same kind. The page may not exist.
func WriteSection(page, command string, r *Report) error {
	text, err := os.ReadFile(page)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(page, []byte(withReport(string(text), command, r)), 0o644)
}

func withReport(page, command string, r *Report) string {
	kind := "### " + map[bool]string{false: "Usual", true: "Starved"}[r.Options.Starved] + " client\n"
	before, rest, there := strings.Cut(page, heading)
	if !there && before != "" {
		before = strings.TrimRight(before, "\n") + "\n\n"
	}
	section, after := cutAt(rest, "\n## ")
	if !there {
		section = "\nMixed transfers under random faults and cancels, against a fake server in another process of the same machine;\n" +
			"every object that was reported done was compared.\n"
	}
	head, old, _ := strings.Cut(section, kind)
	_, others := cutAt(old, "\n### ")
	return before + heading + strings.TrimRight(head, "\n") + "\n\n" + kind + fmt.Sprintf("\n`%s`\n\n", command) +
		r.Markdown() + others + after
}

// cutAt cuts before what begins with a mark.
func cutAt(s, mark string) (before, from string) {
	if i := strings.Index(s, mark); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}
