//go:build linux

package scarcetest

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

const (
	childEnv    = "HAUL_TEST_SCARCE_CHILD" // which of the children it is; "" in the parent
	endpointEnv = "HAUL_TEST_SCARCE_ENDPOINT"
	keyEnv      = "HAUL_TEST_SCARCE_KEY"
)

// children are what a child process does, in the folder that it is started in.
// An error is printed, and fails the parent's test.
var children = map[string]func(endpoint string) error{
	"writer":      writeOver,
	"small-files": smallFiles,
	"nobody":      asNobody,
	"descriptors": fewDescriptors,
}

func TestMain(m *testing.M) {
	if name := os.Getenv(childEnv); name != "" {
		if err := children[name](os.Getenv(endpointEnv)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child is a process that does one of the children's work in dir.
func (s *store) child(name, dir, key string) *exec.Cmd {
	c := exec.Command(os.Args[0])
	c.Dir = dir
	c.Env = append(os.Environ(), childEnv+"="+name, endpointEnv+"="+s.endpoint, keyEnv+"="+key)
	return c
}

// run waits for a child and fails the test with what it says.
func run(t *testing.T, c *exec.Cmd) {
	t.Helper()
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
