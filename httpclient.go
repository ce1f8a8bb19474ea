package haul

import (
	"net/http"
	"reflect"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/engine"
)

// followHTTP makes the engine send as the S3 client would. Of the SDK's own
// kind of client the TLS settings are taken over, and the whole transport where
// its proxy or its dialling was changed; any other client is used as it is.
func followHTTP(e *engine.Options, client s3.HTTPClient) {
	if e.HTTP != nil || client == nil {
		return
	}
	buildable, ok := client.(*awshttp.BuildableClient)
	if !ok {
		e.HTTP = roundTripper(client)
		return
	}
	transport, usual := buildable.GetTransport(), awshttp.NewBuildableClient().GetTransport()
	if !sameFunc(transport.Proxy, usual.Proxy) || !sameFunc(transport.DialContext, usual.DialContext) ||
		transport.DialTLSContext != nil {
		e.HTTP = transport
		return
	}
	custom := !reflect.DeepEqual(transport.TLSClientConfig, usual.TLSClientConfig)
	if custom && e.TLS == nil && e.CABundle == "" && !e.InsecureSkipVerify {
		e.TLS = transport.TLSClientConfig.Clone()
	}
}

// sameFunc says whether two functions have the same code, which is as near as
// one gets to comparing them.
func sameFunc(a, b any) bool { return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer() }

// roundTripper makes a RoundTripper of an HTTP client. Redirects are the
// engine's to follow, as a request to another place must be signed anew.
func roundTripper(client s3.HTTPClient) http.RoundTripper {
	if c, ok := client.(*http.Client); ok {
		own := *c
		own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		client = &own
	}
	return doer{client}
}

type doer struct{ client s3.HTTPClient }

// RoundTrip has the client do the request. A client may change a request, as a
// RoundTripper may not.
func (d doer) RoundTrip(r *http.Request) (*http.Response, error) {
	c := r.Clone(r.Context())
	return d.client.Do(c)
}
