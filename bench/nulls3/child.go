//go:build linux

package nulls3

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"

	"github.com/haul-s3/haul/bench/tlsconn"
)

// childEnv marks the process that is to be the server, and holds its Config.
const childEnv = "HAUL_BENCH_NULLS3"

// hello is what the child says once it listens.
type hello struct {
	Endpoints []string
	Authority []byte
}

// MaybeServe turns this process into a null server, and never returns, if Start
// started it; otherwise it does nothing.
func MaybeServe() {
	text := os.Getenv(childEnv)
	if text == "" {
		return
	}
	if err := serveChild(text); err != nil {
		fmt.Fprintln(os.Stderr, "nulls3:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serveChild(text string) error {
	var c Config
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	debug.SetGCPercent(800) // its memory isn't measured, its share of the processors matters
	s, err := Listen(c)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(hello{s.Endpoints(), s.Authority()}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin) // ends with the parent
	return err
}

// Child is a null server in a process of its own.
type Child struct {
	Endpoints []string
	CA        string // path of the authority's certificate; "" without TLS
	cmd       *exec.Cmd
	stdin     io.Closer
	http      *http.Client
}

// Start starts a null server in a child process, so that what it costs isn't
// counted as the client's. The program must call MaybeServe first of all. dir is
// where the authority's certificate is written.
func Start(c Config, dir string) (*Child, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	child := &Child{cmd: exec.Command(self)}
	child.cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	child.cmd.Stderr = os.Stderr
	if child.stdin, err = child.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := child.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := child.cmd.Start(); err != nil {
		return nil, err
	}
	if err := child.greet(stdout, dir); err != nil {
		return nil, errors.Join(err, child.Close())
	}
	return child, nil
}

// greet waits until the child listens.
func (c *Child) greet(stdout io.Reader, dir string) error {
	var h hello
	if err := json.NewDecoder(bufio.NewReader(stdout)).Decode(&h); err != nil {
		return fmt.Errorf("null server: %w", err)
	}
	c.Endpoints = h.Endpoints
	transport := &http.Transport{DisableKeepAlives: true}
	c.http = &http.Client{Transport: transport}
	if h.Authority == nil {
		return nil
	}
	c.CA = filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(c.CA, h.Authority, 0o600); err != nil {
		return err
	}
	var err error
	transport.TLSClientConfig, err = tlsconn.ClientConfig(c.CA)
	return err
}

// Stats asks for the counters.
func (c *Child) Stats(ctx context.Context) (s Stats, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Endpoints[0]+StatsPath, nil)
	if err != nil {
		return s, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return s, err
	}
	defer resp.Body.Close()
	return s, json.NewDecoder(resp.Body).Decode(&s)
}

// Close ends the child and waits for it.
func (c *Child) Close() error {
	c.stdin.Close()
	return c.cmd.Wait()
}
