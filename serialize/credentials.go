package serialize

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/haul-s3/haul/internal/s3api"
)

// schemeNone is the SDK's id of anonymous requests.
const schemeNone = "smithy.api#noAuth"

// schemes maps the SDK's ids to the template's.
var schemes = map[string]s3api.AuthScheme{
	schemeNone:                      s3api.AuthNone,
	"aws.auth#sigv4":                s3api.AuthSigV4,
	"com.amazonaws.s3#sigv4express": s3api.AuthSigV4Express,
	"aws.auth#sigv4a":               s3api.AuthSigV4A,
}

// invalidator is what *aws.CredentialsCache has.
type invalidator interface{ Invalidate() }

// credentialsFunc returns the source of credentials for a scheme, nil for
// anonymous requests.
func (c *capture) credentialsFunc(auth s3api.AuthScheme, bucket string) s3api.CredentialsFunc {
	switch {
	case auth == s3api.AuthNone:
		return nil
	case auth == s3api.AuthSigV4Express:
		return sessionCredentials(c, bucket)
	}
	return ofProvider(c.credentials)
}

// ofProvider asks the client's own provider, which caches. For a refresh it is
// told to forget what it has, if it can.
func ofProvider(p aws.CredentialsProvider) s3api.CredentialsFunc {
	return func(ctx context.Context, refresh bool) (s3api.Credentials, error) {
		if p == nil {
			return s3api.Credentials{}, errors.New("the client has no credentials")
		}
		if cache, ok := p.(invalidator); ok && refresh {
			cache.Invalidate()
		}
		return plain(p.Retrieve(ctx))
	}
}

// sessionCredentials asks for the S3 Express session of a bucket. The SDK's
// provider caches sessions by the credentials they were opened with, and has no
// way to be told that one is no longer good: a refresh renews the credentials
// below it, so that a new session is opened if these have changed.
func sessionCredentials(c *capture, bucket string) s3api.CredentialsFunc {
	return func(ctx context.Context, refresh bool) (s3api.Credentials, error) {
		if cache, ok := c.credentials.(invalidator); ok && refresh {
			cache.Invalidate()
		}
		return plain(c.express.Retrieve(ctx, bucket))
	}
}

// plain turns the SDK's credentials into ours.
func plain(v aws.Credentials, err error) (s3api.Credentials, error) {
	if err != nil {
		return s3api.Credentials{}, err
	}
	r := s3api.Credentials{AccessKeyID: v.AccessKeyID, SecretAccessKey: v.SecretAccessKey, SessionToken: v.SessionToken}
	if v.CanExpire {
		r.Expires = v.Expires
	}
	return r, nil
}
