//go:build linux

package floor_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/haul-s3/haul/bench/floor"
	"github.com/haul-s3/haul/bench/nulls3"
	"github.com/haul-s3/haul/bench/workload"
)

// TestRun does every kind of work while each byte is compared.
func TestRun(t *testing.T) {
	for name, tls := range map[string]bool{"plain": false, "tls": true} {
		s, err := nulls3.Listen(nulls3.Config{TLS: tls, Check: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for _, up := range []bool{false, true} {
			for _, file := range []bool{false, true} {
				for _, size := range []int64{64 << 10, 3*(5<<20) + 7} {
					w := workload.Spec{
						Up: up, File: file, Objects: 1, Size: size, PartSize: 5 << 20, Concurrency: 3,
						Endpoint: s.Endpoints()[0], Dir: t.TempDir(), Verify: true,
					}
					if !w.Large() {
						w.Objects = 20
					}
					if tls {
						w.CA = filepath.Join(w.Dir, "ca.pem")
						if err := os.WriteFile(w.CA, s.Authority(), 0o600); err != nil {
							t.Fatal(err)
						}
					}
					check(t, s, &w, name)
				}
			}
		}
	}
}

func check(t *testing.T, s *nulls3.Server, w *workload.Spec, name string) {
	t.Helper()
	if err := w.Prepare(); err != nil {
		t.Fatal(err)
	}
	if err := w.Warm(); err != nil {
		t.Fatal(err)
	}
	before := s.Stats()
	err := floor.Run(t.Context(), w)
	if err == nil && w.File && !w.Up {
		err = w.VerifyFiles()
	}
	got := s.Stats().Since(before)
	if err != nil || got.Mismatches != 0 || w.Up && got.Verified != int64(w.Objects) {
		t.Errorf("%s %+v: %v, the server counted %+v", name, *w, err, got)
	}
	if moved, want := max(got.BytesIn, got.BytesOut), w.Size*int64(w.Objects); moved < want {
		t.Errorf("%s %+v: %d bytes moved, want %d", name, *w, moved, want)
	}
}
