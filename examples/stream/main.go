// Command stream uploads what comes on standard input, of whatever length, and
// then reads the object back to standard output:
//
//	tar c folder | stream BUCKET KEY | tar t
//
// Neither the whole input nor the whole object is ever in memory.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: stream BUCKET KEY <input >output")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdin, os.Stdout, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "stream:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, in io.Reader, out io.Writer, bucket, key string) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	m, err := haul.New(cfg, func(o *haul.Options) {
		o.MemoryLimit = 128 << 20 // of parts that wait, up and down
	})
	if err != nil {
		return err
	}
	return m.Run(ctx, func(ctx context.Context) error {
		up, err := haul.Wait(m.Upload(ctx, haul.FromReader(in), &s3.PutObjectInput{
			Bucket: aws.String(bucket), Key: aws.String(key),
		}))
		if err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "uploaded %d bytes in %d parts\n", up.Size, up.Parts)
		return download(ctx, m, out, bucket, key)
	})
}

// download reads the object as a stream. Its parts are fetched in parallel and
// ahead of the reader. io.EOF, which io.Copy takes for success, comes only when
// all bytes have come and their checksum is right.
func download(ctx context.Context, m *haul.Manager, out io.Writer, bucket, key string) error {
	r, err := m.Open(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
	if err != nil {
		return err
	}
	_, err = io.Copy(out, r)
	return errors.Join(err, r.Close())
}
