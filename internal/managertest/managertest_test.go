package managertest_test

import (
	"testing"

	"github.com/haul-s3/haul/internal/managertest"
)

// TestConformance runs the suite on the engine, against the strict fake. Package
// classictest runs it on the classic driver, and sandbox/conformance runs it
// against versitygw.
func TestConformance(t *testing.T) {
	managertest.Run(t, managertest.StartFake(t), "engine")
}
