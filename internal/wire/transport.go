package wire

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"time"
)

// Config says how connections are made.
type Config struct {
	// TLS is used as it is, where set, except that it never offers HTTP/2,
	// which is not spoken here.
	TLS *tls.Config
	// CABundle is a PEM file of roots that are added to the system's. Not used
	// with TLS.
	CABundle string
	// InsecureSkipVerify turns the verification of certificates off. Not used
	// with TLS.
	InsecureSkipVerify bool
	// MaxIdle is how many idle connections are kept for a host.
	MaxIdle int
}

// Timing of connections.
const (
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 10 * time.Second
	keepAlive        = 30 * time.Second
	// idleTimeout is shorter than what S3 and most of its relatives keep a
	// silent connection for, so that it is we who close.
	idleTimeout = 20 * time.Second
)

// maxHead bounds an answer's head, with all interim answers before it. S3's
// heads have at most 2 KB of metadata and little else (Amazon S3 User Guide,
// "Working with object metadata").
const maxHead = 128 << 10

// NewTransport returns a net/http transport for S3's traffic: HTTP/1.1, no
// decompression, proxies from the environment, as many idle connections as
// there are lanes. It fails on a bundle that can't be read.
func NewTransport(c Config) (*http.Transport, error) {
	tlsConfig, err := tlsConfig(c)
	if err != nil {
		return nil, err
	}
	dialer := &spreadDialer{dial: patient((&net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}).DialContext), resolve: net.DefaultResolver}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		TLSClientConfig:       tlsConfig,
		TLSHandshakeTimeout:   handshakeTimeout,
		DisableCompression:    true,
		MaxIdleConns:          0, // the host's limit is the one that counts
		MaxIdleConnsPerHost:   c.MaxIdle,
		IdleConnTimeout:       idleTimeout,
		ExpectContinueTimeout: time.Second,

		MaxResponseHeaderBytes: maxHead,
		// Small: bodies are read and written past these buffers.
		WriteBufferSize: 4 << 10,
		ReadBufferSize:  4 << 10,
		// A non-nil empty map keeps HTTP/2 off: one connection would carry all.
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}, nil
}

func tlsConfig(c Config) (*tls.Config, error) {
	if c.TLS != nil {
		t := c.TLS.Clone()
		t.NextProtos = slices.DeleteFunc(slices.Clone(t.NextProtos), func(p string) bool { return p == "h2" })
		return t, nil
	}
	t := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ClientSessionCache: tls.NewLRUClientSessionCache(0),
		InsecureSkipVerify: c.InsecureSkipVerify,
	}
	if c.CABundle == "" {
		return t, nil
	}
	pem, err := os.ReadFile(c.CABundle)
	if err != nil {
		return nil, fmt.Errorf("CA bundle: %w", err)
	}
	if t.RootCAs, err = x509.SystemCertPool(); err != nil {
		t.RootCAs = x509.NewCertPool()
	}
	if !t.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("CA bundle %s: no certificate in it: it must be a file of PEM blocks", c.CABundle)
	}
	return t, nil
}
