package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"

	"github.com/haul-s3/haul/internal/s3api"
	"github.com/haul-s3/haul/internal/sigv4"
	"github.com/haul-s3/haul/internal/wire"
)

// request forms and signs the request of one attempt, at the moment of sending.
func (t *transfer) request(ctx context.Context, w *watch, c *call) (*wire.Request, *payload, error) {
	template := c.template
	header := maps.Clone(template.Header) // the values are the template's: never changed, only replaced
	query := template.URL.RawQuery
	if c.prepare != nil {
		c.prepare(header, &query)
	}
	r := &wire.Request{
		Method: template.Method, Scheme: t.scheme(template), Host: template.URL.Host,
		Path: template.URL.EscapedPath(), RawQuery: query, Header: header,
	}
	var body *payload
	if c.payload != nil {
		body = c.payload(ctx, w)
		c.body = body
		body.dress(r)
	}
	if err := checkFields(header); err != nil {
		return nil, nil, err
	}
	signature, err := t.sign(ctx, c, r, payloadHash(template, body))
	if err != nil {
		return nil, nil, err
	}
	switch {
	case body != nil:
		r.Body = body.open(signature)
	case len(template.Body) > 0:
		r.ContentLength = int64(len(template.Body))
		r.Body = bytes.NewReader(template.Body)
	}
	return r, body, nil
}

// checkFields finds a header value that can't be sent (RFC 9110, section 5.5).
func checkFields(h http.Header) error {
	for name, values := range h {
		for _, v := range values {
			for i := range len(v) {
				if c := v[i]; c < ' ' && c != '\t' || c == 0x7f {
					return fmt.Errorf("value of header %s has the control character %q at %d: leave it out", name, c, i)
				}
			}
		}
	}
	return nil
}

func payloadHash(template *s3api.Template, body *payload) string {
	if body != nil {
		return body.hash
	}
	if len(template.Body) == 0 {
		return sigv4.EmptySHA256
	}
	sum := sha256.Sum256(template.Body)
	return hex.EncodeToString(sum[:])
}

// sign adds the signature's headers to r, and notes what it was signed with.
func (t *transfer) sign(ctx context.Context, c *call, r *wire.Request, hash string) (sigv4.Signature, error) {
	template := c.template
	scheme, err := signingScheme(template.Auth)
	if err != nil {
		return sigv4.Signature{}, err
	}
	var credentials s3api.Credentials
	if scheme != sigv4.None {
		if credentials, err = template.Credentials(ctx, false); err != nil {
			return sigv4.Signature{}, err
		}
		c.signedAs = credentials
		if credentials.AccessKeyID == "" {
			scheme = sigv4.None
		}
	}
	region := template.SigningRegion
	if region == "" {
		region = t.client.o.Region
	}
	length := int64(len(template.Body))
	if r.ContentLength > 0 {
		length = r.ContentLength
	}
	scratch, _ := t.client.fields.Get().(*[]sigv4.Field)
	if scratch == nil {
		scratch = new([]sigv4.Field)
	}
	given := appendFields((*scratch)[:0], r.Header)
	all, signature, err := t.client.signer.Sign(given, &sigv4.Request{
		Method: r.Method, Host: r.Host, Path: r.Path, RawQuery: r.RawQuery,
		Fields: given, ContentLength: length, PayloadHash: hash,
	}, sigv4.Credentials{
		AccessKeyID: credentials.AccessKeyID, SecretAccessKey: credentials.SecretAccessKey, SessionToken: credentials.SessionToken,
	}, scheme, region, template.SigningName, t.client.now())
	defer func() {
		clear(all) // there may be secrets in it
		*scratch = all[:0]
		t.client.fields.Put(scratch)
	}()
	if err != nil {
		return signature, err
	}
	added := all[len(given):]
	values := make([]string, len(added))
	for i, f := range added {
		values[i] = f.Value
		r.Header[f.Name] = values[i : i+1 : i+1]
	}
	return signature, nil
}

func signingScheme(auth s3api.AuthScheme) (sigv4.Scheme, error) {
	switch auth {
	case s3api.AuthNone:
		return sigv4.None, nil
	case s3api.AuthSigV4:
		return sigv4.V4, nil
	case s3api.AuthSigV4Express:
		return sigv4.V4Express, nil
	case s3api.AuthSigV4A:
		return sigv4.V4A, nil
	}
	return sigv4.None, &unknownSchemeError{auth}
}

type unknownSchemeError struct{ auth s3api.AuthScheme }

func (e *unknownSchemeError) Error() string {
	return "signing scheme " + string(e.auth) + " is not known: use sigv4, sigv4-express, sigv4a or none"
}

func appendFields(fs []sigv4.Field, h http.Header) []sigv4.Field {
	for name, values := range h {
		for _, v := range values {
			fs = append(fs, sigv4.Field{Name: name, Value: v})
		}
	}
	return fs
}
