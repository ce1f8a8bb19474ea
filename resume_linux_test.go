package haul_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/internal/testbody"
)

// The children of these tests find the file to move as "file" in their folder,
// and keep journals in "journals" there.

const childParts = 8 * mib

func childOptions(dir string) []haul.TransferOption {
	return append(resumeOptions(filepath.Join(dir, "journals")), haul.WithPartSize(childParts))
}

func childUpload(m *haul.Manager, dir string) (*haul.Future, error) {
	return m.Upload(context.Background(), haul.FromFile(filepath.Join(dir, "file")), putKey("k"), childOptions(dir)...)
}

func childDownload(m *haul.Manager, dir string) (*haul.Future, error) {
	return m.Download(context.Background(), getKey("k"), haul.ToFile(filepath.Join(dir, "file")), childOptions(dir)...)
}

func childResume(m *haul.Manager, dir string) (*haul.Future, error) {
	names, err := filepath.Glob(filepath.Join(dir, "journals", "*"))
	if err != nil || len(names) != 1 {
		return nil, fmt.Errorf("journals: got %v, %v, want one", names, err)
	}
	return m.Resume(context.Background(), names[0])
}

// resumeChild is a child that runs a transfer, tells of every sync of its
// journal, and at the end how many bytes it had not to move.
func resumeChild(begin func(*haul.Manager, string) (*haul.Future, error)) func(url, dir string) error {
	return func(url, dir string) error {
		m, err := resumeManager(url, func(o *haul.Options) { o.FS = tellingFS{} })
		if err != nil {
			return err
		}
		result, err := haul.Wait(begin(m, dir))
		if err != nil {
			return err
		}
		fmt.Println("resumed", result.Resumed)
		return nil
	}
}

// tellingFS tells on standard output when a journal was synced.
type tellingFS struct{ haul.OSFS }

func (f tellingFS) OpenKept(name string, create bool) (haul.File, error) {
	file, err := f.OSFS.OpenKept(name, create)
	if err != nil || !strings.HasSuffix(name, ".journal") {
		return file, err
	}
	return tellingFile{file}, nil
}

type tellingFile struct{ haul.File }

func (f tellingFile) Sync() error {
	err := f.File.Sync()
	fmt.Println("synced")
	return err
}

func (f tellingFile) Fd() uintptr { return f.File.(*os.File).Fd() }

// startResumeChild starts a child that does job, and returns its output.
func startResumeChild(t *testing.T, job, url, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), memoryChild+"="+job, memoryURL+"="+url, memoryDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
	return child, bufio.NewScanner(out)
}

// killResumeChild ends a child as kill -9 does, once its journal was synced so often and the
// toll gate is shut.
func killResumeChild(t *testing.T, g *tollGate, job, dir string, syncs int) {
	t.Helper()
	child, lines := startResumeChild(t, job, g.url, dir)
	for range syncs {
		if !lines.Scan() || lines.Text() != "synced" {
			t.Fatalf("child: got %q, want it to sync its journal %d times", lines.Text(), syncs)
		}
	}
	<-g.blocked
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
}

// runResumeChild runs a child to its end and returns what it resumed.
func runResumeChild(t *testing.T, job, url, dir string) (resumed int64) {
	t.Helper()
	child, lines := startResumeChild(t, job, url, dir)
	resumed = -1
	for lines.Scan() {
		_, _ = fmt.Sscanf(lines.Text(), "resumed %d", &resumed)
	}
	if err := child.Wait(); err != nil || resumed < 0 {
		t.Fatalf("child: got %v, want it to end well", err)
	}
	return resumed
}

func childFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "journals"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestKilledUploadIsTakenUp kills a process in the middle of an upload: another
// one sends at most the parts again that were in flight.
func TestKilledUploadIsTakenUp(t *testing.T) {
	if testing.Short() {
		t.Skip("sends 100 MiB")
	}
	for _, next := range []string{"resume-up", "resume-token"} {
		t.Run(next, func(t *testing.T) {
			dir := childFolder(t)
			data := testbody.Bytes(5, 12*childParts+1)
			if err := os.WriteFile(filepath.Join(dir, "file"), data, 0o600); err != nil {
				t.Fatal(err)
			}
			g := newTollGate(t, s3fake.Options{NoMD5: true}, 6*childParts)
			killResumeChild(t, g, "resume-up", dir, 1)
			answered := 0
			for _, r := range g.server.Requests() {
				if r.Op == "UploadPart" && r.Status == 200 {
					answered++
				}
			}
			g.open()
			before := len(g.server.Requests())
			resumed := runResumeChild(t, next, g.url, dir)
			object, ok := g.server.Object("b", "k")
			if !ok || !bytes.Equal(object.Data, data) {
				t.Fatal("the object is not the file")
			}
			sent := 0
			for _, r := range g.server.Requests()[before:] {
				if r.Op == "UploadPart" {
					sent++
				}
			}
			const parts, inFlight = 13, 2
			if again := sent - (parts - answered); answered < 3 || again > inFlight || resumed < int64(answered-inFlight)*childParts {
				t.Errorf("parts answered before the kill: %d; then %d were sent of %d, %d bytes resumed; want at most %d sent again",
					answered, sent, parts, resumed, inFlight)
			}
			wantEmpty(t, filepath.Join(dir, "journals"))
			if left := g.server.Uploads(); len(left) > 0 {
				t.Errorf("uploads left open: %v", left)
			}
		})
	}
}

// TestKilledDownloadIsTakenUp kills a process in the middle of a download:
// another one fetches at most again what was in flight and what had not been
// synced.
func TestKilledDownloadIsTakenUp(t *testing.T) {
	if testing.Short() {
		t.Skip("fetches 200 MiB")
	}
	dir := childFolder(t)
	const size, served = 200 * mib, 150 * mib
	g := newTollGate(t, s3fake.Options{NoMD5: true}, served)
	g.server.Synthetic("b", "k", size, 6)
	killResumeChild(t, g, "resume-down", dir, 3) // its beginning, and twice 64 MiB
	g.open()
	resumed := runResumeChild(t, "resume-token", g.url, dir)
	f, err := os.Open(filepath.Join(dir, "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := io.ReadAll(f)
	if bad, ok := testbody.Check(got, 6, 0); err != nil || len(got) != size || !ok {
		t.Fatalf("file: got %d bytes, %v, the first wrong one at %d, want %d right ones", len(got), err, bad, size)
	}
	const batch, inFlight = 64 * mib, 2 * childParts
	if again := served - resumed; again > batch+inFlight {
		t.Errorf("%d bytes had been served, %d were resumed: %d fetched again, want at most %d", served, resumed, again, batch+inFlight)
	}
	wantEmpty(t, filepath.Join(dir, "journals"))
	if left, _ := filepath.Glob(filepath.Join(dir, "file.*")); len(left) > 0 {
		t.Errorf("temporary files left: %v", left)
	}
}

// TestResumeHasOneOwnerAcrossProcesses has another process hold the journal.
func TestResumeHasOneOwnerAcrossProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process")
	}
	dir := childFolder(t)
	if err := os.WriteFile(filepath.Join(dir, "file"), testbody.Bytes(5, 3*childParts), 0o600); err != nil {
		t.Fatal(err)
	}
	g := newTollGate(t, s3fake.Options{NoMD5: true}, childParts)
	child, lines := startResumeChild(t, "resume-up", g.url, dir)
	if !lines.Scan() || lines.Text() != "synced" {
		t.Fatalf("child: got %q, want it to begin its journal", lines.Text())
	}
	<-g.blocked
	m := mustResumeManager(t, g.url)
	_, err := haul.Wait(childUpload(m, dir))
	wantErr(t, "upload while another process has the journal", err, haul.ErrJournalInUse)
	_, err = haul.Wait(childResume(m, dir))
	wantErr(t, "Resume while another process has the journal", err, haul.ErrJournalInUse)
	g.open()
	if err := errors.Join(drainLines(lines), child.Wait()); err != nil {
		t.Errorf("child: got %v, want it to end well", err)
	}
}

func drainLines(lines *bufio.Scanner) error {
	for lines.Scan() {
	}
	return lines.Err()
}
