package repotest

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

var (
	markdownLink = regexp.MustCompile(`\]\(([^()\s]+)(?:\s+"[^"]*")?\)`)
	inlineCode   = regexp.MustCompile("`[^`]*`")
	schemeOrHash = regexp.MustCompile(`^([a-z][a-z0-9+.-]*:|#)`)
)

// checkLinks finds links of Markdown pages to files that are not in the tree.
func checkLinks(t *tree) (faults []string) {
	for _, p := range t.paths {
		if !strings.HasSuffix(p, ".md") {
			continue
		}
		fenced := false
		for n, line := range strings.Split(string(t.text[p]), "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				fenced = !fenced
			}
			if fenced {
				continue
			}
			for _, m := range markdownLink.FindAllStringSubmatch(inlineCode.ReplaceAllString(line, ""), -1) {
				if !schemeOrHash.MatchString(m[1]) && !t.has(linkTarget(p, m[1])) {
					faults = append(faults, fmt.Sprintf("%s:%d: nothing is at %s", p, n+1, m[1]))
				}
			}
		}
	}
	return faults
}

// linkTarget is the path in the tree of a link on a page. A leading slash means the root of the tree.
func linkTarget(page, link string) string {
	link, _, _ = strings.Cut(link, "#")
	if strings.HasPrefix(link, "/") {
		return path.Clean(link[1:])
	}
	return path.Join(path.Dir(page), link)
}

// has reports whether a file or folder is in the tree.
func (t *tree) has(p string) bool {
	if _, ok := t.text[p]; ok || p == "." {
		return true
	}
	for _, file := range t.paths {
		if strings.HasPrefix(file, p+"/") {
			return true
		}
	}
	return false
}

// machinePath matches the absolute paths that a developer's machine leaves behind. What stands before it keeps longer
// paths and addresses, of which it is a part, from matching.
var machinePath = regexp.MustCompile(`(?:^|[^\w.\-~/%$})])/(?:` + strings.Join([]string{"work", "farm", "home", "root"}, "|") + `)/\w`)

// checkMachinePaths finds such paths anywhere in the tree.
func checkMachinePaths(t *tree) (faults []string) {
	for _, p := range t.paths {
		for n, line := range strings.Split(string(t.text[p]), "\n") {
			if m := machinePath.FindString(line); m != "" {
				faults = append(faults, fmt.Sprintf("%s:%d: %q is a path of one machine", p, n+1, m))
			}
		}
	}
	return faults
}
