// Package sigv4 signs S3 requests: Signature Version 4 in its header form, the
// same for S3 Express sessions, SigV4a (ECDSA P-256, for multi-region access
// points), and the aws-chunked bodies that carry a signature or a checksum at
// their end. It works on plain fields, so that net/http and an own HTTP/1.1
// wire can both use it, and it knows nothing of the AWS SDK.
//
// The path of a request to its signature:
//
//	canonical.go  headers and query in canonical order, hashed
//	query.go      the query string's canonical form
//	keys.go       SigV4 keys: derived once per day, region and service
//	v4a.go        SigV4a keys: derived once per credentials
//	sigv4.go      string to sign, Authorization
//	chunk.go      signed chunks that follow the request
//	framing.go    unsigned chunks, length of a chunked body
//
// Source of the rules:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Values of Request.PayloadHash other than the hex SHA-256 of the body.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
const (
	// UnsignedPayload leaves the body out of the signature.
	UnsignedPayload = "UNSIGNED-PAYLOAD"
	// StreamingUnsignedTrailer is an aws-chunked body without signatures that ends in a trailer.
	StreamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	// StreamingSigned is an aws-chunked body whose chunks are signed with SigV4.
	StreamingSigned = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	// StreamingSignedTrailer is StreamingSigned with a signed trailer at its end.
	StreamingSignedTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	// StreamingSignedV4A is an aws-chunked body whose chunks are signed with SigV4a.
	StreamingSignedV4A = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"
	// StreamingSignedTrailerV4A is StreamingSignedV4A with a signed trailer at its end.
	StreamingSignedTrailerV4A = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER"
	// EmptySHA256 is the hex SHA-256 of no bytes: the PayloadHash of a request without a body.
	EmptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// Credentials is what a request is signed with. SessionToken may be empty,
// save for S3 Express, where it is the token of the session.
type Credentials struct{ AccessKeyID, SecretAccessKey, SessionToken string }

// Scheme names a way to sign.
type Scheme int

// The schemes of S3's endpoints.
const (
	// None sends the request anonymously.
	None Scheme = iota
	// V4 is Signature Version 4 in its header form.
	V4
	// V4Express is V4 with the session token in X-Amz-S3session-Token.
	V4Express
	// V4A is SigV4a; the region given to Sign is then a region set, such as "*".
	V4A
)

// String returns the scheme's name as it stands in this package.
func (s Scheme) String() string {
	switch s {
	case None:
		return "None"
	case V4:
		return "V4"
	case V4Express:
		return "V4Express"
	case V4A:
		return "V4A"
	}
	return fmt.Sprintf("Scheme(%d)", int(s))
}

// Field is one header line. Name is in canonical MIME form, as it is sent.
type Field struct{ Name, Value string }

// Request is what gets signed. Everything in it must go on the wire as it
// stands here; Sign neither changes nor keeps it.
type Request struct {
	// Method is the HTTP method, in upper case.
	Method string
	// Host is the value of the Host header as sent, with the port only where the sender writes it.
	Host string
	// Path is the escaped path as sent. S3 wants it neither normalised nor
	// escaped a second time. Empty means "/".
	Path string
	// RawQuery is the query as sent, without "?". Every byte outside
	// A-Z a-z 0-9 - . _ ~ must be escaped with upper-case hex, a space as
	// %20, or Sign refuses it. Any order will do.
	RawQuery string
	// Fields are the headers that will be sent, without Host. Fields of one
	// name are signed as one, in this order. None of the fields that Sign
	// adds may be among them, save X-Amz-Content-Sha256 with the same value
	// as PayloadHash; it is then not added again.
	Fields []Field
	// ContentLength is the length of the body as sent, in bytes. It is signed
	// when greater than 0, as in the AWS SDK.
	ContentLength int64
	// PayloadHash is the value of X-Amz-Content-Sha256: hex, or one of the
	// constants of this package.
	PayloadHash string
}

// Algorithm names, as they stand in Authorization and in the strings to sign.
const (
	algorithmV4  = "AWS4-HMAC-SHA256"
	algorithmV4A = "AWS4-ECDSA-P256-SHA256"
)

// errNoCredentials tells that Sign was called without keys. Anonymous requests use None.
var errNoCredentials = errors.New("sign request: access key or secret key is empty")

// Signer signs requests. It may be used from any number of goroutines at
// once. It remembers the keys that it derived, a small number of them.
type Signer struct {
	keys    keyCache[keyID, *hmacKey]
	keysV4A keyCache[keyIDV4A, *ecdsaKey]
	scratch sync.Pool // of *scratch
}

// New returns a Signer that holds no keys yet.
func New() *Signer {
	return &Signer{scratch: sync.Pool{New: func() any { return new(scratch) }}}
}

// Sign appends to dst the fields that the request needs on top of r.Fields and
// returns dst and the signature. With None that is X-Amz-Content-Sha256 where
// r.PayloadHash is set, and the Signature is zero. Else it is X-Amz-Date,
// X-Amz-Content-Sha256, the session token if there is one, X-Amz-Region-Set
// with V4A, and Authorization. Signed is every field but Authorization,
// User-Agent, X-Amzn-Trace-Id, Expect and Transfer-Encoding: the set of the
// AWS SDK for Go v2.
//
// dst may be r.Fields. On an error, dst is returned as it came.
func (s *Signer) Sign(dst []Field, r *Request, c Credentials, scheme Scheme, region, service string, at time.Time) ([]Field, Signature, error) {
	if err := check(r, c, scheme); err != nil {
		return dst, Signature{}, err
	}
	if scheme == None {
		return appendPayloadHash(dst, r), Signature{}, nil
	}
	sig, err := s.prepare(c, scheme, region, service, at.UTC())
	if err != nil {
		return dst, Signature{}, err
	}
	n := len(dst)
	out := append(dst, Field{"X-Amz-Date", sig.date})
	out = appendPayloadHash(out, r)
	if c.SessionToken != "" {
		out = append(out, Field{tokenField(scheme), c.SessionToken})
	}
	if scheme == V4A {
		out = append(out, Field{"X-Amz-Region-Set", region})
	}

	sc := s.scratch.Get().(*scratch)
	defer s.release(sc)
	names, digest, err := sc.canonical(r, out[n:])
	if err != nil {
		return dst, Signature{}, err
	}
	authorization := sc.authorize(&sig, c.AccessKeyID, names, digest)
	return append(out, Field{"Authorization", authorization}), sig, nil
}

// prepare fills a Signature with all but its seed.
func (s *Signer) prepare(c Credentials, scheme Scheme, region, service string, at time.Time) (Signature, error) {
	date := formatDate(at)
	day := date[:len("20060102")]
	if scheme == V4A {
		key, err := s.keyV4A(c)
		if err != nil {
			return Signature{}, err
		}
		// SigV4a binds the regions through a header, so its scope has none.
		return Signature{algorithm: algorithmV4A, date: date, scope: day + "/" + service + "/aws4_request", key: key}, nil
	}
	key := s.keyV4(c, day, region, service)
	return Signature{algorithm: algorithmV4, date: date, scope: key.scope, key: key}, nil
}

// authorize signs the canonical request's digest, notes the seed in sig and
// returns the value of Authorization.
func (sc *scratch) authorize(sig *Signature, accessKeyID string, names []byte, digest [sha256.Size]byte) string {
	b := append(sc.toSign[:0], sig.algorithm...)
	b = append(append(b, '\n'), sig.date...)
	b = append(append(b, '\n'), sig.scope...)
	b = hex.AppendEncode(append(b, '\n'), digest[:])
	sc.toSign = b

	o := append(sc.out[:0], sig.algorithm...)
	o = append(append(o, " Credential="...), accessKeyID...)
	o = append(append(o, '/'), sig.scope...)
	o = append(append(o, ", SignedHeaders="...), names...)
	o = append(o, ", Signature="...)
	n := len(o)
	o = sig.key.appendSignature(o, b)
	sc.out = o
	authorization := string(o)
	sig.seed = authorization[n:]
	return authorization
}

// release hands the scratch space back, without anybody's secrets in it:
// headers may carry session tokens and customer keys.
func (s *Signer) release(sc *scratch) {
	clear(sc.headers)
	clear(sc.params)
	clear(sc.text)
	s.scratch.Put(sc)
}

// appendPayloadHash appends X-Amz-Content-Sha256 unless the request has it.
func appendPayloadHash(dst []Field, r *Request) []Field {
	if r.PayloadHash == "" {
		return dst
	}
	for i := range r.Fields {
		if strings.EqualFold(r.Fields[i].Name, "X-Amz-Content-Sha256") {
			return dst
		}
	}
	return append(dst, Field{"X-Amz-Content-Sha256", r.PayloadHash})
}

// tokenField names the header that carries the session token.
func tokenField(scheme Scheme) string {
	if scheme == V4Express {
		return "X-Amz-S3session-Token"
	}
	return "X-Amz-Security-Token"
}

// check refuses what could only end in a 403.
func check(r *Request, c Credentials, scheme Scheme) error {
	if scheme < None || scheme > V4A {
		return fmt.Errorf("sign request: unknown scheme %v", scheme)
	}
	for i := range r.Fields {
		if err := checkField(&r.Fields[i], r.PayloadHash); err != nil {
			return err
		}
	}
	if want, ok := payloadScheme(r.PayloadHash); ok && !(scheme == want || want == V4 && scheme == V4Express) {
		return fmt.Errorf("sign request: payload %s cannot be signed with %v", r.PayloadHash, scheme)
	}
	if scheme == None {
		return nil
	}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return errNoCredentials
	}
	if r.PayloadHash == "" {
		return errors.New("sign request: payload hash is empty")
	}
	return nil
}

// checkField refuses a field that Sign is to add itself: sent twice, it would break the signature.
func checkField(f *Field, payloadHash string) error {
	switch len(f.Name) { // few are so long; X-Amz-Security-Token is as long as X-Amz-Content-Sha256
	case len("X-Amz-Date"), len("Authorization"), len("X-Amz-Region-Set"), len("X-Amz-Content-Sha256"), len("X-Amz-S3session-Token"):
	default:
		return nil
	}
	switch {
	case strings.EqualFold(f.Name, "X-Amz-Content-Sha256"):
		if f.Value == payloadHash {
			return nil
		}
	case strings.EqualFold(f.Name, "Authorization"),
		strings.EqualFold(f.Name, "X-Amz-Date"),
		strings.EqualFold(f.Name, "X-Amz-Region-Set"),
		strings.EqualFold(f.Name, "X-Amz-Security-Token"),
		strings.EqualFold(f.Name, "X-Amz-S3session-Token"):
	default:
		return nil
	}
	return fmt.Errorf("sign request: field %s is for the signer to add", f.Name)
}

// payloadScheme returns the scheme that a payload with signed chunks asks for.
func payloadScheme(payloadHash string) (Scheme, bool) {
	switch payloadHash {
	case StreamingSigned, StreamingSignedTrailer:
		return V4, true
	case StreamingSignedV4A, StreamingSignedTrailerV4A:
		return V4A, true
	}
	return None, false
}

// formatDate writes t, which is in UTC, as 20060102T150405Z. By hand: time's
// own formatter costs more than the hash of the request.
func formatDate(t time.Time) string {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	var b [len("20060102T150405Z")]byte
	put2(b[0:], year/100)
	put2(b[2:], year%100)
	put2(b[4:], int(month))
	put2(b[6:], day)
	b[8] = 'T'
	put2(b[9:], hour)
	put2(b[11:], minute)
	put2(b[13:], second)
	b[15] = 'Z'
	return string(b[:])
}

// put2 writes n as two digits.
func put2(b []byte, n int) { b[0], b[1] = '0'+byte(n/10%10), '0'+byte(n%10) }
