//go:build linux

package peers

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul/bench/tlsconn"
	"github.com/haul-s3/haul/bench/workload"
)

const (
	region    = "us-east-1"
	accessKey = "AKIABENCH"
	secretKey = "secret"
)

func sdkConfig(w *workload.Spec) (aws.Config, error) {
	config, err := clientTLS(w)
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(w.Endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
		// As many idle connections as are used: the SDK's own limit of 10 would
		// make the others dial anew for each request.
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = w.Concurrency
			if config != nil {
				t.TLSClientConfig = config
			}
		}),
	}, err
}

// clientTLS trusts the null server; nil without TLS.
func clientTLS(w *workload.Spec) (*tls.Config, error) {
	if !w.TLS() {
		return nil, nil
	}
	return tlsconn.ClientConfig(w.CA)
}

func sdkClient(w *workload.Spec) (*s3.Client, error) {
	cfg, err := sdkConfig(w)
	if err != nil {
		return nil, err
	}
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }), nil
}

func runTransferManager(ctx context.Context, w *workload.Spec) error {
	c, err := sdkClient(w)
	if err != nil {
		return err
	}
	tm := transfermanager.New(c, func(o *transfermanager.Options) {
		o.PartSizeBytes, o.MultipartUploadThreshold = w.PartSize, w.PartSize
		if w.Large() {
			o.Concurrency = w.Concurrency
		}
	})
	return moveAll(ctx, w, mover{
		up: func(ctx context.Context, key *string, r io.ReadSeeker) error {
			_, err := tm.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: aws.String(workload.Bucket), Key: key, Body: r})
			return err
		},
		down: func(ctx context.Context, key *string, to io.WriterAt) error {
			_, err := tm.DownloadObject(ctx, &transfermanager.DownloadObjectInput{Bucket: aws.String(workload.Bucket), Key: key, WriterAt: to})
			return err
		},
	})
}

func runManager(ctx context.Context, w *workload.Spec) error {
	c, err := sdkClient(w)
	if err != nil {
		return err
	}
	lanes := manager.DefaultUploadConcurrency
	if w.Large() {
		lanes = w.Concurrency
	}
	//lint:ignore SA1019 many programs still use it
	u := manager.NewUploader(c, func(u *manager.Uploader) { u.PartSize, u.Concurrency = w.PartSize, lanes })
	//lint:ignore SA1019 many programs still use it
	d := manager.NewDownloader(c, func(d *manager.Downloader) { d.PartSize, d.Concurrency = w.PartSize, lanes })
	return moveAll(ctx, w, mover{
		up: func(ctx context.Context, key *string, r io.ReadSeeker) error {
			//lint:ignore SA1019 many programs still use it
			_, err := u.Upload(ctx, &s3.PutObjectInput{Bucket: aws.String(workload.Bucket), Key: key, Body: r})
			return err
		},
		down: func(ctx context.Context, key *string, to io.WriterAt) error {
			//lint:ignore SA1019 many programs still use it
			_, err := d.Download(ctx, to, &s3.GetObjectInput{Bucket: aws.String(workload.Bucket), Key: key})
			return err
		},
	})
}

// mover moves one object, however large, and returns when it is moved.
type mover struct {
	up   func(ctx context.Context, key *string, r io.ReadSeeker) error
	down func(ctx context.Context, key *string, to io.WriterAt) error
}

// moveAll moves all objects of a workload, as many at once as it says; a large
// one by itself, in as many parts at once.
func moveAll(ctx context.Context, w *workload.Spec, m mover) error {
	return w.Each(ctx, func(ctx context.Context, i int) error {
		key := aws.String(w.Key(i))
		switch {
		case w.Up && w.File:
			f, err := os.Open(w.Path(i))
			if err != nil {
				return err
			}
			return errors.Join(m.up(ctx, key, f), f.Close())
		case w.Up:
			return m.up(ctx, key, bytes.NewReader(w.Source()))
		case w.File:
			f, err := os.Create(w.Path(i))
			if err != nil {
				return err
			}
			return errors.Join(m.down(ctx, key, f), f.Close())
		}
		to := w.Target()
		if err := m.down(ctx, key, to); err != nil {
			return err
		}
		return to.Done(w.Size)
	})
}
