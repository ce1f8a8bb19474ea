//go:build linux

package compare

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Machine describes what a benchmark ran on, and of which commit.
func Machine(ctx context.Context) string {
	commit := "unknown"
	if out, err := exec.CommandContext(ctx, "git", "rev-parse", "--short", "HEAD").Output(); err == nil {
		commit = strings.TrimSpace(string(out))
	}
	return fmt.Sprintf("%d processors (%s), Linux %s, %s %s/%s, commit %s.\n",
		runtime.NumCPU(), processor(), kernel(), runtime.Version(), runtime.GOOS, runtime.GOARCH, commit)
}

func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func kernel() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "unknown"
	}
	release, _, _ := bytes.Cut(u.Release[:], []byte{0})
	return string(release)
}

// fileSystem says where the files were. The folder itself is gone by now.
func fileSystem(o *Options) string {
	var s unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(o.Dir), &s); err == nil && s.Type == unix.TMPFS_MAGIC {
		return "tmpfs"
	}
	return "a disk"
}
