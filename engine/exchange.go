package engine

import (
	"net/http"

	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/wire"
	"github.com/haul-s3/haul/internal/wire/h1"
)

// newExchange returns what carries the client's requests: haul's own HTTP/1.1,
// or the caller's RoundTripper; and net/http for hosts that the environment puts
// behind a proxy.
func newExchange(o Options, pool *bufpool.Pool) (wire.Exchange, error) {
	if o.HTTP != nil {
		return wire.NewNetHTTP(o.HTTP), nil
	}
	config := wire.Config{TLS: o.TLS, CABundle: o.CABundle, InsecureSkipVerify: o.InsecureSkipVerify, MaxIdle: o.MaxConnections}
	var err error
	if config.TLS, err = config.ClientTLS(); err != nil {
		return nil, err
	}
	transport, err := wire.NewTransport(config)
	if err != nil {
		return nil, err
	}
	own := h1.New(h1.Config{Dial: wire.NewDialer(), TLS: config.TLS, Buffers: pool, MaxIdle: o.MaxConnections})
	return wire.NewByProxy(own, wire.NewNetHTTP(transport), http.ProxyFromEnvironment), nil
}
