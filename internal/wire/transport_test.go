package wire_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/haul-s3/haul/internal/wire"
)

// tlsServer is the server's side of a TLS connection.
func tlsServer(c net.Conn, certificate *httptest.Server) net.Conn {
	return tls.Server(c, &tls.Config{Certificates: certificate.TLS.Certificates, MinVersion: tls.VersionTLS12})
}

func TestVerification(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 1 {
			t.Errorf("got %s, want HTTP/1.1", r.Proto)
		}
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	bundle := filepath.Join(t.TempDir(), "bundle.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(bundle, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	given := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	for name, tc := range map[string]struct {
		c    wire.Config
		good bool
	}{
		"default":                  {wire.Config{}, false},
		"bundle":                   {wire.Config{CABundle: bundle}, true},
		"insecure":                 {wire.Config{InsecureSkipVerify: true}, true},
		"given":                    {wire.Config{TLS: given}, true},
		"given-wins-over-insecure": {wire.Config{TLS: &tls.Config{MinVersion: tls.VersionTLS12}, InsecureSkipVerify: true, CABundle: bundle}, false},
	} {
		t.Run(name, func(t *testing.T) {
			transport, err := wire.NewTransport(tc.c)
			if err != nil {
				t.Fatal(err)
			}
			n := wire.NewNetHTTP(transport)
			defer n.CloseIdle()
			resp, err := n.Do(t.Context(), request(server, "/"))
			if err == nil {
				_ = resp.Body.Close()
			}
			var unknown x509.UnknownAuthorityError
			if tc.good && err != nil || !tc.good && !errors.As(err, &unknown) {
				t.Errorf("got %v, want a good connection: %v", err, tc.good)
			}
		})
	}
	if len(given.NextProtos) != 2 {
		t.Errorf("the given config was changed: got %v, want both protocols", given.NextProtos)
	}
}

func TestBadBundles(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.pem")
	key := filepath.Join(dir, "key.pem")
	for path, content := range map[string]string{empty: "", key: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for path, missing := range map[string]bool{empty: false, key: false, filepath.Join(dir, "missing.pem"): true} {
		_, err := wire.NewTransport(wire.Config{CABundle: path})
		if err == nil || !strings.Contains(err.Error(), path) || errors.Is(err, fs.ErrNotExist) != missing {
			t.Errorf("bundle %s: got %v, want an error that names it", path, err)
		}
	}
}

// A server may be known by a name, or by an address of either kind.
func TestKindsOfHosts(t *testing.T) {
	for listen, names := range map[string][]string{"127.0.0.1:0": {"127.0.0.1", "localhost"}, "[::1]:0": {"[::1]"}} {
		listener, err := net.Listen("tcp", listen)
		if err != nil {
			t.Logf("%s: %v", listen, err) // no IPv6 here
			continue
		}
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		_ = server.Listener.Close()
		server.Listener = listener
		server.Start()
		_, port, err := net.SplitHostPort(listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		n := newExchange(t, nil)
		for _, name := range names {
			if status, _ := mustDo(t, n, &wire.Request{Method: http.MethodGet, Scheme: "http", Host: name + ":" + port, Path: "/"}); status != 200 {
				t.Errorf("%s: got status %d, want 200", name, status)
			}
		}
		server.Close()
	}
}
