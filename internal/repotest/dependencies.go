package repotest

import (
	"encoding/json"
	"fmt"
	"slices"
)

// goDirective is the oldest release that haul builds with: the last but one.
const goDirective = "1.25.0"

// dependencies are the library's direct ones, each with the reason why it is there. No server, no command-line
// framework, no telemetry belongs here: those are dependencies of nested modules.
var dependencies = map[string]string{
	"github.com/aws/aws-sdk-go-v2":            "haul takes and gives the SDK's own types",
	"github.com/aws/aws-sdk-go-v2/service/s3": "haul takes and gives the SDK's own types",
	"github.com/aws/smithy-go":                "the SDK's errors, and its way from an input to a request",
	"github.com/minio/crc64nvme":              "the vectorised CRC64NVME, which the standard library has not",
	"golang.org/x/sync":                       "semaphores",
	"golang.org/x/sys":                        "file preallocation, locks and socket options",
}

// goMod is what the rule needs of a go.mod, in the words of go mod edit -json.
type goMod struct {
	Go      string
	Require []struct {
		Path     string
		Indirect bool
	}
	Replace []struct{ Old struct{ Path string } }
}

func readGoMod(dir string) (m goMod, err error) {
	out, err := goCommand(dir, "mod", "edit", "-json")
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(out, &m)
}

// checkGoMod finds what no go.mod of the workspace may have: another Go release, or a replace, which would break
// go install of the command.
func checkGoMod(dir string, m goMod) (faults []string) {
	if m.Go != goDirective {
		faults = append(faults, fmt.Sprintf("%s: go directive is %s, want %s", dir, m.Go, goDirective))
	}
	for _, r := range m.Replace {
		faults = append(faults, fmt.Sprintf("%s: %s is replaced; go.work is the place for that", dir, r.Old.Path))
	}
	return faults
}

// checkDependencies compares the library's direct dependencies with the list.
func checkDependencies(m goMod) (faults []string) {
	var direct []string
	for _, r := range m.Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
	}
	for _, path := range direct {
		if dependencies[path] == "" {
			faults = append(faults, fmt.Sprintf("%s is a new direct dependency: give its reason in dependencies.go", path))
		}
	}
	for path := range dependencies {
		if !slices.Contains(direct, path) {
			faults = append(faults, fmt.Sprintf("%s is no direct dependency any more: remove it from dependencies.go", path))
		}
	}
	slices.Sort(faults)
	return faults
}
