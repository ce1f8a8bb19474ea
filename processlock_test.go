//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package haul_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/haul-s3/haul"
)

// lockChild, in a process's environment, makes TestLockHolder hold the lock of
// that name until its input ends, or until it is killed.
const lockChild = "HAUL_TEST_LOCK"

func TestLockHolder(t *testing.T) {
	name := os.Getenv(lockChild)
	if name == "" {
		t.Skip("this is the other process of TestProcessLockAcrossProcesses")
	}
	if _, err := haul.AcquireProcessLock(name); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// startHolder starts a process that holds the lock, and returns its first line.
func startHolder(t *testing.T, name string) (line string, kill func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLockHolder$")
	cmd.Env = append(os.Environ(), lockChild+"="+name)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

func lockName(t *testing.T) string {
	name := fmt.Sprintf("haul-test-%d-%s", os.Getpid(), t.Name())
	t.Cleanup(func() { _ = os.Remove(lockPath(name)) })
	return name
}

// lockPath is where the Common Runtime keeps its locks.
func lockPath(name string) string {
	return filepath.Join("/tmp/aws_crt_cross_process_lock", name+".lock")
}

func TestProcessLockInThisProcess(t *testing.T) {
	name := lockName(t)
	l, err := haul.AcquireProcessLock(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := haul.AcquireProcessLock(name); !errors.Is(err, haul.ErrLockHeld) {
		t.Errorf("second acquire: got %v, want %v", err, haul.ErrLockHeld)
	}
	for range 2 {
		if err := l.Release(); err != nil {
			t.Errorf("Release: got %v, want nil", err)
		}
	}
	again, err := haul.AcquireProcessLock(name)
	if err != nil {
		t.Fatalf("acquire after Release: got %v, want nil", err)
	}
	if err := l.Release(); err != nil { // the old one has nothing to release
		t.Error(err)
	}
	if _, err := haul.AcquireProcessLock(name); !errors.Is(err, haul.ErrLockHeld) {
		t.Errorf("acquire after a stale Release: got %v, want %v", err, haul.ErrLockHeld)
	}
	if err := again.Release(); err != nil {
		t.Error(err)
	}
}

func TestProcessLockAcrossProcesses(t *testing.T) {
	name := lockName(t)
	line, kill := startHolder(t, name)
	defer kill()
	if line != "held" {
		t.Fatalf("child: got %q, want %q", line, "held")
	}
	if _, err := haul.AcquireProcessLock(name); !errors.Is(err, haul.ErrLockHeld) {
		t.Errorf("acquire while another process holds it: got %v, want %v", err, haul.ErrLockHeld)
	}
	kill() // a crash: nobody calls Release
	l, err := haul.AcquireProcessLock(name)
	if err != nil {
		t.Fatalf("acquire after the holder's crash: got %v, want nil", err)
	}
	line, killSecond := startHolder(t, name)
	defer killSecond()
	if !strings.Contains(line, haul.ErrLockHeld.Error()) {
		t.Errorf("child: got %q, want %v", line, haul.ErrLockHeld)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}

func TestProcessLockIsTheFlockOfItsFile(t *testing.T) {
	name := lockName(t)
	l, err := haul.AcquireProcessLock(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(lockPath(name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("mode: got %v, %v, want 0666, so that other users can lock it", info.Mode(), err)
	}
	try := func() error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }
	if err := try(); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("flock of a held lock: got %v, want %v", err, unix.EWOULDBLOCK)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if err := try(); err != nil {
		t.Errorf("flock of a released lock: got %v, want nil", err)
	}
	if _, err := haul.AcquireProcessLock(name); !errors.Is(err, haul.ErrLockHeld) {
		t.Errorf("acquire while a stranger has the flock: got %v, want %v", err, haul.ErrLockHeld)
	}
}

func TestProcessLockFollowsNoLink(t *testing.T) {
	name := lockName(t)
	l, err := haul.AcquireProcessLock(name + "-folder") // makes the folder
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Release(); _ = os.Remove(lockPath(name + "-folder")) }()
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, lockPath(name)); err != nil {
		t.Fatal(err)
	}
	if _, err := haul.AcquireProcessLock(name); err == nil {
		t.Error("acquire through a link: got nil, want an error")
	}
	if info, err := os.Stat(victim); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("linked file: got mode %v, %v, want it unchanged", info.Mode(), err)
	}
}

func TestProcessLockNames(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", "../a", `a\b`, "a\x00"} {
		if l, err := haul.AcquireProcessLock(name); l != nil || err == nil {
			t.Errorf("name %q: got lock %v, error %v, want an error", name, l != nil, err)
		}
	}
}
