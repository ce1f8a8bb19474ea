package repotest

import "testing"

func TestGoroutinesOfABadExample(t *testing.T) {
	const page = "# Rooms\n\n| `run` | not the table |\n\n## Every long-lived goroutine\n\n| who | what |\n| --- | --- |\n| `Client.readLoop` | reads |\n| dial | dials |\n\n## After\n\n| `after` | x |\n"
	cases := map[string]struct{ folder, body, want string }{
		"named":               {"engine", "go c.readLoop()", ""},
		"not-named":           {"engine", "go c.writeLoop()", "go writeLoop has no row"},
		"in-another-table":    {"engine", "go run()", "go run has no row"},
		"part-of-a-name":      {"engine", "go read()", "go read has no row"},
		"after-the-table":     {"engine", "go after()", "go after has no row"},
		"anonymous-by-parent": {"engine", "go func() {}()", "go f has no row"},
		"inside-a-literal":    {"engine", "func() { go gone() }()", "go gone has no row"},
		"wait-group":          {"engine", "wg.Go(func() {})", ""},
		"face":                {".", "go gone()", "go gone has no row"},
		"program":             {"cmd/haul", "go gone()", ""},
		"room-for-tests":      {"internal/s3fake", "go gone()", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			example := newTree(map[string][]byte{
				c.folder + "/a.go":      []byte("package a\n\nfunc f() { " + c.body + " }\n"),
				c.folder + "/a_test.go": []byte("package a\n\nfunc g() { go nobody() }\n"),
			})
			wantFault(t, checkGoroutines(example, goroutineTable([]byte(page))), c.want)
		})
	}
}
