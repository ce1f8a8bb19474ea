package serialize

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithy "github.com/aws/smithy-go"
	smithyauth "github.com/aws/smithy-go/auth"
	"github.com/aws/smithy-go/metrics"
	"github.com/aws/smithy-go/tracing"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/haul-s3/haul/internal/s3api"
)

// Decode returns the SDK's output of an answer, or the SDK's error if the
// status says so or a 200 carries an error. The Body of a decoded GetObject is
// http.NoBody: its bytes went to the sink.
func (s *SDK) Decode(ctx context.Context, op Operation, resp *Response) (any, error) {
	o, ok := operations[op]
	if !ok {
		return nil, fmt.Errorf("operation %q is not one that haul sends", op)
	}
	out, err := o.dummy().do(ctx, s.client, append(slices.Clone(s.optFns), replay(resp)))
	if err != nil {
		return nil, err
	}
	if get, ok := out.(*s3.GetObjectOutput); ok {
		get.Body = http.NoBody
	}
	return out, nil
}

// replay is the last option of a call that is answered by resp. The call's
// endpoint and credentials are made up, so that none of the client's settings
// can make it fail before it reads the answer.
func replay(resp *s3api.Response) func(*s3.Options) {
	return func(o *s3.Options) {
		o.HTTPClient = replayClient{resp}
		o.Retryer = aws.NopRetryer{}
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		o.TracerProvider = &tracing.NopTracerProvider{}
		o.MeterProvider = metrics.NopMeterProvider{}
		o.BaseEndpoint, o.Region = aws.String("https://s3.invalid"), "us-east-1"
		o.EndpointResolverV2 = s3.NewDefaultEndpointResolverV2()
		//lint:ignore SA1019 what the client was given by the old option must not act
		o.EndpointResolver = nil
		o.EndpointOptions = s3.EndpointResolverOptions{}
		o.UsePathStyle, o.UseAccelerate = true, false
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "none", SecretAccessKey: "none"}, nil
		})
		schemes := make([]smithyhttp.AuthScheme, len(o.AuthSchemes))
		for i, s := range o.AuthSchemes {
			schemes[i] = unsignedScheme{s}
		}
		o.AuthSchemes = schemes
	}
}

// replayClient answers every request by the same response.
type replayClient struct{ resp *s3api.Response }

// Do sends nothing.
func (c replayClient) Do(r *http.Request) (*http.Response, error) {
	resp := c.resp.HTTP()
	resp.Request = r
	return resp, nil
}

// unsignedScheme is a scheme of the client that signs nothing.
type unsignedScheme struct{ smithyhttp.AuthScheme }

// Signer returns a signer that leaves the request as it is.
func (unsignedScheme) Signer() smithyhttp.Signer { return unsignedSigner{} }

type unsignedSigner struct{}

// SignRequest does nothing.
func (unsignedSigner) SignRequest(context.Context, *smithyhttp.Request, smithyauth.Identity, smithy.Properties) error {
	return nil
}
