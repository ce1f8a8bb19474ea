// Package serialize is the request serializer: it turns operations of the AWS
// SDK for Go into request templates, and S3's answers back into the SDK's own
// outputs and errors. The SDK's endpoint rules, its header mapping and its
// error types are used as they are; nothing is sent through its HTTP client.
//
// An operation is serialized by a real SDK call that is stopped where it would
// be signed (capture.go), and an answer is decoded by a real SDK call whose
// HTTP client hands it that answer (decode.go).
package serialize

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/internal/s3api"
)

// Serializer is what the engine forms its requests and reads its answers with.
// Implementations are safe for concurrent use.
type Serializer = s3api.Serializer

// Template is what one SDK call serializes to, just before it is signed.
type Template = s3api.Template

// Response is an answer of S3 as the engine received it.
type Response = s3api.Response

// Operation is the name of an S3 API operation ("PutObject").
type Operation = s3api.Operation

// Credentials are what a request is signed with.
type Credentials = s3api.Credentials

// CredentialsFunc returns the credentials of the moment.
type CredentialsFunc = s3api.CredentialsFunc

// AuthScheme says how a request is signed.
type AuthScheme = s3api.AuthScheme

// SDK is the Serializer that works through a client of the AWS SDK. It remembers
// the last templates, and is safe for concurrent use.
type SDK struct {
	client *s3.Client
	optFns []func(*s3.Options)
	slots  slots // templates for every key
}

var _ Serializer = (*SDK)(nil)

// New returns the serializer that forms requests as c would: with its region,
// endpoint rules, credentials, API options and interceptors. c is not closed,
// and sends nothing but what its credentials need (S3 Express sessions).
func New(c *s3.Client) *SDK { return &SDK{client: c} }

// With returns a serializer of the same client whose calls have further
// options. They come after those it has already.
func (s *SDK) With(optFns ...func(*s3.Options)) *SDK {
	return &SDK{client: s.client, optFns: append(slices.Clone(s.optFns), optFns...)}
}

// Options returns the client's options with those of With applied: what a call
// of this serializer works with.
func (s *SDK) Options() s3.Options {
	o := s.client.Options()
	for _, fn := range s.optFns {
		fn(&o)
	}
	return o
}

// Serialize returns the template of one operation. in is a pointer to the SDK's
// input of that operation, which is not changed; the bytes of its body are the
// engine's business and never read. Checksums of bodies are the engine's too:
// ChecksumAlgorithm of PutObject and UploadPart is left out, values that the
// input gives stay. A GetObject asks for checksums if its ChecksumMode says so.
func (s *SDK) Serialize(ctx context.Context, op Operation, in any) (*Template, error) {
	if t, err := s.bySlot(ctx, op, in); t != nil || err != nil {
		return t, err
	}
	return s.serialize(ctx, op, in, "")
}

// serialize captures one operation, in another region if one is given.
func (s *SDK) serialize(ctx context.Context, op Operation, in any, region string) (*Template, error) {
	o, ok := operations[op]
	if !ok {
		return nil, fmt.Errorf("operation %q is not one that haul sends", op)
	}
	call, err := o.prepare(in)
	if err != nil {
		return nil, fmt.Errorf("serialize %s: %w", op, err)
	}
	c := &capture{region: region, userAgent: userAgent()}
	_, err = call.do(ctx, s.client, append(slices.Clone(s.optFns), c.option))
	if err := captured(err); err != nil {
		return nil, err
	}
	t, err := c.template(op, call)
	if err != nil {
		return nil, fmt.Errorf("serialize %s: %w", op, err)
	}
	t.Reregion = s.reregion(op, in)
	return t, nil
}

// badRegionError is a server's word for a region that isn't one.
type badRegionError string

func (e badRegionError) Error() string {
	return fmt.Sprintf("%q is not the name of a region", string(e))
}
