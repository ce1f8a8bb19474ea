package wire

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"sync"
)

// NewDialer returns a dial function like net.Dialer's, with haul's time-outs,
// that uses all addresses of a host in turn.
func NewDialer() func(ctx context.Context, network, address string) (net.Conn, error) {
	d := &spreadDialer{dial: (&net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}).DialContext, resolve: net.DefaultResolver}
	return d.DialContext
}

// ClientTLS returns the TLS settings of connections; the caller owns them. It
// fails on a bundle that can't be read.
func (c Config) ClientTLS() (*tls.Config, error) { return tlsConfig(c) }

// ByProxy is an Exchange of two: one speaks to hosts itself, the other to those
// that a proxy stands before.
type ByProxy struct {
	direct, proxied Exchange
	proxy           func(*http.Request) (*url.URL, error)

	mu    sync.Mutex
	hosts map[origin]bool // guarded by mu; whether a proxy stands before it
}

// origin is a scheme and a host.
type origin struct{ scheme, host string }

// NewByProxy returns an exchange that sends over proxied where proxy, a
// function as of http.Transport, names a proxy or fails, and over direct
// elsewhere. What proxy says of a host is remembered.
func NewByProxy(direct, proxied Exchange, proxy func(*http.Request) (*url.URL, error)) *ByProxy {
	return &ByProxy{direct: direct, proxied: proxied, proxy: proxy}
}

// Do sends one request over the exchange that can reach its host.
func (b *ByProxy) Do(ctx context.Context, r *Request) (*Response, error) {
	if b.behindProxy(origin{r.Scheme, r.Host}) {
		return b.proxied.Do(ctx, r)
	}
	return b.direct.Do(ctx, r)
}

// Prepare opens a connection to a host that it speaks to itself.
func (b *ByProxy) Prepare(ctx context.Context, scheme, host string, n int) {
	if p, ok := b.direct.(Preparer); ok && !b.behindProxy(origin{scheme, host}) {
		p.Prepare(ctx, scheme, host, n)
	}
}

// CloseIdle closes the idle connections of both.
func (b *ByProxy) CloseIdle() {
	b.direct.CloseIdle()
	b.proxied.CloseIdle()
}

func (b *ByProxy) behindProxy(o origin) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	behind, known := b.hosts[o]
	if known {
		return behind
	}
	u, err := b.proxy(&http.Request{URL: &url.URL{Scheme: o.scheme, Host: o.host}})
	if b.hosts == nil || len(b.hosts) >= hostsMax {
		b.hosts = map[origin]bool{}
	}
	behind = err != nil || u != nil
	b.hosts[o] = behind
	return behind
}
