package serialize

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithy "github.com/aws/smithy-go"
	smithyauth "github.com/aws/smithy-go/auth"
	"github.com/aws/smithy-go/metrics"
	"github.com/aws/smithy-go/tracing"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/haul-s3/haul/internal/s3api"
)

// A call is captured by its signer: every authentication scheme of the client
// is wrapped in one whose signer records the request, which is complete by
// then, and ends the call with a sentinel error. Anonymous requests are never
// signed; the HTTP client catches those. Both are public interfaces of the SDK,
// so no name of its middleware is relied upon.

// errCaptured ends a call whose request was recorded.
var errCaptured = errors.New("request captured")

// regionName is the form of a region's name. What a server says is checked
// against it before it becomes a part of a host name.
var regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d+$`)

// capture records the request of one call.
type capture struct {
	region    string // to be asked instead of the client's, or ""
	userAgent string

	request *http.Request // nil until recorded
	body    []byte
	scheme  string // the SDK's id of the authentication scheme
	name    string // signing name
	regions string // signing region or region set

	credentials aws.CredentialsProvider
	express     s3.ExpressCredentialsProvider
}

// option is the call's last option: what it takes away must not come back.
func (c *capture) option(o *s3.Options) {
	schemes := make([]smithyhttp.AuthScheme, len(o.AuthSchemes))
	for i, s := range o.AuthSchemes {
		schemes[i] = captureScheme{s, c}
	}
	o.AuthSchemes = schemes
	o.HTTPClient = captureClient{c}
	o.Retryer = aws.NopRetryer{}
	o.ContinueHeaderThresholdBytes = -1 // no Expect: 100-continue
	o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	// A stopped call would be reported as a failed one.
	o.TracerProvider = &tracing.NopTracerProvider{}
	o.MeterProvider = metrics.NopMeterProvider{}
	if c.region != "" {
		o.Region = c.region
	}
	c.credentials, c.express = o.Credentials, o.ExpressCredentials
}

// record keeps what the template is made of. It is called at most once a call.
func (c *capture) record(r *http.Request, scheme string) error {
	c.request, c.scheme = r, scheme
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return fmt.Errorf("read the body: %w", err)
		}
		c.body = body
	}
	return errCaptured
}

// captured filters the sentinel from a call's error.
func captured(err error) error {
	switch {
	case errors.Is(err, errCaptured):
		return nil
	case err == nil:
		return errors.New("the SDK call ended before its request was formed")
	}
	return err
}

// captureScheme is a scheme of the client whose signer records.
type captureScheme struct {
	smithyhttp.AuthScheme
	c *capture
}

// Signer returns the recorder instead of the scheme's own signer.
func (s captureScheme) Signer() smithyhttp.Signer { return captureSigner(s) }

type captureSigner captureScheme

// SignRequest records the request and how it would be signed.
func (s captureSigner) SignRequest(ctx context.Context, r *smithyhttp.Request, _ smithyauth.Identity, p smithy.Properties) error {
	if name, ok := smithyhttp.GetSigV4SigningName(&p); ok {
		s.c.name = name
	}
	if region, ok := smithyhttp.GetSigV4SigningRegion(&p); ok {
		s.c.regions = region
	}
	if name, ok := smithyhttp.GetSigV4ASigningName(&p); ok {
		s.c.name = name
	}
	if regions, ok := smithyhttp.GetSigV4ASigningRegions(&p); ok {
		s.c.regions = strings.Join(regions, ",")
	}
	return s.c.record(r.Build(ctx), s.SchemeID())
}

// captureClient catches what is sent without a signature.
type captureClient struct{ c *capture }

// Do records the request and sends nothing.
func (a captureClient) Do(r *http.Request) (*http.Response, error) {
	return nil, a.c.record(r, schemeNone)
}

// template makes the template of what was recorded.
func (c *capture) template(op s3api.Operation, call *call) (*s3api.Template, error) {
	auth, ok := schemes[c.scheme]
	if !ok {
		return nil, fmt.Errorf("authentication scheme %q is unknown", c.scheme)
	}
	t := &s3api.Template{
		Op: op, Method: c.request.Method, URL: strictURL(c.request.URL),
		Header: c.header(),
		Auth:   auth, SigningName: c.name, SigningRegion: c.regions,
		Credentials: c.credentialsFunc(auth, call.bucket),
	}
	if !call.own {
		t.Body = c.body
	}
	if auth == s3api.AuthNone {
		t.SigningName, t.SigningRegion = "", ""
	}
	return t, nil
}

// strictURL copies u with its query encoded as signatures have it: sorted, and
// a space as %20. The path stays as the SDK escaped it.
func strictURL(u *url.URL) *url.URL {
	strict := *u
	strict.RawQuery = strings.ReplaceAll(u.Query().Encode(), "+", "%20")
	strict.ForceQuery = false
	return &strict
}

// perAttempt are the headers that belong to one attempt of the SDK, or that the
// engine sets by itself.
var perAttempt = []string{
	"Amz-Sdk-Invocation-Id", "Amz-Sdk-Request", "Authorization", "Expect", "Host", "Transfer-Encoding",
	"X-Amz-S3session-Token", "X-Amz-Security-Token",
	s3api.HeaderAcceptEncoding, s3api.HeaderContentLength, s3api.HeaderContentSHA256, s3api.HeaderAmzDate,
}

// header copies the recorded header without perAttempt, and adds haul's name to
// the SDK's.
func (c *capture) header() http.Header {
	h := make(http.Header, len(c.request.Header))
	for name, values := range c.request.Header {
		name = http.CanonicalHeaderKey(name)
		h[name] = append(h[name], values...)
	}
	for _, name := range perAttempt {
		h.Del(name)
	}
	h.Set(s3api.HeaderUserAgent, strings.TrimSpace(h.Get(s3api.HeaderUserAgent)+" "+c.userAgent))
	return h
}
