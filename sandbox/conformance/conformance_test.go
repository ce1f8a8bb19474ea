package conformance_test

import (
	"context"
	"os"
	"testing"

	"github.com/haul-s3/haul/internal/managertest"
	"github.com/haul-s3/haul/sandbox/server"
)

func TestMain(m *testing.M) {
	server.MaybeServe()
	os.Exit(m.Run())
}

// TestConformance runs the suite against versitygw. Which tests that server
// can't judge is a table in managertest's skips.go; they are skipped, and the
// table is printed with the results (-v).
func TestConformance(t *testing.T) {
	s, err := server.Start(server.Options{Quiet: true, Versioned: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.CreateBucket(context.Background(), "bucket"); err != nil {
		t.Fatal(err)
	}
	managertest.Run(t, &managertest.Server{
		Name: "versitygw", Endpoint: s.Endpoint, AccessKey: s.AccessKey, SecretKey: s.SecretKey, Region: s.Region, Bucket: "bucket",
	})
}
