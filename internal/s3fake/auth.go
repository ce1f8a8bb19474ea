package s3fake

import (
	"net/http"
	"slices"
	"strings"
)

// authorize judges what a request says of itself before its operation is looked at: signature, region, owner.
func (c *call) authorize() error {
	if err := c.checkOwner("X-Amz-Expected-Bucket-Owner"); err != nil {
		return err
	}
	if err := c.checkOwner("X-Amz-Source-Expected-Bucket-Owner"); err != nil {
		return err
	}
	header := c.r.Header.Get("Authorization")
	scope := c.query.Get("X-Amz-Credential")
	if header == "" && scope == "" {
		if c.s.options.RequireAuth {
			return fail("AccessDenied", "Access Denied")
		}
		return nil
	}
	if header != "" {
		var err error
		if scope, err = checkAuthorization(header, c.r.Header); err != nil {
			return err
		}
	}
	if err := checkScope(scope, c.s.options.Region); err != nil {
		return err
	}
	if c.s.options.Verify == nil {
		return nil
	}
	if err := c.s.options.Verify(c.r, c.r.Header.Get("X-Amz-Content-Sha256")); err != nil {
		return fail("SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.", "Reason", err.Error())
	}
	return nil
}

func (c *call) checkOwner(header string) error {
	owner := c.r.Header.Get(header)
	if c.s.options.Owner != "" && owner != "" && owner != c.s.options.Owner {
		return fail("AccessDenied", "Access Denied")
	}
	return nil
}

// checkAuthorization judges the form of an Authorization header and returns its credential.
func checkAuthorization(header string, h http.Header) (credential string, err error) {
	malformed := fail("AuthorizationHeaderMalformed", "The authorization header is malformed.")
	algorithm, rest, _ := strings.Cut(header, " ")
	if algorithm != "AWS4-HMAC-SHA256" && algorithm != "AWS4-ECDSA-P256-SHA256" {
		return "", fail("InvalidArgument", "Unsupported Authorization Type", "ArgumentName", "Authorization")
	}
	fields := map[string]string{}
	for _, field := range strings.Split(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		fields[name] = value
	}
	if fields["Credential"] == "" || fields["SignedHeaders"] == "" || fields["Signature"] == "" {
		return "", malformed
	}
	signed := strings.Split(fields["SignedHeaders"], ";")
	if !slices.IsSorted(signed) || !slices.Contains(signed, "host") {
		return "", malformed
	}
	for name := range h {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(signed, name) {
			return "", fail("AccessDenied", "There were headers present in the request which were not signed", "HeadersNotSigned", name)
		}
	}
	if h.Get("X-Amz-Date") == "" && h.Get("Date") == "" {
		return "", fail("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
	}
	return fields["Credential"], checkContentHash(h.Get("X-Amz-Content-Sha256"))
}

func checkContentHash(value string) error {
	switch {
	case value == "":
		return fail("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
	case value == "UNSIGNED-PAYLOAD", strings.HasPrefix(value, "STREAMING-"), isHex(value, 64):
		return nil
	}
	return fail("InvalidArgument", "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD or a valid sha256 value.")
}

// checkScope judges a credential: key/date/region/service/aws4_request, where SigV4a has no region.
func checkScope(credential, region string) error {
	parts := strings.Split(credential, "/")
	if len(parts) < 4 || parts[len(parts)-1] != "aws4_request" {
		return fail("AuthorizationHeaderMalformed", "The authorization header is malformed; the Credential is mal-formed.")
	}
	if len(parts) < 5 || region == "" {
		return nil
	}
	if got := parts[len(parts)-3]; got != region {
		return fail("AuthorizationHeaderMalformed", "The authorization header is malformed; the region '"+got+"' is wrong; expecting '"+region+"'", "Region", region)
	}
	return nil
}
