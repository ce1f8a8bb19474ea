package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// mutation is one change of the code that breaks a promise, and the test that
// notices.
type mutation struct {
	item    int    // of the list of promises, see headings
	promise string // in a few words
	file    string // path in the tree
	old     string // text that is there once
	new     string
	pkg     string // folder of the test
	test    string // as -run takes it
	fast    bool   // one of the ten of CI
}

// mutated is the file's text with the change.
func (m *mutation) mutated(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		return "", fmt.Errorf("%s: the text to change is there %d times, want once: %s", m.file, n, m.old)
	}
	return strings.Replace(string(text), m.old, m.new, 1), nil
}

// survives says why a mutation was not shown to be noticed, "" if it was.
func (m *mutation) survives(ctx context.Context, scratch string) (why string) {
	if out, err := m.run(ctx); err != nil {
		return "the test fails without it: " + tail(out)
	}
	overlay, err := m.overlay(scratch)
	if err != nil {
		return err.Error()
	}
	out, err := m.run(ctx, "-count=1", "-overlay="+overlay)
	switch {
	case err == nil:
		return "the test stays green"
	case strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]"):
		return "it does not compile: " + tail(out)
	case !strings.Contains(out, "--- FAIL") && !strings.Contains(out, "panic: ") && !strings.Contains(out, "fatal error: "):
		return "the test ended in another way: " + tail(out)
	}
	return ""
}

// run runs the mutation's test.
func (m *mutation) run(ctx context.Context, flags ...string) (out string, err error) {
	args := append([]string{"test", "-vet=off", "-timeout=1m", "-run=^" + strings.ReplaceAll(m.test, "/", "$/^") + "$"}, flags...)
	b, err := exec.CommandContext(ctx, "go", append(args, "./"+m.pkg)...).CombinedOutput()
	if err == nil && strings.Contains(string(b), "no tests to run") {
		err = fmt.Errorf("no test of the name %s", m.test)
	}
	return string(b), err
}

// overlay writes the changed file, and what tells the compiler to take it for
// the one in the tree. Nothing in the tree is changed.
func (m *mutation) overlay(scratch string) (path string, err error) {
	text, err := m.mutated(".")
	if err != nil {
		return "", err
	}
	original, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	changed := filepath.Join(scratch, filepath.Base(m.file))
	if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
		return "", err
	}
	b, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		return "", err
	}
	path = filepath.Join(scratch, "overlay.json")
	return path, os.WriteFile(path, b, 0o600)
}

func tail(s string) string {
	const most = 600
	return strings.TrimSpace(s[max(0, len(s)-most):])
}
