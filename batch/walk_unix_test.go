//go:build unix

package batch_test

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/haul-s3/haul/batch"
)

func TestFilesSkipsSpecialFiles(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o666); err != nil {
		t.Skip("no FIFO can be made here:", err)
	}
	var skipped *batch.SkippedError
	for item, err := range batch.Files(dir) {
		if item.Name != "fifo" || !errors.Is(err, batch.ErrSpecialFile) || !errors.As(err, &skipped) {
			t.Errorf("got %q, %v, want fifo skipped as a special file", item.Name, err)
		}
	}
	if skipped == nil {
		t.Error("got nothing, want the FIFO")
	}
}
