package classictest_test

import (
	"testing"

	"github.com/haul-s3/haul/internal/managertest"
)

// TestConformance runs the suite against the strict fake.
func TestConformance(t *testing.T) {
	managertest.Run(t, managertest.StartFake(t), "classic")
}
