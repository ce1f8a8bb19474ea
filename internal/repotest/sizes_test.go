package repotest

import (
	"strings"
	"testing"
)

func TestSizesOfABadExample(t *testing.T) {
	long := "package p\n\nfunc (t *T[K]) m() {\n" + strings.Repeat("\tx()\n", 80) + "}\n"
	huge := "package p\n" + strings.Repeat("\n", 700)
	cases := map[string]struct {
		text, list string
		want       string
	}{
		"short":             {"package p\n", "", ""},
		"long-function":     {long, "", "a.go:T.m has 82 lines"},
		"long-file":         {huge, "", "a.go has 701 lines"},
		"listed":            {long, "a.go:T.m 82 2026-01-31 a table of cases", ""},
		"grown":             {long, "a.go:T.m 81 2026-01-31 a table of cases", "grew to 82"},
		"shrunk":            {long, "a.go:T.m 83 2026-01-31 a table of cases", "shrank to 82"},
		"no-longer-needed":  {"package p\n", "a.go:T.m 82 2026-01-31 a table of cases", "remove its entry"},
		"comment-and-blank": {"package p\n", "# a comment\n\n", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			list, err := parseExceptions([]byte(c.list))
			if err != nil {
				t.Fatal(err)
			}
			example := newTree(map[string][]byte{"a.go": []byte(c.text), "a_test.go": []byte(long)})
			wantFault(t, checkSizes(overWalls(example), list), c.want)
		})
	}
}

func TestExceptionsThatDoNotParse(t *testing.T) {
	for _, list := range []string{"a.go 82", "a.go 82 2026-01-31", "a.go many 2026-01-31 reason", "a.go 82 yesterday reason",
		"a.go 82 2026-01-31 reason\na.go 83 2026-01-31 reason"} {
		if got, err := parseExceptions([]byte(list)); err == nil {
			t.Errorf("%q: got %v, want an error", list, got)
		}
	}
}
