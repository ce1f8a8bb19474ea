package haul_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/serialize"
)

func newClient(fns ...func(*s3.Options)) *s3.Client {
	return s3.New(s3.Options{Region: "eu-west-1", Credentials: aws.AnonymousCredentials{}}, fns...)
}

func TestConstructorsRefuseWhatCannotBe(t *testing.T) {
	client, err := engine.New(engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sdk := serialize.New(newClient())
	setEngine := func(o *haul.Options) { o.Engine = &engine.Options{} }
	setMemory := func(o *haul.Options) { o.MemoryLimit = 1 << 20 }
	setS3 := func(o *haul.Options) { o.S3 = append(o.S3, func(*s3.Options) {}) }
	cases := map[string]struct {
		make func() (*haul.Manager, error)
		want string
	}{
		"nil-client":        {func() (*haul.Manager, error) { return haul.NewFromClient(nil) }, "S3 client is nil"},
		"nil-classic":       {func() (*haul.Manager, error) { return haul.NewClassic(nil) }, "S3 client is nil"},
		"nil-engine":        {func() (*haul.Manager, error) { return haul.NewManager(nil, sdk) }, "engine client is nil"},
		"nil-serializer":    {func() (*haul.Manager, error) { return haul.NewManager(client, nil) }, "serializer is nil"},
		"engine-twice":      {func() (*haul.Manager, error) { return haul.NewManager(client, sdk, setEngine) }, "Options.Engine"},
		"memory-twice":      {func() (*haul.Manager, error) { return haul.NewManager(client, sdk, setMemory) }, "Options.MemoryLimit"},
		"engine-of-classic": {func() (*haul.Manager, error) { return haul.NewClassic(newClient(), setEngine) }, "Options.Engine"},
		"options-of-mine":   {func() (*haul.Manager, error) { return haul.NewManager(client, mySerializer{sdk}, setS3) }, "Options.S3"},
		"options": {func() (*haul.Manager, error) {
			return haul.New(aws.Config{}, func(o *haul.Options) { o.PartSize = -1 })
		}, "PartSize"},
		"bad-engine": {func() (*haul.Manager, error) {
			return haul.New(aws.Config{}, func(o *haul.Options) { o.Engine = &engine.Options{PartSize: 1} })
		}, "PartSize"},
		"no-ca-bundle": {func() (*haul.Manager, error) {
			return haul.New(aws.Config{}, func(o *haul.Options) { o.Engine = &engine.Options{CABundle: "no/such/file.pem"} })
		}, "no/such/file.pem"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m, err := c.make()
			if m != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got manager %v, error %v, want an error with %q", m != nil, err, c.want)
			}
		})
	}
}

// mySerializer is a request serializer of a user's own.
type mySerializer struct{ serialize.Serializer }

func TestSerializerOfOnesOwnRefusesS3Options(t *testing.T) {
	client, err := engine.New(engine.Options{PartSize: 6 << 20})
	if err != nil {
		t.Fatal(err)
	}
	m, err := haul.NewManager(client, mySerializer{serialize.New(newClient())})
	if err != nil {
		t.Fatal(err)
	}
	defer shutdown(t, m)
	if n := haul.PartSize(m); n != 6<<20 {
		t.Errorf("part size: got %d, want the client's, %d", n, 6<<20)
	}
	_, err = m.Upload(t.Context(), haul.FromBytes(nil), put(), haul.WithS3Options(func(*s3.Options) {}))
	if err == nil || !strings.Contains(err.Error(), "mySerializer") {
		t.Errorf("Upload: got %v, want an error that names the serializer", err)
	}
}

func TestManagersFollowTheirClient(t *testing.T) {
	required := func(o *s3.Options) {
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}
	attempts := func(o *s3.Options) { o.RetryMaxAttempts = 3 }
	never := func(o *s3.Options) { o.Retryer = aws.NopRetryer{} }
	cases := map[string]struct {
		client   []func(*s3.Options)
		attempts int
		sums     bool
	}{
		"default":       {nil, 6, true},
		"when-required": {[]func(*s3.Options){required}, 6, false},
		"attempts":      {[]func(*s3.Options){attempts}, 3, true},
		"nop-retryer":   {[]func(*s3.Options){never}, 1, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			makers := map[string]func() (*haul.Manager, error){
				"NewFromClient": func() (*haul.Manager, error) { return haul.NewFromClient(newClient(c.client...)) },
				"NewClassic":    func() (*haul.Manager, error) { return haul.NewClassic(newClient(c.client...)) },
				"New": func() (*haul.Manager, error) {
					return haul.New(aws.Config{Region: "eu-west-1"}, func(o *haul.Options) { o.S3 = c.client })
				},
			}
			for maker, newManager := range makers {
				m, err := newManager()
				if err != nil {
					t.Fatalf("%s: %v", maker, err)
				}
				if got := haul.Attempts(m); got != c.attempts {
					t.Errorf("%s: got %d attempts, want %d", maker, got, c.attempts)
				}
				if requests, answers := haul.DefaultChecksums(m); requests != c.sums || answers != c.sums {
					t.Errorf("%s: got checksums by default %v, %v, want %v", maker, requests, answers, c.sums)
				}
				shutdown(t, m)
			}
		})
	}
}

// TestS3OptionsAreAppliedOnce: what Options.S3 adds to a client's middleware is
// there once, so that a request is counted, logged or billed once.
func TestS3OptionsAreAppliedOnce(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer server.Close()
	cfg := aws.Config{Region: "eu-west-1", Credentials: aws.AnonymousCredentials{}, BaseEndpoint: &server.URL}
	for name, make := range map[string]func(opt func(*haul.Options)) (*haul.Manager, error){
		"New": func(opt func(*haul.Options)) (*haul.Manager, error) { return haul.New(cfg, opt) },
		"NewFromClient": func(opt func(*haul.Options)) (*haul.Manager, error) {
			return haul.NewFromClient(s3.NewFromConfig(cfg), opt)
		},
		"NewClassic": func(opt func(*haul.Options)) (*haul.Manager, error) {
			return haul.NewClassic(s3.NewFromConfig(cfg), opt)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var values []string
			added := 0
			m, err := make(func(o *haul.Options) {
				o.S3 = append(o.S3, func(o *s3.Options) {
					o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
						added++
						return stack.Build.Add(middleware.BuildMiddlewareFunc(fmt.Sprint("mine-", added), func(ctx context.Context, in middleware.BuildInput,
							next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
							if r, ok := in.Request.(*smithyhttp.Request); ok {
								r.Header.Add("X-Amz-Meta-Mine", "once")
								values = r.Header.Values("X-Amz-Meta-Mine")
							}
							return next.HandleBuild(ctx, in)
						}), middleware.After)
					})
				})
			})
			if err != nil {
				t.Fatal(err)
			}
			defer shutdown(t, m)
			if _, err := haul.Wait(m.Delete(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})); err != nil {
				t.Fatal(err)
			}
			if len(values) != 1 {
				t.Errorf("the middleware ran %d times for a request, want once", len(values))
			}
		})
	}
}

// TestHTTPClients sends a delete through each kind of HTTP client to a server
// whose certificate only that client trusts.
func TestHTTPClients(t *testing.T) {
	var seen http.Header
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	trust := server.Client().Transport.(*http.Transport).TLSClientConfig
	clients := map[string]s3.HTTPClient{
		"http.Client":     server.Client(),
		"mine":            myClient{server.Client()},
		"buildable":       awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) { tr.TLSClientConfig.RootCAs = trust.RootCAs }),
		"buildable-proxy": awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) { tr.Proxy, tr.TLSClientConfig.RootCAs = nil, trust.RootCAs }),
		"buildable-naked": awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
			tr.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
		}),
	}
	for name, client := range clients {
		t.Run(name, func(t *testing.T) {
			seen = nil
			m, err := haul.NewFromClient(newClient(func(o *s3.Options) {
				o.HTTPClient, o.BaseEndpoint, o.UsePathStyle = client, aws.String(server.URL), true
			}))
			if err != nil {
				t.Fatal(err)
			}
			_, err = haul.Wait(m.Delete(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("b"), Key: aws.String("k")}))
			if err != nil || seen == nil {
				t.Errorf("Delete: got %v, request seen %v, want success", err, seen != nil)
			}
			if err := m.Shutdown(context.Background()); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
		})
	}
}

type myClient struct{ c *http.Client }

func (c myClient) Do(r *http.Request) (*http.Response, error) { return c.c.Do(r) }
