package repotest

import (
	"strings"
	"testing"
)

// tower makes packages of the workspace from lines "package: import import"; a short name is one of ours.
func tower(lines ...string) map[string]pkg {
	full := func(name string) string {
		switch {
		case name == "haul":
			return modulePath
		case strings.Contains(name, "."):
			return name
		}
		return modulePath + "/" + name
	}
	packages := map[string]pkg{}
	for _, line := range lines {
		name, imports, _ := strings.Cut(line, ":")
		p := pkg{ImportPath: full(name)}
		for _, i := range strings.Fields(imports) {
			p.Imports = append(p.Imports, full(i))
		}
		packages[p.ImportPath] = p
	}
	return packages
}

func TestLayersOfABadExample(t *testing.T) {
	cases := map[string]struct {
		lines []string
		want  string // empty: no fault
	}{
		"down":                    {[]string{"cmd/haul: haul", "haul: engine", "engine: internal/wire", "internal/wire: internal/s3api"}, ""},
		"within-a-room":           {[]string{"cmd/haul: cmd/haul/ui"}, ""},
		"below-a-room":            {[]string{"compat/manager/inner: haul"}, ""},
		"up":                      {[]string{"internal/wire: engine"}, "points up"},
		"up-to-the-face":          {[]string{"engine: haul"}, "points up"},
		"unplaced":                {[]string{"internal/helpers:"}, "no layer"},
		"unplaced-beside-root":    {[]string{"util:"}, "no layer"},
		"sideways":                {[]string{"internal/plan: internal/wire"}, "one layer"},
		"sideways-listed":         {[]string{"internal/body: internal/bufpool"}, ""},
		"test-room-in-production": {[]string{"engine: internal/s3fake"}, "room for tests"},
		"test-room-in-sandbox":    {[]string{"sandbox: internal/testbody"}, ""},
		"test-room-in-test-room":  {[]string{"internal/managertest: internal/s3fake haul"}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { wantFault(t, checkLayers(tower(c.lines...)), c.want) })
	}
}

func TestSDKOfABadExample(t *testing.T) {
	const sdk = "github.com/aws/aws-sdk-go-v2/aws"
	cases := map[string]struct {
		lines []string
		want  string
	}{
		"allowed":         {[]string{"serialize: " + sdk}, ""},
		"direct":          {[]string{"engine: " + sdk}, "engine reaches"},
		"through-another": {[]string{"engine: internal/wire", "internal/wire: example.com/x", "example.com/x: " + sdk}, "engine reaches"},
		"report-direct":   {[]string{"report: " + sdk}, "report reaches"},
		"report-by-haul":  {[]string{"report: haul", "haul: " + sdk}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { wantFault(t, checkSDK(tower(c.lines...)), c.want) })
	}
}

// wantFault expects no fault where want is empty, else one that contains want.
func wantFault(t *testing.T, faults []string, want string) {
	t.Helper()
	all := strings.Join(faults, "\n")
	if (want == "") != (all == "") || !strings.Contains(all, want) {
		t.Errorf("faults: got %q, want %q in them (none if empty)", all, want)
	}
}
