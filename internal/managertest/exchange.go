package managertest

import (
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	haulengine "github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/wire"
)

// newOverNetHTTP makes a Manager on the engine as haul.NewFromClient does,
// except that requests go over net/http with the same settings: what the engine
// does of itself only behind a proxy.
func newOverNetHTTP(c *s3.Client, optFns ...func(*haul.Options)) (*haul.Manager, error) {
	return haul.NewFromClient(c, append(optFns, func(o *haul.Options) {
		var e haulengine.Options
		if o.Engine != nil {
			e = *o.Engine
		}
		if e.HTTP == nil {
			config := wire.Config{TLS: e.TLS, CABundle: e.CABundle, InsecureSkipVerify: e.InsecureSkipVerify, MaxIdle: 100}
			client, own := c.Options().HTTPClient.(*awshttp.BuildableClient)
			if own && config.TLS == nil && config.CABundle == "" && !config.InsecureSkipVerify {
				config.TLS = client.GetTransport().TLSClientConfig
			}
			// A bundle that can't be read is the engine's to refuse, and a client of
			// the caller's own is not replaced.
			if transport, err := wire.NewTransport(config); err == nil && (own || c.Options().HTTPClient == nil) {
				e.HTTP = transport
			}
		}
		o.Engine = &e
	})...)
}
