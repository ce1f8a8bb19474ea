//go:build linux

package scarcetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestTwoWritersInOneProcess has many transfers of two objects to one name: it
// is always one of them, whole.
func TestTwoWritersInOneProcess(t *testing.T) {
	s := newStore(t)
	m := s.manager(t, inPieces)
	path := filepath.Join(t.TempDir(), "target")
	var writers sync.WaitGroup
	for range 6 {
		for key := range bodies {
			writers.Go(func() {
				err := fetch(t.Context(), m, key, path)
				if err == nil {
					err = whole(path)
				}
				if err != nil {
					t.Errorf("writer of %s: %v", key, err)
				}
			})
		}
	}
	writers.Wait()
	wantFiles(t, filepath.Dir(path), "target")
}

// rounds is how often a child writes.
const rounds = 4

// writeOver downloads an object again and again to one name.
func writeOver(endpoint string) error {
	m, err := newManager(endpoint, inPieces)
	if err != nil {
		return err
	}
	for range rounds {
		if err := fetch(context.Background(), m, os.Getenv(keyEnv), "target"); err != nil {
			return err
		}
		if err := whole("target"); err != nil {
			return err
		}
	}
	return m.Shutdown(context.Background())
}

// TestTwoWritersInTwoProcesses is the same from two processes, with a reader in
// a third.
func TestTwoWritersInTwoProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("starts two processes")
	}
	s := newStore(t)
	dir := t.TempDir()
	var writers sync.WaitGroup
	for key := range bodies {
		writers.Go(func() { run(t, s.child("writer", dir, key)) })
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		writers.Wait()
	}()
	path := filepath.Join(dir, "target")
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		if err := whole(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("read while it was written: %v", err)
		}
	}
	if err := whole(path); err != nil {
		t.Error(err)
	}
	wantFiles(t, dir, "target")
}
