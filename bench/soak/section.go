//go:build linux

package soak

import (
	"fmt"

	"github.com/haul-s3/haul/bench/page"
)

const (
	heading = "Soak"
	about   = "Mixed transfers under random faults and cancels, against a fake server in another process of the same machine;\n" +
		"every object that was reported done was compared.\n"
)

// WriteSection puts a report into the section "Soak" of a page of Markdown, in
// place of that of an earlier soak of the same kind. The page may not exist.
func WriteSection(path, command string, r *Report) error {
	section, err := page.Section(path, heading)
	if err != nil {
		return err
	}
	if section == "" {
		section = about
	}
	kind := map[bool]string{false: "Usual", true: "Starved"}[r.Options.Starved] + " client"
	return page.Write(path, heading, page.Third.Replace(section, kind, fmt.Sprintf("`%s`\n\n%s", command, r.Markdown())))
}
