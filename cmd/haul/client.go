package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/engine"
)

// defaultRegion is for those who have configured none. On Amazon S3 the answer
// names the bucket's own, which is then used; most other stores don't mind.
const defaultRegion = "us-east-1"

// client makes the SDK's client, which lists, and whose settings the Manager
// takes over.
func (s *settings) client(ctx context.Context) (*s3.Client, error) {
	load, err := s.loadOptions()
	if err != nil {
		return nil, err
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if cfg.Region == "" {
		cfg.Region = defaultRegion
	}
	if s.noVerifySSL {
		b, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
		if !ok { // none was configured
			b = awshttp.NewBuildableClient()
		}
		cfg.HTTPClient = b.WithTransportOptions(trustAnyone)
	}
	return s3.NewFromConfig(cfg, s.clientOptions), nil
}

func (s *settings) loadOptions() ([]func(*config.LoadOptions) error, error) {
	var load []func(*config.LoadOptions) error
	if s.region != "" {
		load = append(load, config.WithRegion(s.region))
	}
	if s.profile != "" {
		load = append(load, config.WithSharedConfigProfile(s.profile))
	}
	if s.noSignRequest {
		load = append(load, config.WithCredentialsProvider(aws.AnonymousCredentials{}))
	}
	if bundle := cmp.Or(s.caBundle, os.Getenv("AWS_CA_BUNDLE")); bundle != "" {
		pem, err := readBundle(bundle)
		if err != nil {
			return nil, err
		}
		load = append(load, config.WithCustomCABundle(bytes.NewReader(pem)))
	}
	return load, nil
}

// clientOptions sees the endpoint that environment and profile have set.
func (s *settings) clientOptions(o *s3.Options) {
	if s.endpointURL != "" {
		o.BaseEndpoint = &s.endpointURL
	}
	o.UsePathStyle = s.pathStyle
	if !s.pathStyleGiven {
		o.UsePathStyle = hasNoSubdomains(aws.ToString(o.BaseEndpoint))
	}
}

// manager makes the Manager; set, if it isn't nil, sets further options. Its
// errors are those of the flags.
func (s *settings) manager(c *s3.Client, set func(*haul.Options)) (*haul.Manager, error) {
	m, err := haul.NewFromClient(c, func(o *haul.Options) {
		o.Concurrency = s.concurrency
		o.MaxBandwidth = int64(s.maxBandwidth)
		o.MemoryLimit = int64(s.memoryLimit)
		o.ChecksumAlgorithm = types.ChecksumAlgorithm(s.checksumAlgorithm)
		o.ValidateETag = s.validateETag
		if set != nil {
			set(o)
		}
		o.Engine = &engine.Options{PartSize: int64(s.partSize), TargetThroughput: float64(s.targetThroughput)}
	})
	if err != nil {
		return nil, usageError{err}
	}
	return m, nil
}

func trustAnyone(t *http.Transport) {
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	t.TLSClientConfig.InsecureSkipVerify = true
}

// checkEndpoint judges --endpoint-url; empty is none.
func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return usagef("--endpoint-url %q is not like https://host or http://host:port", endpoint)
	}
	return nil
}

// hasNoSubdomains says that buckets can't be addressed as bucket.host at an
// endpoint: its host is an IP address or this machine.
func hasNoSubdomains(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	_, err = netip.ParseAddr(u.Hostname())
	return err == nil || u.Hostname() == "localhost"
}
