package sigv4_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/haul-s3/haul/internal/sigv4"
)

var (
	plain   = sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	session = sigv4.Credentials{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "secret", SessionToken: "FwoGZXIvYXdzE//token+with/odd=="}
	noon    = time.Date(2026, 2, 3, 4, 5, 6, 789, time.UTC)
)

// oracle signs r with the AWS SDK's signer and returns the request that it made.
func oracle(t testing.TB, r *sigv4.Request, c sigv4.Credentials, scheme sigv4.Scheme, region, service string, at time.Time) http.Header {
	t.Helper()
	req := &http.Request{
		Method:        r.Method,
		Host:          r.Host,
		URL:           &url.URL{Scheme: "https", Host: r.Host, Opaque: "//" + r.Host + r.Path, RawQuery: r.RawQuery},
		Header:        http.Header{},
		ContentLength: r.ContentLength,
	}
	for _, f := range r.Fields {
		req.Header[f.Name] = append(req.Header[f.Name], f.Value)
	}
	req.Header.Set("X-Amz-Content-Sha256", r.PayloadHash)
	creds := aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
	if scheme == sigv4.V4Express {
		creds.SessionToken = ""
		req.Header.Set("X-Amz-S3session-Token", c.SessionToken)
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err := signer.SignHTTP(context.Background(), creds, req, r.PayloadHash, service, region, at); err != nil {
		t.Fatalf("oracle: %v", err)
	}
	return req.Header
}

// header collects fields as net/http would send them.
func header(fields ...[]sigv4.Field) http.Header {
	h := http.Header{}
	for _, f := range slices.Concat(fields...) {
		h[f.Name] = append(h[f.Name], f.Value)
	}
	return h
}

// compare signs r with both signers and wants the same headers.
func compare(t *testing.T, s *sigv4.Signer, r *sigv4.Request, c sigv4.Credentials, scheme sigv4.Scheme, service string) {
	t.Helper()
	added, sig, err := s.Sign(nil, r, c, scheme, "eu-central-1", service, noon)
	if err != nil {
		t.Fatalf("Sign(%+v): %v", r, err)
	}
	got, want := header(r.Fields, added), oracle(t, r, c, scheme, "eu-central-1", service, noon)
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("headers of %s %s?%s:\n got %v\nwant %v", r.Method, r.Path, r.RawQuery, got, want)
	}
	if a := want.Get("Authorization"); !strings.HasSuffix(a, "Signature="+sig.Hex()) {
		t.Errorf("signature: got %s, want the end of %s", sig.Hex(), a)
	}
}

func TestSignEqualsSDK(t *testing.T) {
	put := []sigv4.Field{
		{"Content-Type", "application/octet-stream"}, {"X-Amz-Checksum-Crc64nvme", "AAAAAAAAAAA="},
		{"X-Amz-Meta-Author", "somebody"}, {"X-Amz-Storage-Class", "STANDARD_IA"}, {"User-Agent", "haul/1"},
		{"Expect", "100-continue"}, {"Transfer-Encoding", "chunked"}, {"X-Amzn-Trace-Id", "Root=1"},
		{"Content-Length", "42"}, {"Content-Encoding", "gzip"}, {"If-None-Match", "*"}, {"Accept-Encoding", "identity"},
	}
	cases := map[string]struct {
		method, path, query string
		fields              []sigv4.Field
		length              int64
		payload             string
	}{
		"get-plain":             {path: "/bucket/key"},
		"key-empty":             {path: "/"},
		"key-space-plus":        {path: "/a%20b%2Bc+d"},
		"key-unicode":           {path: "/%C3%BCn%C3%AF/%F0%9F%98%80"},
		"key-double-slash":      {path: "//a//b/"},
		"key-dots":              {path: "/a/../b/./c"},
		"key-percent":           {path: "/100%25/%2525"},
		"key-question-tilde":    {path: "/what%3F/~home"},
		"key-raw-reserved":      {path: "/a(b)!'*$&=@:;,"},
		"key-1024-bytes":        {path: "/" + strings.Repeat("k%20", 512)},
		"query-part":            {method: "PUT", path: "/k", query: "partNumber=10000&uploadId=a.b_c-d~%2B%2F%3D&x-id=UploadPart", length: 8 << 20},
		"query-unsorted":        {path: "/k", query: "x-id=GetObject&versionId=null&partNumber=3"},
		"query-name-prefix":     {path: "/k", query: "a=1&a-b=2&a1=3&A=4&a%2F=5"},
		"query-values":          {path: "/k", query: "a=b-c&a=b%2Fc&a=&a"},
		"query-empty-values":    {method: "POST", path: "/k", query: "uploads="},
		"query-no-equals":       {method: "POST", path: "/k", query: "uploads&x-id=CreateMultipartUpload"},
		"query-empty-pieces":    {path: "/k", query: "&&list-type=2&&prefix=a%2Fb%20c&"},
		"query-unicode":         {path: "/", query: "prefix=%C3%BC&delimiter=%2F&continuation-token=1%2F%2B%3D%3D"},
		"headers-many":          {method: "PUT", path: "/k", fields: put, length: 42},
		"headers-spaces":        {path: "/k", fields: []sigv4.Field{{"X-Amz-Meta-A", "  a   b\t  c "}, {"X-Amz-Meta-B", ""}, {"X-Amz-Meta-C", "     "}, {"X-Amz-Meta-D", "\t x  \t"}}},
		"headers-repeated":      {path: "/k", fields: []sigv4.Field{{"X-Amz-Meta-A", " 2 "}, {"Range", "bytes=0-1"}, {"X-Amz-Meta-A", "1"}, {"X-Amz-Meta-A", ""}}},
		"headers-unicode":       {path: "/k", fields: []sigv4.Field{{"X-Amz-Meta-A", "ü\u00a0"}}},
		"payload-hex":           {method: "PUT", path: "/k", payload: sigv4.EmptySHA256},
		"payload-trailer":       {method: "PUT", path: "/k", payload: sigv4.StreamingUnsignedTrailer, length: 99, fields: []sigv4.Field{{"X-Amz-Trailer", "x-amz-checksum-crc32"}}},
		"payload-signed-chunks": {method: "PUT", path: "/k", payload: sigv4.StreamingSignedTrailer, length: 99},
		"length-zero":           {method: "PUT", path: "/k", length: 0},
		"length-unknown":        {method: "PUT", path: "/k", length: -1},
	}
	s := sigv4.New()
	for name, tc := range cases {
		r := &sigv4.Request{Method: tc.method, Host: "bucket.s3.eu-central-1.amazonaws.com:8443", Path: tc.path, RawQuery: tc.query,
			Fields: tc.fields, ContentLength: tc.length, PayloadHash: tc.payload}
		if r.Method == "" {
			r.Method = "GET"
		}
		if r.PayloadHash == "" {
			r.PayloadHash = sigv4.UnsignedPayload
		}
		t.Run(name, func(t *testing.T) {
			compare(t, s, r, plain, sigv4.V4, "s3")
			compare(t, s, r, session, sigv4.V4, "s3")
			compare(t, s, r, session, sigv4.V4Express, "s3express")
		})
	}
}

func TestSignEqualsSDKOnRandomRequests(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	word := func(alphabet string, n int) string {
		b := make([]byte, rng.IntN(n))
		for i := range b {
			b[i] = alphabet[rng.IntN(len(alphabet))]
		}
		return string(b)
	}
	s := sigv4.New()
	for range 500 {
		r := &sigv4.Request{Method: "PUT", Host: "h", PayloadHash: sigv4.UnsignedPayload, ContentLength: int64(rng.IntN(3) - 1)}
		r.Path = "/" + word("abc/~.%", 20)
		query := url.Values{}
		for range rng.IntN(6) {
			query.Add(word("aAb-.=&/ +%é", 4), word("aAb-.=&/ +%é", 8))
		}
		r.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
		for range rng.IntN(40) {
			name := http.CanonicalHeaderKey("x" + word("ab-c", 6))
			r.Fields = append(r.Fields, sigv4.Field{Name: name, Value: word("ab  \t,", 12)})
		}
		compare(t, s, r, session, sigv4.V4, "s3")
	}
}

func TestSignAnonymous(t *testing.T) {
	r := &sigv4.Request{Method: "GET", Host: "h", Path: "/k", RawQuery: "not strict"}
	had := []sigv4.Field{{Name: "Range", Value: "bytes=0-1"}}
	got, sig, err := sigv4.New().Sign(had, r, sigv4.Credentials{}, sigv4.None, "", "", noon)
	if err != nil || !slices.Equal(got, had) || sig.Hex() != "" {
		t.Errorf("without payload hash: got %v, %q, %v, want %v, no signature, no error", got, sig.Hex(), err, had)
	}
	r.PayloadHash = sigv4.StreamingUnsignedTrailer
	got, _, err = sigv4.New().Sign(nil, r, sigv4.Credentials{}, sigv4.None, "", "", noon)
	want := []sigv4.Field{{Name: "X-Amz-Content-Sha256", Value: sigv4.StreamingUnsignedTrailer}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("with payload hash: got %v, %v, want %v", got, err, want)
	}
}

func TestSignIntoItsOwnFields(t *testing.T) {
	fields := make([]sigv4.Field, 1, 16)
	fields[0] = sigv4.Field{Name: "X-Amz-Content-Sha256", Value: sigv4.UnsignedPayload}
	r := &sigv4.Request{Method: "GET", Host: "h", Path: "/k", Fields: fields, PayloadHash: sigv4.UnsignedPayload}
	got, _, err := sigv4.New().Sign(fields, r, session, sigv4.V4, "eu-central-1", "s3", noon)
	if err != nil {
		t.Fatal(err)
	}
	if want := oracle(t, r, session, sigv4.V4, "eu-central-1", "s3", noon); !maps.EqualFunc(header(got), want, slices.Equal) {
		t.Errorf("got %v, want %v", header(got), want)
	}
}

func TestSignRefuses(t *testing.T) {
	ok := sigv4.Request{Method: "GET", Host: "h", Path: "/k", PayloadHash: sigv4.UnsignedPayload}
	cases := map[string]struct {
		change func(*sigv4.Request)
		creds  sigv4.Credentials
		scheme sigv4.Scheme
		want   string
	}{
		"no-credentials":      {func(*sigv4.Request) {}, sigv4.Credentials{}, sigv4.V4, "access key or secret key is empty"},
		"no-payload-hash":     {func(r *sigv4.Request) { r.PayloadHash = "" }, plain, sigv4.V4, "payload hash is empty"},
		"unknown-scheme":      {func(*sigv4.Request) {}, plain, 7, "unknown scheme Scheme(7)"},
		"wrong-chunks-for-v4": {func(r *sigv4.Request) { r.PayloadHash = sigv4.StreamingSignedV4A }, plain, sigv4.V4, "cannot be signed with V4"},
		"wrong-chunks-v4a":    {func(r *sigv4.Request) { r.PayloadHash = sigv4.StreamingSignedTrailer }, plain, sigv4.V4A, "cannot be signed with V4A"},
		"chunks-anonymous":    {func(r *sigv4.Request) { r.PayloadHash = sigv4.StreamingSigned }, plain, sigv4.None, "cannot be signed with None"},
		"date-present":        {field("X-Amz-Date", "x"), plain, sigv4.V4, "field X-Amz-Date is for the signer to add"},
		"authorization":       {field("Authorization", "x"), plain, sigv4.V4, "field Authorization is"},
		"token-lower-case":    {field("x-amz-s3session-token", "x"), plain, sigv4.V4, "field x-amz-s3session-token is"},
		"other-payload-hash":  {field("X-Amz-Content-Sha256", "x"), plain, sigv4.V4, "field X-Amz-Content-Sha256 is"},
		"query-plus":          {query("a=b+c"), plain, sigv4.V4, `query parameter "a=b+c" is not strictly encoded`},
		"query-slash":         {query("x=1&a=b/c"), plain, sigv4.V4, `"a=b/c"`},
		"query-lower-hex":     {query("a=%2f"), plain, sigv4.V4, `"a=%2f"`},
		"query-half-escape":   {query("a=%2"), plain, sigv4.V4, `"a=%2"`},
		"query-needless":      {query("%41=1"), plain, sigv4.V4, `"%41=1"`},
		"query-two-equals":    {query("a=b=c"), plain, sigv4.V4A, `"a=b=c"`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r, had := ok, []sigv4.Field{{Name: "A", Value: "b"}}
			tc.change(&r)
			got, _, err := sigv4.New().Sign(had, &r, tc.creds, tc.scheme, "r", "s3", noon)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error: got %v, want %q", err, tc.want)
			}
			if !slices.Equal(got, had) {
				t.Errorf("fields: got %v, want %v", got, had)
			}
		})
	}
}

func field(name, value string) func(*sigv4.Request) {
	return func(r *sigv4.Request) { r.Fields = []sigv4.Field{{Name: name, Value: value}} }
}

func query(raw string) func(*sigv4.Request) {
	return func(r *sigv4.Request) { r.RawQuery = raw }
}

// FuzzQuery holds the canonical query against the SDK's: what Sign accepts
// must be signed the same, and what is encoded as it should be is accepted.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "uploads", "uploads=", "a=1&a-b=2", "a=b-c&a=b%2Fc", "&&", "=v", "a=%C3%BC", "a=%zz", "a=+", "a;b=c", "%", "a=b=c", "a=%41"} {
		f.Add(seed)
	}
	s := sigv4.New()
	f.Fuzz(func(t *testing.T, raw string) {
		r := &sigv4.Request{Method: "GET", Host: "h", Path: "/k", RawQuery: raw, PayloadHash: sigv4.UnsignedPayload}
		_, sig, err := s.Sign(nil, r, plain, sigv4.V4, "us-east-1", "s3", noon)
		if err == nil {
			equal(t, r, sig)
		}
		values, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		r.RawQuery = strings.ReplaceAll(values.Encode(), "+", "%20")
		if _, sig, err = s.Sign(nil, r, plain, sigv4.V4, "us-east-1", "s3", noon); err != nil {
			t.Fatalf("Sign of %q: %v", r.RawQuery, err)
		}
		equal(t, r, sig)
	})
}

func equal(t *testing.T, r *sigv4.Request, sig sigv4.Signature) {
	t.Helper()
	want := oracle(t, r, plain, sigv4.V4, "us-east-1", "s3", noon).Get("Authorization")
	if !strings.HasSuffix(want, "="+sig.Hex()) {
		t.Fatalf("query %q: got signature %s, want the end of %s", r.RawQuery, sig.Hex(), want)
	}
}

// TestKeysAreBounded signs with more keys than are remembered, from several
// goroutines, and wants every signature right.
func TestKeysAreBounded(t *testing.T) {
	s := sigv4.New()
	r := &sigv4.Request{Method: "GET", Host: "h", Path: "/k", PayloadHash: sigv4.UnsignedPayload}
	done := make(chan error)
	const lanes = 4
	for range lanes {
		go func() { done <- signWithManyKeys(t, s, r) }()
	}
	for range lanes {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if v4, v4a := s.KeyCounts(); v4 != sigv4.KeysMax || v4a != 1 {
		t.Errorf("keys held: got %d and %d, want %d and 1", v4, v4a, sigv4.KeysMax)
	}
}

func signWithManyKeys(t *testing.T, s *sigv4.Signer, r *sigv4.Request) error {
	for i := range sigv4.KeysMax + 40 {
		at := noon.AddDate(0, 0, i)
		_, sig, err := s.Sign(nil, r, plain, sigv4.V4, "r", "s3", at)
		if err != nil {
			return err
		}
		if i%16 == 0 {
			want := oracle(t, r, plain, sigv4.V4, "r", "s3", at).Get("Authorization")
			if !strings.HasSuffix(want, "="+sig.Hex()) {
				return fmt.Errorf("day %d: got signature %s, want the end of %s", i, sig.Hex(), want)
			}
		}
		if i == 0 {
			if _, _, err := s.Sign(nil, r, plain, sigv4.V4A, "*", "s3", at); err != nil {
				return err
			}
		}
	}
	return nil
}
