package journal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/internal/body"
	"github.com/haul-s3/haul/internal/crashfs"
	"github.com/haul-s3/haul/internal/journal"
)

func open(t *testing.T, fsys body.FS, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(fsys, dir, testID)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestJournalComesBack(t *testing.T) {
	dir := t.TempDir()
	j := open(t, body.OS{}, dir)
	if j.Header != nil || j.Lost {
		t.Errorf("a journal that isn't there: got header %v, lost %v, want neither", j.Header, j.Lost)
	}
	if _, err := os.Stat(j.Path()); err == nil {
		t.Error("Open made a file, want none before Begin")
	}
	if err := j.Begin(testHeader); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{3, 1} {
		if err := j.Mark(testMark(i), 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(j.Path()); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode: got %v, %v, want 0600", info.Mode(), err)
	}
	b, err := os.ReadFile(j.Path())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(j.Path(), append(b, 1, 2, 3), 0o600); err != nil { // a torn record
		t.Fatal(err)
	}
	j = open(t, body.OS{}, dir)
	if j.Header == nil || len(j.Marks) != 2 || j.Marks[3] != testMark(3) || j.Marks[1] != testMark(1) {
		t.Fatalf("second Open: got %+v with marks %v, want marks 1 and 3", j.Header, j.Marks)
	}
	if err := j.Mark(testMark(2), 1); err != nil {
		t.Fatal(err)
	}
	_ = j.Close()
	j = open(t, body.OS{}, dir)
	if len(j.Marks) != 3 {
		t.Errorf("marks after a torn end was cut off: got %d, want 3", len(j.Marks))
	}
	if h, err := journal.Read(body.OS{}, j.Path()); err != nil || h.UploadID != testHeader.UploadID {
		t.Errorf("Read: got %+v, %v, want the header", h, err)
	}
	if err := j.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(j.Path()); err == nil {
		t.Error("after Remove: the file is there, want it gone")
	}
}

func TestJournalHasOneOwner(t *testing.T) {
	dir := t.TempDir()
	first, late := open(t, body.OS{}, dir), open(t, body.OS{}, dir)
	if err := first.Begin(testHeader); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Open(body.OS{}, dir, testID); !errors.Is(err, journal.ErrInUse) {
		t.Errorf("second Open: got %v, want %v", err, journal.ErrInUse)
	}
	if err := late.Begin(testHeader); !errors.Is(err, journal.ErrInUse) {
		t.Errorf("second Begin: got %v, want %v", err, journal.ErrInUse)
	}
	_ = first.Close()
	again := open(t, body.OS{}, dir)
	if again.Header == nil {
		t.Error("Open after Close: got no header, want the first one's")
	}
	_ = again.Remove()
}

func TestJournalSyncsDataFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys := crashfs.New("/j")
		j := open(t, fsys, "/j")
		defer j.Close()
		synced := 0
		j.SyncData = func() error { synced++; return nil }
		if err := j.Begin(testHeader); err != nil {
			t.Fatal(err)
		}
		marks := func() int {
			b, err := fsys.ReadFile(j.Path())
			if err != nil {
				t.Fatal(err)
			}
			c, err := journal.Load(b)
			if err != nil {
				t.Fatal(err)
			}
			return len(c.Marks)
		}
		want := func(what string, n, syncs int) {
			t.Helper()
			if got := marks(); got != n || synced != syncs {
				t.Errorf("%s: got %d marks after %d syncs, want %d after %d", what, got, synced, n, syncs)
			}
		}
		step := func(i int, n int64) {
			if err := j.Mark(testMark(i), n); err != nil {
				t.Fatal(err)
			}
		}
		step(0, 1)
		want("first mark", 0, 0)
		step(1, 64<<20)
		want("64 MiB", 2, 1)
		time.Sleep(2 * time.Second) // the bubble's clock
		step(2, 1)
		want("two seconds", 3, 2)
		step(3, 1)
		want("next mark", 3, 2)
		if err := j.Flush(); err != nil {
			t.Fatal(err)
		}
		want("Flush", 4, 3)
	})
}

func TestJournalKeepsAnError(t *testing.T) {
	fsys := crashfs.New("/j")
	j := open(t, fsys, "/j")
	defer j.Close()
	fault := errors.New("injected fault")
	j.SyncData = func() error { return fault }
	if err := j.Begin(testHeader); err != nil {
		t.Fatal(err)
	}
	if err := j.Mark(testMark(0), 64<<20); !errors.Is(err, fault) {
		t.Errorf("Mark: got %v, want %v", err, fault)
	}
	j.SyncData = nil
	if err := j.Mark(testMark(1), 1); !errors.Is(err, fault) {
		t.Errorf("next Mark: got %v, want %v", err, fault)
	}
}

// TestJournalAfterPowerLoss ends the power at every sync, with every choice of
// what survives of the rest: what is read is never more than was written.
func TestJournalAfterPowerLoss(t *testing.T) {
	for _, survive := range []string{"nothing", "everything", "every-other"} {
		t.Run(survive, func(t *testing.T) {
			for n := 1; ; n++ {
				fsys := crashfs.New("/j")
				j := open(t, fsys, "/j")
				j.SyncData = func() error { return nil }
				fsys.StopAt(n)
				flushed := -1
				err := j.Begin(testHeader)
				for i := 0; err == nil && i < 4; i++ {
					if flushed++; i > 0 {
						_ = j.Mark(testMark(i-1), 64<<20)
					}
					err = j.Flush()
				}
				stopped := fsys.Stopped()
				_ = j.Close()
				odd := false
				fsys.Restart(func() bool {
					odd = !odd
					return survive == "everything" || survive == "every-other" && odd
				})
				j = open(t, fsys, "/j")
				if flushed >= 0 && (j.Header == nil || len(j.Marks) < flushed-1) {
					t.Errorf("power gone at sync %d: got header %v and %d marks, want at least %d", n, j.Header, len(j.Marks), flushed-1)
				}
				for i, m := range j.Marks {
					if m != testMark(i) {
						t.Errorf("power gone at sync %d: got mark %+v, want %+v", n, m, testMark(i))
					}
				}
				_ = j.Close()
				if !stopped {
					return
				}
			}
		})
	}
}

func TestJournalFollowsNoLink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a right to make links")
	}
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	precious, _ := written(t, 2) // which would be taken for the journal itself
	if err := os.WriteFile(victim, precious, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(dir, journal.Name(testID))); err != nil {
		t.Fatal(err)
	}
	if j, err := journal.Open(body.OS{}, dir, testID); err == nil {
		_ = j.Close()
		t.Error("Open through a link: got nil, want an error")
	}
	if b, err := os.ReadFile(victim); err != nil || !bytes.Equal(b, precious) {
		t.Errorf("linked file: got %q, %v, want it unchanged", b, err)
	}
}

func TestJournalName(t *testing.T) {
	seen := map[string]bool{}
	for _, id := range []journal.ID{
		{Kind: journal.Upload, Bucket: "b", Key: "k", Path: "/p"},
		{Kind: journal.Download, Bucket: "b", Key: "k", Path: "/p"},
		{Kind: journal.Upload, Bucket: "bk", Key: "", Path: "/p"},
		{Kind: journal.Upload, Bucket: "b", Key: "a/../k", Path: "/p"},
		{Kind: journal.Upload, Bucket: "b", Key: strings.Repeat("é\x00:", 300), Path: "/p"},
		{Kind: journal.Upload, Bucket: "b", Key: "k/", Path: "/p"},
	} {
		name := journal.Name(id)
		if seen[name] || len(name) > 120 || filepath.Base(name) != name || strings.ContainsAny(name, "\x00:é") {
			t.Errorf("name of %+v: got %q, want one of its own that any system takes", id, name)
		}
		seen[name] = true
	}
	if name := journal.Name(journal.ID{Kind: journal.Upload, Key: "x/model.bin"}); !strings.HasPrefix(name, "upload-model.bin-") {
		t.Errorf("name: got %q, want it to begin with upload-model.bin-", name)
	}
}
