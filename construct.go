package haul

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/bufpool"
	"github.com/haul-s3/haul/internal/classic"
	"github.com/haul-s3/haul/internal/driver"
	"github.com/haul-s3/haul/serialize"
)

// New returns a Manager on haul's own engine, made from an AWS configuration:
// region, credentials, endpoint, TLS and retries come from there. The Manager
// owns its client, so Shutdown closes its connections.
func New(cfg aws.Config, optFns ...func(*Options)) (*Manager, error) {
	o, err := newOptions(optFns)
	if err != nil {
		return nil, err
	}
	c := s3.NewFromConfig(cfg, o.S3...)
	o.S3 = nil // c has them, and must have each of them once
	return newFromClient(c, o)
}

// NewFromClient is New with the configuration of an S3 client that is there
// already: endpoint, path style, credentials, checksum settings, attempts, TLS
// and proxy, or its whole HTTP client if that is one of the caller's own. What
// the client's middleware adds to a request is kept. c is not closed.
func NewFromClient(c *s3.Client, optFns ...func(*Options)) (*Manager, error) {
	o, err := newOptions(optFns)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, errors.New("S3 client is nil")
	}
	return newFromClient(c, o)
}

// NewManager returns a Manager on a client of the engine, which several
// Managers may share, and a request serializer. It closes neither.
func NewManager(c *engine.Client, s serialize.Serializer, optFns ...func(*Options)) (*Manager, error) {
	o, err := newOptions(optFns)
	switch {
	case err != nil:
		return nil, err
	case c == nil:
		return nil, errors.New("engine client is nil")
	case s == nil:
		return nil, errors.New("request serializer is nil")
	case o.Engine != nil:
		return nil, errors.New("Options.Engine is set: the given client has its options already")
	case o.MemoryLimit != 0:
		return nil, errors.New("Options.MemoryLimit is set: the given client has a limit already")
	}
	sdk, _ := s.(*serialize.SDK)
	if sdk == nil && len(o.S3) > 0 {
		return nil, fmt.Errorf("Options.S3 needs the SDK's request serializer, not a %T", s)
	}
	if sdk == nil {
		return onEngine(c, s, nil, o), nil
	}
	if len(o.S3) > 0 {
		sdk = sdk.With(o.S3...)
	}
	return onEngine(c, sdk, sdk, withClientOptions(o, sdk.Options())), nil
}

// NewClassic returns the same Manager on plain calls of the SDK: slower, but
// each request is one that c makes. c is not closed. How long an answer may take
// is for c's HTTP client to say, and the SDK's default one waits for ever: set its
// ResponseHeaderTimeout, or bound each transfer by its context.
func NewClassic(c S3API, optFns ...func(*Options)) (*Manager, error) {
	o, err := newOptions(optFns)
	switch {
	case err != nil:
		return nil, err
	case c == nil:
		return nil, errors.New("S3 client is nil")
	case o.Engine != nil:
		return nil, errors.New("Options.Engine is set: there is no engine behind NewClassic")
	}
	client, _ := c.(*s3.Client)
	if client != nil {
		o = withClientOptions(o, clientOptions(client, o))
	}
	d := classic.New(c, classic.Config{Memory: bufpool.New(o.MemoryLimit), Concurrency: o.Concurrency, FS: o.FS})
	return newManager(d, o, func(m *Manager) {
		m.classicS3 = o.S3
		if client != nil {
			m.followChecksums(clientOptions(client, o))
		}
	}), nil
}

// newOptions collects the options and checks them.
func newOptions(optFns []func(*Options)) (o Options, err error) {
	for _, fn := range optFns {
		if fn != nil {
			fn(&o)
		}
	}
	return o, o.validate()
}

// newFromClient makes an engine client to the likeness of c.
func newFromClient(c *s3.Client, o Options) (*Manager, error) {
	sdk := serialize.New(c)
	if len(o.S3) > 0 {
		sdk = sdk.With(o.S3...)
	}
	settings := sdk.Options()
	var e engine.Options
	if o.Engine != nil {
		e = *o.Engine
	}
	setDefault(&e.Region, settings.Region)
	setDefault(&e.MemoryLimit, o.MemoryLimit)
	followHTTP(&e, settings.HTTPClient)
	client, err := engine.New(e)
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	m := onEngine(client, sdk, sdk, withClientOptions(o, settings))
	m.release = func(ctx context.Context) error { return errors.Join(m.driver.Close(ctx), client.Close(ctx)) }
	return m, nil
}

func onEngine(c *engine.Client, s serialize.Serializer, sdk *serialize.SDK, o Options) *Manager {
	setDefault(&o.PartSize, c.PartSize())
	return newManager(c.Driver(s), o, func(m *Manager) {
		m.serializer, m.sdk = s, sdk
		if sdk != nil {
			m.followChecksums(sdk.Options())
		}
	})
}

// clientOptions are a client's options with those of the Manager applied.
func clientOptions(c *s3.Client, o Options) s3.Options {
	settings := c.Options()
	for _, fn := range o.S3 {
		fn(&settings)
	}
	return settings
}

// withClientOptions takes over how often the S3 client would try a request,
// where somebody has chosen that.
func withClientOptions(o Options, settings s3.Options) Options {
	if o.MaxAttempts == 0 {
		o.MaxAttempts = settings.RetryMaxAttempts
	}
	if r := settings.Retryer; o.MaxAttempts == 0 && r != nil && r.MaxAttempts() != retry.DefaultMaxAttempts {
		o.MaxAttempts = max(r.MaxAttempts(), 0) // 0, which is unlimited there, is the default here
	}
	return o
}

// followChecksums honours the S3 client's when_required.
func (m *Manager) followChecksums(settings s3.Options) {
	m.requestSum = settings.RequestChecksumCalculation != aws.RequestChecksumCalculationWhenRequired
	m.answerSum = settings.ResponseChecksumValidation != aws.ResponseChecksumValidationWhenRequired
}

var _ driver.Events = (*transfer)(nil)
