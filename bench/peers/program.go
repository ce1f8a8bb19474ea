//go:build linux

package peers

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/haul-s3/haul/bench/workload"
)

// program is a client that is a program of its own.
type program struct {
	find    func(ctx context.Context) (path, version string) // path "": not installed
	not     string                                           // what to say then
	ports   bool                                             // false: only the scheme's own port can be used
	command func(w *workload.Spec) (args, env []string, config string)
	// configEnv names the variable with the configuration's path.
	configEnv string
}

func (p *program) version(ctx context.Context) string {
	_, version := p.find(ctx)
	return version
}

func (p *program) missing(ctx context.Context, w *workload.Spec) string {
	if path, _ := p.find(ctx); path == "" {
		return p.not
	}
	if !w.File {
		return "moves files only"
	}
	if u, err := url.Parse(w.Endpoint); !p.ports && err == nil && u.Port() != "80" && u.Port() != "443" {
		return "this version ignores the endpoint's port, and the null server could not listen on the scheme's own"
	}
	return ""
}

// Run runs a program and measures it from outside. Wall and processor time
// contain its start.
func (p *Peer) Run(ctx context.Context, w *workload.Spec) (workload.Usage, error) {
	path, _ := p.program.find(ctx)
	args, env, config := p.program.command(w)
	configPath := filepath.Join(w.Dir, p.Name+".conf")
	if err := os.WriteFile(configPath, []byte(config), 0o600); err != nil {
		return workload.Usage{}, err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(environment(), "AWS_ACCESS_KEY_ID="+accessKey, "AWS_SECRET_ACCESS_KEY="+secretKey, "AWS_DEFAULT_REGION="+region,
		"AWS_EC2_METADATA_DISABLED=true", p.program.configEnv+"="+configPath)
	cmd.Env = append(cmd.Env, env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	begin := time.Now()
	err := cmd.Run()
	u := workload.Usage{Wall: time.Since(begin)}
	if err != nil {
		return u, fmt.Errorf("%s: %w: %s", p.Name, err, strings.TrimSpace(out.String()))
	}
	rusage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	u.CPU = workload.CPU(rusage)
	u.PeakRSS = rusage.Maxrss << 10 // of the larger of the program and this process, which is the smaller one
	if w.Verify && !w.Up {
		err = w.VerifyFiles()
	}
	return u, err
}

// environment is this process's without what configures AWS clients.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return strings.HasPrefix(name, "AWS_") || strings.HasSuffix(strings.ToLower(name), "_proxy")
	})
}

// IsProgram says that the client is to be run with Run, not in a child of ours.
func (p *Peer) IsProgram() bool { return p.program != nil }

// versioned returns the first of the paths that answers to args with something
// that begins with want.
func versioned(ctx context.Context, want string, paths []string, args ...string) (path, version string) {
	for _, name := range paths {
		found, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		out, err := exec.CommandContext(ctx, found, args...).Output()
		line, _, _ := strings.Cut(string(out), "\n")
		if err == nil && strings.HasPrefix(line, want) {
			first, _, _ := strings.Cut(line, " Linux")
			return found, first
		}
	}
	return "", ""
}
