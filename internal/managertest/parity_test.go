package managertest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/haul-s3/haul/internal/managertest"
)

// TestSkipsAreTold holds the table of what is left out to the suite: no test may
// pass without having run.
func TestSkipsAreTold(t *testing.T) {
	if bad := managertest.BadSkips(); len(bad) > 0 {
		t.Errorf("skips.go: got %q, want names of tests with a reason, and none that is run without its parts", bad)
	}
}

func TestEveryRowAndFaultHasATest(t *testing.T) {
	for _, c := range []struct {
		form  string
		count int
		names []string
	}{
		{"row-4.%02d-", 34, managertest.Parity()},
		{"fault-%02d-", 21, managertest.Faults()},
	} {
		if len(c.names) != c.count {
			t.Errorf("%s: got %d tests, want %d", c.form, len(c.names), c.count)
		}
		for i := range min(c.count, len(c.names)) {
			if prefix := fmt.Sprintf(c.form, i+1); !strings.HasPrefix(c.names[i], prefix) {
				t.Errorf("test %d: got %s, want %s…", i+1, c.names[i], prefix)
			}
		}
	}
	for name, reason := range managertest.DecidedOtherwise {
		if !slices.Contains(managertest.Parity(), name) || !strings.HasSuffix(reason, ".") {
			t.Errorf("%s: got reason %q, want a row's name and a sentence", name, reason)
		}
	}
}
