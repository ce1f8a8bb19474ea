package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/spf13/cobra"

	"github.com/haul-s3/haul/sandbox/server"
)

func serveCommand() *cobra.Command {
	var o server.Options
	bucket := ""
	cmd := &cobra.Command{
		Use:   "serve --dir DIR",
		Short: "Keep a server running and print the variables to use it",
		Long: `Keep a server running until Ctrl-C. Its objects stay in DIR/data.

Standard output has the export lines for a shell; they suit haul, aws, boto3 and the AWS SDKs. The bucket is made
unless it is there, and its name is one of the lines, so that this works as it stands:

  haul cp FILE s3://$BUCKET/`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := server.Start(o)
			if err != nil {
				return err
			}
			if err := makeBucket(cmd.Context(), s, bucket); err != nil {
				return errors.Join(fmt.Errorf("bucket %s: %w", bucket, err), s.Close())
			}
			writeExports(cmd.OutOrStdout(), s, bucket)
			fmt.Fprintln(cmd.ErrOrStderr(), "# serving", s.Dir, "until Ctrl-C")
			<-cmd.Context().Done()
			return s.Close()
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Dir, "dir", "", "folder that keeps the server's data (required)")
	flags.StringVar(&bucket, "bucket", "my-bucket", "bucket to begin with; empty: none")
	flags.StringVar(&o.Addr, "addr", "", "address to listen on (default 127.0.0.1 and a free port)")
	flags.BoolVar(&o.TLS, "tls", false, "serve HTTPS, with a certificate made for this machine")
	flags.BoolVar(&o.Versioned, "versioned", false, "allow buckets to be versioned")
	flags.BoolVar(&o.Quiet, "quiet", false, "do not log requests to standard error")
	flags.StringVar(&o.AccessKey, "access-key", server.DefaultAccessKey, "access key id of the root account")
	flags.StringVar(&o.SecretKey, "secret-key", server.DefaultSecretKey, "secret access key of the root account")
	cobra.CheckErr(cmd.MarkFlagRequired("dir"))
	return cmd
}

// makeBucket makes a bucket unless its name is empty or it is there from an earlier run.
func makeBucket(ctx context.Context, s *server.Server, name string) error {
	if name == "" {
		return nil
	}
	err := s.CreateBucket(ctx, name)
	var mine *types.BucketAlreadyOwnedByYou
	if errors.As(err, &mine) {
		return nil
	}
	return err
}

// writeExports prints the server's coordinates and the bucket as lines that a POSIX shell can evaluate.
func writeExports(w io.Writer, s *server.Server, bucket string) {
	vars := []struct{ name, value string }{
		{"AWS_ACCESS_KEY_ID", s.AccessKey},
		{"AWS_SECRET_ACCESS_KEY", s.SecretKey},
		{"AWS_REGION", s.Region},
		{"AWS_DEFAULT_REGION", s.Region}, // Python's SDK and command line read only this one
		{"AWS_ENDPOINT_URL", s.Endpoint},
		{"AWS_ENDPOINT_URL_S3", s.Endpoint},
		{"AWS_CA_BUNDLE", s.CAFile},
		{"BUCKET", bucket},
	}
	for _, v := range vars {
		if v.value != "" {
			fmt.Fprintf(w, "export %s=%s\n", v.name, shellQuote(v.value))
		}
	}
}
