package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
	"github.com/versity/versitygw/s3api"
)

// childEnv marks the process that is to be the server. The options, which hold a secret, come over standard input.
const childEnv = "HAUL_SANDBOX_CHILD"

// MaybeServe turns this process into a server, and never returns, if Start started it; otherwise it does nothing.
func MaybeServe() {
	if os.Getenv(childEnv) == "" {
		return
	}
	if err := serveChild(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox server:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serveChild reads the options from in, serves until in ends or a signal comes, and writes the endpoint to out.
func serveChild(in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read options: %w", err)
	}
	var o Options
	if err := json.Unmarshal(line, &o); err != nil {
		return fmt.Errorf("read options: %w", err)
	}
	redirectStdout(o.Quiet)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	go watchParent(lines)
	return Run(ctx, o, func(endpoint string) { fmt.Fprintln(out, endpoint) })
}

// redirectStdout keeps the gateway, which prints on standard output even when quiet, away from the pipe to the parent. It
// doesn't reach the log of requests, which took hold of standard output when the process began: the parent drains it.
func redirectStdout(quiet bool) {
	os.Stdout = os.Stderr
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); quiet && err == nil {
		os.Stdout = null
	}
}

// watchParent ends the process when its standard input ends: the parent called Close, or is gone. It does so at once,
// without the gateway's orderly shutdown, which waits ten seconds for idle connections: nobody is left to be answered,
// and an object appears in the data folder whole or not at all.
func watchParent(in io.Reader) {
	io.Copy(io.Discard, in)
	os.Exit(0)
}

// Run serves in this process until ctx ends, and calls ready with the endpoint once requests can be sent. It changes the
// working directory to the server's data folder, for good, and a second Run at the same time is an error: use Start.
func Run(ctx context.Context, o Options, ready func(endpoint string)) error {
	o = o.withDefaults()
	addr, err := listenAddr(o.Addr)
	if err != nil {
		return err
	}
	be, iam, err := openBackend(o)
	if err != nil {
		return err
	}
	scheme := "http"
	cfg := &embedgw.Config{
		RootUserAccess: o.AccessKey, RootUserSecret: o.SecretKey, Region: DefaultRegion,
		Ports: []string{addr}, MaxConnections: 4096, MaxRequests: 4096, MultipartMaxParts: 10000,
		KeepAlive: true, // off by default, and then each response closes its connection
		Quiet:     o.Quiet, HealthPath: healthPath,
		IAMDir: iam, IAMCacheDisable: true,
	}
	if o.TLS {
		scheme = "https"
		files := certificateFiles(filepath.Join(o.Dir, "tls"))
		cfg.CertFile, cfg.KeyFile = files.cert, files.key
	}
	cfg.S3Options = []s3api.Option{s3api.WithOnListen(func() { ready(scheme + "://" + addr) })}
	if err := embedgw.RunVersityGW(ctx, be, cfg); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// listenAddr picks a free loopback port where none was given: the gateway can't tell which port ":0" became.
func listenAddr(addr string) (string, error) {
	if addr != "" {
		return addr, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// openBackend makes the server's folders and opens the file-system backend on them. iam is the accounts' folder; without
// one, an unknown key id would be answered 404 instead of 403 InvalidAccessKeyId.
func openBackend(o Options) (be *posix.Posix, iam string, err error) {
	data, iam := filepath.Join(o.Dir, "data"), filepath.Join(o.Dir, "iam")
	dirs := []string{data, iam}
	opts := posix.PosixOpts{CopyObjectThreshold: 5 << 30} // zero refuses every copy
	if o.Versioned {
		opts.VersioningDir = filepath.Join(o.Dir, "versions")
		dirs = append(dirs, opts.VersioningDir)
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, "", err
		}
	}
	store, err := metadataStore(o.Dir, data, &opts)
	if err != nil {
		return nil, "", err
	}
	be, err = posix.New(data, store, opts)
	return be, iam, err
}

// metadataStore keeps object metadata in extended attributes, or in files where the file system has none.
func metadataStore(dir, data string, opts *posix.PosixOpts) (meta.MetadataStorer, error) {
	if (meta.XattrMeta{}).Test(data) == nil {
		return meta.XattrMeta{}, nil
	}
	opts.SideCarDir = filepath.Join(dir, "meta")
	if err := os.MkdirAll(opts.SideCarDir, 0o755); err != nil {
		return nil, err
	}
	return meta.NewSideCar(opts.SideCarDir)
}
