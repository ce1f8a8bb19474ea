package repotest

import "testing"

func TestLinksOfABadExample(t *testing.T) {
	cases := map[string]struct{ page, want string }{
		"to-a-file":        {"see [b](b.md)", ""},
		"to-a-section":     {"see [b](b.md#here) and [here](#here)", ""},
		"to-a-folder":      {"see [sub](sub/) and [sub](sub)", ""},
		"from-the-root":    {"see [b](/docs/b.md)", ""},
		"up":               {"see [top](../TOP.md)", ""},
		"titled":           {`see [b](b.md "the second")`, ""},
		"to-the-web":       {"see [web](https://example.com/gone.md)", ""},
		"gone":             {"see [b](gone.md)", "gone.md"},
		"image-gone":       {"![drawing](gone.svg)", "gone.svg"},
		"gone-with-anchor": {"see [b](gone.md#here)", "gone.md"},
		"in-a-fence":       {"```\n[b](gone.md)\n```", ""},
		"in-code":          {"write `[b](gone.md)`", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			files := map[string][]byte{"docs/a.md": []byte(c.page), "docs/b.md": {}, "docs/sub/c.md": {}, "TOP.md": {}}
			wantFault(t, checkLinks(newTree(files)), c.want)
		})
	}
}

func TestMachinePathsOfABadExample(t *testing.T) {
	const slash = "/" // so that this file has none itself
	cases := map[string]struct{ line, want string }{
		"home":             {"cd " + slash + "home/someone", "path of one machine"},
		"quoted":           {`dir = "` + slash + `work/main"`, "path of one machine"},
		"at-the-start":     {slash + "root/x", "path of one machine"},
		"in-an-address":    {"https://example.com" + slash + "work/x", ""},
		"below-a-folder":   {"testdata" + slash + "root/x", ""},
		"below-a-variable": {"${dir}" + slash + "work/x", ""},
		"temporary":        {slash + "tmp/x", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			wantFault(t, checkMachinePaths(newTree(map[string][]byte{"a.txt": []byte(c.line)})), c.want)
		})
	}
}
