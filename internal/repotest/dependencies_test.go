package repotest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestDependenciesOfABadExample(t *testing.T) {
	all := slices.Sorted(maps.Keys(dependencies))
	cases := map[string]struct {
		paths []string
		want  string
	}{
		"equal":   {all, ""},
		"added":   {append(slices.Clone(all), "example.com/framework"), "example.com/framework is a new"},
		"removed": {all[1:], all[0] + " is no direct"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			text := `{"Require": [{"Path": "example.com/i", "Indirect": true}, {"Path": "` + strings.Join(c.paths, `"}, {"Path": "`) + `"}]}`
			var m goMod
			if err := json.Unmarshal([]byte(text), &m); err != nil {
				t.Fatal(err)
			}
			wantFault(t, checkDependencies(m), c.want)
		})
	}
}

func TestGoModOfABadExample(t *testing.T) {
	cases := map[string]struct{ text, want string }{
		"plain":    {`{"Go": "1.25.0"}`, ""},
		"newer":    {`{"Go": "1.26.0"}`, "go directive is 1.26.0"},
		"replaced": {`{"Go": "1.25.0", "Replace": [{"Old": {"Path": "example.com/a"}}]}`, "example.com/a is replaced"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var m goMod
			if err := json.Unmarshal([]byte(c.text), &m); err != nil {
				t.Fatal(err)
			}
			wantFault(t, checkGoMod("a", m), c.want)
		})
	}
}
