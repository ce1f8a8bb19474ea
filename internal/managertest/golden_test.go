package managertest_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden holds the engine's requests against the SDK's own, which the
// classic driver sends, and against the golden files.
func TestGolden(t *testing.T) {
	for _, c := range goldenCases() {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && c.size > small {
				t.Skip("several megabytes each way")
			}
			ours := c.run(t, func(client *s3.Client, o ...func(*haul.Options)) (*haul.Manager, error) {
				return haul.NewFromClient(client, o...)
			})
			theirs := c.run(t, func(client *s3.Client, o ...func(*haul.Options)) (*haul.Manager, error) {
				return haul.NewClassic(client, o...)
			})
			compareRequests(t, ours, theirs)
			for _, s := range ours {
				checkSignature(t, c, s)
			}
			compareGolden(t, c.name, ours)
		})
	}
}

// goldenCase is one transfer under the settings of one client.
type goldenCase struct {
	name   string
	size   int64
	client func(*s3.Options)
	carry  func(ctx context.Context, m *haul.Manager, size int64) error
}

const (
	goldenKey    = "AKIDGOLDEN"
	goldenSecret = "secret"
)

// run carries the case and returns its requests.
func (c *goldenCase) run(t *testing.T, make func(*s3.Client, ...func(*haul.Options)) (*haul.Manager, error)) []sent {
	t.Helper()
	r := newRecorder(c.size)
	options := s3.Options{
		Region: "eu-west-1", HTTPClient: &http.Client{Transport: r},
		Credentials: credentials.NewStaticCredentialsProvider(goldenKey, goldenSecret, ""),
	}
	if c.client != nil {
		c.client(&options)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	m, err := make(s3.New(options), func(o *haul.Options) { o.PartSize, o.MaxAttempts = goldenPart, 1 })
	if err != nil {
		t.Fatal(err)
	}
	if err := c.carry(ctx, m, c.size); err != nil {
		t.Fatal(err)
	}
	if err := m.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	return r.requests()
}

// ownBusiness are headers in which an engine need not equal the SDK: checksums
// and how the body is framed, what belongs to a single attempt, and the
// signature, which is compared by itself.
var ownBusiness = []string{
	"X-Amz-Content-Sha256", "X-Amz-Checksum-", "X-Amz-Trailer", "X-Amz-Decoded-Content-Length", "X-Amz-Sdk-Checksum-Algorithm",
	"Expect", "Amz-Sdk-", "Accept-Encoding", "Authorization", "X-Amz-Date", "Content-Length",
}

// additions are headers that the SDK's request may lack, with the reason.
var additions = map[string]string{
	// With it S3 itself refuses an object of another size. The SDK sends it
	// only where the caller gives it, which the classic driver does only beside
	// a full-object checksum.
	"X-Amz-Mp-Object-Size": "on CompleteMultipartUpload, so that S3 refuses an object of another size",
}

func ours(name string) bool {
	return slices.ContainsFunc(ownBusiness, func(p string) bool { return strings.HasPrefix(name, p) }) || additions[name] != ""
}

// comparableHeader is a request's header without what is an engine's own business.
// Of the user agent only the beginning is compared, which is the SDK's name.
func comparableHeader(h http.Header) map[string]string {
	out := map[string]string{}
	for name, values := range h {
		value := strings.Join(values, "\n")
		switch name {
		case "User-Agent":
			value, _, _ = strings.Cut(value, " ")
		case "Content-Encoding":
			value = strings.Trim(strings.ReplaceAll(value, "aws-chunked", ""), ",\n")
			if value == "" {
				continue
			}
		}
		if !ours(name) {
			out[name] = value
		}
	}
	return out
}

func compareRequests(t *testing.T, got, want []sent) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("the engine sent %s\nthe SDK sent %s", ids(got), ids(want))
	}
	for i := range got {
		g, w := got[i].request, want[i].request
		if a, b := line(g), line(w); a != b {
			t.Errorf("the engine sent %s\nthe SDK sent    %s", a, b)
		}
		a, b := comparableHeader(g.Header), comparableHeader(w.Header)
		for _, name := range slices.Sorted(maps.Keys(a)) {
			if v, ok := b[name]; !ok || v != a[name] {
				t.Errorf("%s: the engine sent %s: %q, the SDK %q (%v)", line(g), name, a[name], v, ok)
			}
		}
		for name, v := range b {
			if _, ok := a[name]; !ok {
				t.Errorf("%s: the SDK sent %s: %q, the engine didn't", line(g), name, v)
			}
		}
	}
}

func ids(all []sent) string {
	var b strings.Builder
	for _, s := range all {
		fmt.Fprintf(&b, "\n  %s %s", s.id(), line(s.request))
	}
	return b.String()
}

// line is all of a request that is not its header.
func line(r *http.Request) string {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	return fmt.Sprintf("%s %s://%s%s?%s", r.Method, r.URL.Scheme, host, r.URL.EscapedPath(), r.URL.RawQuery)
}

// checkSignature signs a request of the engine's once more with the SDK's
// signer.
func checkSignature(t *testing.T, c goldenCase, s sent) {
	t.Helper()
	got := s.request.Header.Get("Authorization")
	if !strings.HasPrefix(got, "AWS4-HMAC-SHA256 ") {
		return // anonymous, or SigV4a, whose signatures differ each time
	}
	_, scope, _ := strings.Cut(got, "Credential=")
	scope, _, _ = strings.Cut(scope, ",")
	fields := strings.Split(scope, "/")
	r := s.request.Clone(t.Context())
	r.Header.Del("Authorization")
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	key := aws.Credentials{AccessKeyID: fields[0], SecretAccessKey: goldenSecret, SessionToken: r.Header.Get("X-Amz-Security-Token")}
	if fields[0] == "SESSIONKEY" {
		key.SecretAccessKey = "session-secret"
	}
	r.Header.Del("X-Amz-Security-Token")
	r.Header.Del("X-Amz-Date")
	err = v4.NewSigner().SignHTTP(t.Context(), key, r, r.Header.Get("X-Amz-Content-Sha256"), fields[3], fields[2], at,
		func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err != nil {
		t.Fatal(err)
	}
	if want := r.Header.Get("Authorization"); got != want {
		t.Errorf("%s: the engine signed %s\nthe SDK signed    %s", line(s.request), got, want)
	}
}

// compareGolden holds the requests against the golden file.
func compareGolden(t *testing.T, name string, requests []sent) {
	t.Helper()
	var b bytes.Buffer
	for _, s := range requests {
		writeGolden(&b, s)
	}
	path := filepath.Join("testdata", "golden", name+".txt")
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -run Golden -update writes it)", err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("requests differ from %s: got\n%s\nwant\n%s", path, b.Bytes(), want)
	}
}

// writeGolden writes what is the same each time.
func writeGolden(w io.Writer, s sent) {
	fmt.Fprintln(w, line(s.request))
	for _, name := range slices.Sorted(maps.Keys(s.request.Header)) {
		for _, v := range s.request.Header[name] {
			switch name {
			case "User-Agent", "X-Amz-Date", "Amz-Sdk-Invocation-Id":
				continue
			case "Authorization":
				v, _, _ = strings.Cut(v, "Signature=")
				v = signedOn.ReplaceAllString(v, "/DATE/")
			}
			fmt.Fprintf(w, "%s: %s\n", name, v)
		}
	}
	if s.request.ContentLength > 0 {
		fmt.Fprintf(w, "Content-Length: %d\n", s.request.ContentLength)
	}
	if bytes.HasPrefix(s.body, []byte("<")) {
		fmt.Fprintf(w, "\n%s\n", s.body)
	}
	fmt.Fprintln(w)
}
