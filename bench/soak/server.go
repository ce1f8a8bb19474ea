//go:build linux

package soak

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/internal/s3fault"
)

// childEnv marks the process that is to be the server, and holds the seed of
// its dice.
const childEnv = "HAUL_BENCH_SOAK"

// addresses is what the child says once it listens.
type addresses struct {
	Faulty, Clean, Control string // endpoints
}

// MaybeServe turns this process into the server, and never returns, if Run
// started it; otherwise it does nothing.
func MaybeServe() {
	text := os.Getenv(childEnv)
	if text == "" {
		return
	}
	if err := serveChild(text); err != nil {
		fmt.Fprintln(os.Stderr, "soak server:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serveChild(text string) error {
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return err
	}
	log.SetOutput(io.Discard) // clients hang up here all the time
	debug.SetGCPercent(50)
	b := &backstage{fake: s3fake.New(s3fake.Options{NoMD5: true}, bucket), seed: seed, faults: map[string]int{}}
	a := addresses{}
	if a.Clean, err = serve(b.fake); err != nil {
		return err
	}
	b.clean = a.Clean
	b.renew()
	if a.Faulty, err = serve(http.HandlerFunc(b.serveFaulty)); err != nil {
		return err
	}
	if a.Control, err = serve(http.HandlerFunc(b.serveControl)); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin) // ends with the parent
	return err
}

func serve(h http.Handler) (endpoint string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = (&http.Server{Handler: h}).Serve(l) }() // for as long as the process lives
	return "http://" + l.Addr().String(), nil
}

// backstage is the server's side: the store, and the faults in front of it.
type backstage struct {
	fake  *s3fake.Server
	clean string // endpoint of fake
	seed  uint64

	mu     sync.Mutex
	proxy  *s3fault.Proxy // guarded by mu
	since  time.Time      // guarded by mu: when it was made
	faults map[string]int // guarded by mu: of the proxies before
}

// proxyLife is how long a proxy serves: it remembers every call.
const proxyLife = 10 * time.Second

func (b *backstage) renew() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.renewLocked()
}

// renewLocked adds up the faults of the proxy and begins with a new one.
func (b *backstage) renewLocked() {
	if b.proxy != nil {
		for _, c := range b.proxy.Log() {
			if c.Fault != "" {
				b.faults[c.Fault]++
			}
		}
	}
	b.seed++
	b.proxy, b.since = s3fault.New(b.clean, b.seed, rules()...), time.Now()
	b.fake.Reset()
}

func (b *backstage) serveFaulty(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	if time.Since(b.since) > proxyLife {
		old := b.proxy
		b.renewLocked()
		defer old.Close()
	}
	p := b.proxy
	b.mu.Unlock()
	p.ServeHTTP(w, r)
}

// stats is what the server knows at the end.
type stats struct {
	Faults  map[string]int
	Uploads []string // the keys of open uploads
}

func (b *backstage) serveControl(w http.ResponseWriter, _ *http.Request) {
	b.renew()
	b.mu.Lock()
	defer b.mu.Unlock()
	s := stats{Faults: b.faults}
	for _, u := range b.fake.Uploads() {
		s.Uploads = append(s.Uploads, u.Key)
	}
	_ = json.NewEncoder(w).Encode(s) // who asked is gone, or has it
}

// server is the child, seen from its parent.
type server struct {
	addresses
	cmd   *exec.Cmd
	stdin io.Closer
	http  *http.Client
}

func start(seed uint64) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{cmd: exec.Command(self), http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	s.cmd.Env = append(os.Environ(), childEnv+"="+strconv.FormatUint(seed, 10))
	s.cmd.Stderr = os.Stderr
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if err := json.NewDecoder(bufio.NewReader(stdout)).Decode(&s.addresses); err != nil {
		return nil, errors.Join(fmt.Errorf("soak server: %w", err), s.close())
	}
	return s, nil
}

func (s *server) stats() (out stats, err error) {
	resp, err := s.http.Get(s.Control)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	return out, json.NewDecoder(resp.Body).Decode(&out)
}

// close ends the child and waits for it.
func (s *server) close() error {
	s.http.CloseIdleConnections()
	_ = s.stdin.Close()
	return s.cmd.Wait()
}
