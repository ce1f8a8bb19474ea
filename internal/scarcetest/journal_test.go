//go:build linux

package scarcetest

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/haul-s3/haul"
)

// TestWritersWithOneJournal has many transfers of one object to one name, all
// with a journal: one has it at a time, the others are told so, and the file is
// whole.
func TestWritersWithOneJournal(t *testing.T) {
	s := newStore(t)
	m := s.manager(t, inPieces)
	path, journals := filepath.Join(t.TempDir(), "target"), t.TempDir()
	var writers sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range 8 {
		writers.Go(func() {
			err := fetch(t.Context(), m, "a", path, haul.WithResume(journals))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				done++
			} else if !errors.Is(err, haul.ErrJournalInUse) {
				t.Errorf("got %v, want success or %v", err, haul.ErrJournalInUse)
			}
		})
	}
	writers.Wait()
	if done == 0 {
		t.Error("transfers that were done: got 0, want one at least")
	}
	if err := whole(path); err != nil {
		t.Error(err)
	}
	wantFiles(t, filepath.Dir(path), "target")
	wantFiles(t, journals)
}
