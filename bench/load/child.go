//go:build linux

package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// childEnv marks a process that is to do a load, and holds its Spec.
const childEnv = "HAUL_BENCH_LOAD"

// MaybeRun turns this process into a client, and never returns, if InChild
// started it; otherwise it does nothing.
func MaybeRun() {
	text := os.Getenv(childEnv)
	if text == "" {
		return
	}
	var s Spec
	err := json.Unmarshal([]byte(text), &s)
	if err == nil {
		var out Outcome
		if out, err = Run(context.Background(), s); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// InChild does a load in a process of its own, so that its figures are those of
// this load alone. The program must call MaybeRun first of all.
func InChild(ctx context.Context, s Spec) (out Outcome, err error) {
	self, err := os.Executable()
	if err != nil {
		return out, err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return out, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	answer, err := cmd.Output()
	if err != nil {
		return out, errors.Join(err, errors.New(strings.TrimSpace(stderr.String())))
	}
	return out, json.Unmarshal(answer, &out)
}
