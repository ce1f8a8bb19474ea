//go:build linux

package peers

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/haul-s3/haul/bench/workload"
)

func minioClient(w *workload.Spec) (*minio.Client, error) {
	u, err := url.Parse(w.Endpoint)
	if err != nil {
		return nil, err
	}
	rt, err := minio.DefaultTransport(w.TLS())
	if err != nil {
		return nil, err
	}
	if config, err := clientTLS(w); err != nil {
		return nil, err
	} else if config != nil {
		rt.TLSClientConfig = config
	}
	rt.MaxIdleConnsPerHost = w.Concurrency
	return minio.New(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(accessKey, secretKey, ""), Secure: w.TLS(), Region: region,
		Transport: http.RoundTripper(rt), BucketLookup: minio.BucketLookupPath,
	})
}

func runMinio(ctx context.Context, w *workload.Spec) error {
	c, err := minioClient(w)
	if err != nil {
		return err
	}
	options := minio.PutObjectOptions{PartSize: uint64(w.PartSize), NumThreads: uint(w.Concurrency)}
	return w.Each(ctx, func(ctx context.Context, i int) error {
		key := w.Key(i)
		switch {
		case w.Up && w.File:
			_, err := c.FPutObject(ctx, workload.Bucket, key, w.Path(i), options)
			return err
		case w.Up:
			_, err := c.PutObject(ctx, workload.Bucket, key, bytes.NewReader(w.Source()), w.Size, options)
			return err
		case w.File:
			return c.FGetObject(ctx, workload.Bucket, key, w.Path(i), minio.GetObjectOptions{})
		}
		o, err := c.GetObject(ctx, workload.Bucket, key, minio.GetObjectOptions{})
		if err != nil {
			return err
		}
		to := w.Target()
		_, err = io.Copy(to, o)
		return errors.Join(err, o.Close(), to.Done(w.Size))
	})
}
