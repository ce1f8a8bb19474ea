// Package server runs an S3 server (versitygw on a local folder) for tests, demonstrations and development.
//
// The server is a child process: this very executable, started again. Nothing has to be installed, several servers can
// run at once, and the server's CPU time and memory are not counted as the caller's. A child is needed because the
// gateway changes its process's working directory for good and only one of it can run per process.
//
// A program that calls Start must call MaybeServe first thing in main or TestMain:
//
//	func TestMain(m *testing.M) {
//		server.MaybeServe()
//		os.Exit(m.Run())
//	}
//
// The child ends when its standard input closes, so it also ends when its parent is killed.
//
// What the server can and can't judge: it folds "//" and a leading "/" in keys, refuses a key that is also a folder of
// another, ignores server-side encryption headers and storage classes, and has no checksums on part reads.
package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// The identity and region of a server whose Options name none.
const (
	DefaultAccessKey = "testkey"
	DefaultSecretKey = "testsecret1"
	DefaultRegion    = "us-east-1"
)

const (
	healthPath    = "/_health"
	startLimit    = 30 * time.Second // a loaded two-core machine needs about one
	stopLimit     = 15 * time.Second // after it the child is killed
	bindAttempts  = 3                // a free port may be taken by someone else before the child binds it
	childExitHint = "the server did not start; its own message stands above on standard error"
)

// Options says how a server is to run. The zero value is a quiet-less, unversioned plain HTTP server on a free port of
// the loopback interface in a temporary folder.
type Options struct {
	// Dir is the parent of the server's folders: data, versions, iam, meta and tls. Empty: a new temporary folder,
	// which Close removes.
	Dir string
	// Addr is "host:port". Empty: 127.0.0.1 and a free port.
	Addr string
	// TLS serves HTTPS with a fresh certificate for localhost, 127.0.0.1 and ::1; Server.CAFile has its authority.
	TLS bool
	// Versioned allows versioning to be enabled on buckets.
	Versioned bool
	// Quiet drops the line that the server otherwise writes to standard error for each request.
	Quiet bool
	// AccessKey and SecretKey are the root account's. Empty: DefaultAccessKey and DefaultSecretKey.
	AccessKey, SecretKey string
}

// withDefaults fills what the zero value leaves open.
func (o Options) withDefaults() Options {
	if o.AccessKey == "" {
		o.AccessKey = DefaultAccessKey
	}
	if o.SecretKey == "" {
		o.SecretKey = DefaultSecretKey
	}
	return o
}

// Server is a running child. Its fields are fixed once Start has returned; its methods may be called from any goroutine.
type Server struct {
	Endpoint  string // "http://127.0.0.1:port", or https
	AccessKey string
	SecretKey string
	Region    string
	CAFile    string // the certificate authority in PEM, empty without TLS
	Dir       string // where the server keeps its folders

	cmd       *exec.Cmd
	stdin     io.Closer     // closing it ends the child
	drained   chan struct{} // closed by drain, once the child's standard output has ended
	http      *http.Client
	removeDir bool
	closeOnce sync.Once
	closeErr  error
}

// Start runs a server in a child process and returns once it answers. The caller closes the Server.
func Start(o Options) (*Server, error) {
	if os.Getenv(childEnv) != "" {
		return nil, errors.New("server: Start called in the server's own process: MaybeServe must be called first thing in main or TestMain")
	}
	o = o.withDefaults()
	s := &Server{AccessKey: o.AccessKey, SecretKey: o.SecretKey, Region: DefaultRegion}
	if err := s.prepareDir(&o); err != nil {
		return nil, err
	}
	err := s.launch(o)
	for try := 1; err != nil && o.Addr == "" && try < bindAttempts; try++ {
		err = s.launch(o)
	}
	if err != nil {
		s.cleanDir()
		return nil, fmt.Errorf("server: %w", err)
	}
	return s, nil
}

// prepareDir makes the folder and, for TLS, the certificate and the client that trusts it.
func (s *Server) prepareDir(o *Options) error {
	if o.Dir == "" {
		dir, err := os.MkdirTemp("", "haul-sandbox-")
		if err != nil {
			return fmt.Errorf("server: %w", err)
		}
		o.Dir, s.removeDir = dir, true
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	o.Dir, s.Dir = dir, dir
	tlsConfig := (*tls.Config)(nil)
	if o.TLS {
		if tlsConfig, err = s.prepareTLS(); err != nil {
			s.cleanDir()
			return fmt.Errorf("server: certificate: %w", err)
		}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = tlsConfig
	transport.Proxy = nil // the server is on this machine
	s.http = &http.Client{Transport: transport}
	return nil
}

// prepareTLS writes the certificate files and returns a client configuration that trusts them.
func (s *Server) prepareTLS() (*tls.Config, error) {
	files, err := writeCertificates(filepath.Join(s.Dir, "tls"))
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(files.ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", files.ca)
	}
	s.CAFile = files.ca
	return &tls.Config{RootCAs: roots}, nil
}

// launch starts one child and waits until it answers its health check.
func (s *Server) launch(o Options) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(exe)
	// Under the race detector, a process would sleep for a second before it ends.
	cmd.Env = append(os.Environ(), childEnv+"=1", "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd, s.stdin, s.drained = cmd, stdin, make(chan struct{})
	lines := bufio.NewReader(stdout)
	err = s.awaitReady(o, stdin, lines)
	go s.drain(lines, o.Quiet)
	if err != nil {
		return errors.Join(err, s.stop())
	}
	return nil
}

// drain takes what the child prints after its endpoint, until its end: the gateway's log of requests, which it writes to
// the standard output that its process began with. A pipe that nobody reads would be full after some 550 requests, and
// the child would stand still for good.
func (s *Server) drain(lines io.Reader, quiet bool) {
	defer close(s.drained)
	out := io.Writer(os.Stderr)
	if quiet {
		out = io.Discard
	}
	io.Copy(out, lines)
	io.Copy(io.Discard, lines) // if our standard error takes no more, the child goes on nevertheless
}

// awaitReady hands the options to the child, reads its endpoint back and asks for its health once. The socket is bound
// before the endpoint is told, so the one request waits in the listen queue at worst.
func (s *Server) awaitReady(o Options, stdin io.Writer, lines *bufio.Reader) error {
	kill := time.AfterFunc(startLimit, func() { s.cmd.Process.Kill() })
	defer kill.Stop()
	if err := json.NewEncoder(stdin).Encode(o); err != nil {
		return err
	}
	line, err := lines.ReadString('\n')
	if err != nil {
		return fmt.Errorf("%s: %w", childExitHint, err)
	}
	s.Endpoint = strings.TrimSuffix(line, "\n")
	resp, err := s.http.Get(s.Endpoint + healthPath)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("health check: got status %s, want 200", resp.Status)
	}
	return nil
}

// Config returns an SDK configuration for the server: endpoint, region, credentials and, with TLS, a client that trusts
// its certificate. The endpoint is an IP address, for which the SDK uses path-style addressing by itself.
func (s *Server) Config() aws.Config {
	cfg := aws.Config{
		Region:       s.Region,
		BaseEndpoint: aws.String(s.Endpoint),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: s.AccessKey, SecretAccessKey: s.SecretKey, Source: "sandbox"}, nil
		}),
	}
	if s.CAFile != "" {
		cfg.HTTPClient = s.http
	}
	return cfg
}

// Client returns an SDK client for the server.
func (s *Server) Client() *s3.Client {
	return s3.NewFromConfig(s.Config(), func(o *s3.Options) { o.UsePathStyle = true })
}

// CreateBucket makes a bucket.
func (s *Server) CreateBucket(ctx context.Context, name string) error {
	_, err := s.Client().CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(name)})
	return err
}

// Pid is the process id of the child, for those who account its CPU time or kill it on purpose.
func (s *Server) Pid() int { return s.cmd.Process.Pid }

// Close ends the child, waits for it and removes the folder that Start made. It may be called more than once.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
		s.http.CloseIdleConnections()
		s.closeErr = errors.Join(s.stop(), s.cleanDir())
	})
	return s.closeErr
}

// stop closes the child's standard input, which ends it, and waits: for what it printed first, since Wait closes the pipe.
func (s *Server) stop() error {
	s.stdin.Close()
	kill := time.AfterFunc(stopLimit, func() { s.cmd.Process.Kill() })
	defer kill.Stop()
	<-s.drained
	return s.cmd.Wait()
}

// cleanDir removes the folder if Start made it.
func (s *Server) cleanDir() error {
	if !s.removeDir {
		return nil
	}
	return os.RemoveAll(s.Dir)
}
