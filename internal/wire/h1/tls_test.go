package h1_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/haul-s3/haul/internal/wire/h1"
)

type tlsConfig = tls.Config

// Bodies of every size come through, in both versions.
func TestTLS(t *testing.T) {
	certificate, trust := certificates(t)
	for version, name := range map[uint16]string{tls.VersionTLS12: "1.2", tls.VersionTLS13: "1.3"} {
		t.Run(name, func(t *testing.T) {
			data := fill(2<<20 + 1)
			s := serve(t, certificate, func(p *peer) {
				for r := p.request(); r != nil; r = p.request() {
					var n int
					if _, err := fmt.Sscan(r.URL.RawQuery, &n); err != nil {
						t.Error(err)
					}
					p.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", n))
					p.say(string(data[:n]))
				}
			})
			config := trust.Clone()
			config.MaxVersion = version
			client := newClient(t, h1.Config{TLS: config})
			for _, n := range []int{0, 1, 1000, 4 << 10, 16 << 10, 16<<10 + 1, 64 << 10, 256 << 10, 2<<20 + 1} {
				r := put(s.host, strings.NewReader(string(data[:n])), int64(n))
				r.Scheme, r.RawQuery = "https", fmt.Sprint(n)
				wantOK(t, do(t.Context(), client, r), string(data[:n]))
			}
			if n := s.accepted(); n != 1 {
				t.Errorf("got %d connections, want 1", n)
			}
		})
	}
}

// A second connection resumes the first one's session.
func TestTLSResumes(t *testing.T) {
	certificate, trust := certificates(t)
	var resumed atomic.Int32
	s := serve(t, certificate, func(p *peer) {
		for p.request() != nil {
			if p.Conn.(*tls.Conn).ConnectionState().DidResume {
				resumed.Add(1)
			}
			p.say(ok)
		}
	})
	client := newClient(t, h1.Config{TLS: trust})
	for range 3 {
		r := get(s.host)
		r.Scheme = "https"
		wantOK(t, do(t.Context(), client, r), "ok")
		client.CloseIdle()
	}
	if n := resumed.Load(); n != 2 {
		t.Errorf("%d of 2 connections resumed a session", n)
	}
}

// A server that can't be trusted, or is none of TLS, gets no request.
func TestTLSRefused(t *testing.T) {
	certificate, trust := certificates(t)
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var record tls.RecordHeaderError
	other := trust.Clone()
	other.ServerName = "other.invalid"
	for what, c := range map[string]struct {
		server, client *tls.Config
		as             any
	}{
		"unknown-authority": {certificate, &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "example.com"}, &unknown},
		"other-name":        {certificate, other, &name},
		"plain":             {nil, trust, &record},
	} {
		t.Run(what, func(t *testing.T) {
			s := serve(t, c.server, func(p *peer) {
				if c.server == nil {
					p.say("HTTP/1.1 400 Bad Request\r\n\r\n")
					p.gone()
				} else if r := p.request(); r != nil {
					t.Errorf("got a %s request, want none", r.Method)
				}
			})
			r := get(s.host)
			r.Scheme = "https"
			if got := do(t.Context(), newClient(t, h1.Config{TLS: c.client}), r); !errors.As(got.err, c.as) {
				t.Errorf("got %v, want a %T", got.err, c.as)
			}
		})
	}
}

// The certificate is held to the host, whether that has a port or not.
func TestTLSServerName(t *testing.T) {
	certificate, trust := certificates(t)
	trust.ServerName = ""
	s := serve(t, certificate, answers(ok))
	r := get(s.host) // 127.0.0.1 is in the certificate
	r.Scheme = "https"
	wantOK(t, do(t.Context(), newClient(t, h1.Config{TLS: trust}), r), "ok")
}

// selfSigned is a certificate that nobody trusts.
func selfSigned() (tls.Certificate, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, err
}
