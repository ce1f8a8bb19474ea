package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/minio/crc64nvme"
	"github.com/spf13/cobra"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/testbody"
	"github.com/haul-s3/haul/sandbox/server"
)

const (
	demoBucket = "demo"
	demoKey    = "generated.bin"
	demoSeed   = 20060314 // the day S3 opened; any number makes as good a file
)

func demoCommand() *cobra.Command {
	d := demo{size: 1 << 30}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Send a generated file to S3 and back, prove that it is the same, say what it cost",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.out = cmd.OutOrStdout()
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().Var(&d.size, "size", "size of the file")
	cmd.Flags().BoolVar(&d.keep, "keep", false, "keep the files and the server's data, and say where they are")
	return cmd
}

// demo is one demonstration: a server, a file, two legs, a proof.
type demo struct {
	size byteSize
	keep bool
	out  io.Writer

	dir  string
	legs []leg
}

// leg is one direction's result and cost.
type leg struct {
	name   string
	result *haul.Result
	usage  *usage
}

// run goes through the stages in order, each after the one before. Whatever happens, the server ends and, unless they
// are to be kept, the files go.
func (d *demo) run(ctx context.Context) (err error) {
	if d.dir, err = os.MkdirTemp("", "haul-demo-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.cleanUp()) }()
	s, err := server.Start(server.Options{Dir: filepath.Join(d.dir, "server"), Quiet: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	fmt.Fprintf(d.out, "versitygw, an S3 server, runs at %s\n", s.Endpoint)
	if err := s.CreateBucket(ctx, demoBucket); err != nil {
		return err
	}
	sent, err := d.generate(ctx)
	if err != nil {
		return err
	}
	if err := d.transfer(ctx, s.Config()); err != nil {
		return err
	}
	returned, err := d.digestFile(ctx, d.returnedPath())
	if err != nil {
		return err
	}
	return d.report(sent, returned)
}

func (d *demo) sourcePath() string   { return filepath.Join(d.dir, "generated.bin") }
func (d *demo) returnedPath() string { return filepath.Join(d.dir, "returned.bin") }

// digests are what the demonstration itself computes of a file, apart from the library.
type digests struct{ sha256, crc64nvme string }

// generate writes the file, and digests it on the way.
func (d *demo) generate(ctx context.Context) (digests, error) {
	f, err := os.Create(d.sourcePath())
	if err != nil {
		return digests{}, err
	}
	sums, err := d.digest(ctx, "generate", io.TeeReader(testbody.NewReader(demoSeed, int64(d.size)), f))
	return sums, errors.Join(err, f.Close())
}

// digestFile reads a file and digests it.
func (d *demo) digestFile(ctx context.Context, path string) (digests, error) {
	f, err := os.Open(path)
	if err != nil {
		return digests{}, err
	}
	defer f.Close()
	return d.digest(ctx, "verify", f)
}

// digest reads all of r, showing how far it is.
func (d *demo) digest(ctx context.Context, label string, r io.Reader) (digests, error) {
	show := startProgress(d.out, label, int64(d.size))
	defer show.finish()
	sha, crc := sha256.New(), crc64nvme.New()
	hashes := io.MultiWriter(sha, crc)
	for buf := make([]byte, 256<<10); ; {
		n, err := r.Read(buf)
		hashes.Write(buf[:n]) // hashes never fail
		show.add(int64(n))
		switch {
		case err == io.EOF:
			return digests{hex.EncodeToString(sha.Sum(nil)), base64.StdEncoding.EncodeToString(crc.Sum(nil))}, nil
		case err != nil:
			return digests{}, err
		case ctx.Err() != nil:
			return digests{}, context.Cause(ctx)
		}
	}
}

// transfer sends the file up and brings it down, with one manager.
func (d *demo) transfer(ctx context.Context, cfg aws.Config) error {
	m, err := haul.New(cfg)
	if err != nil {
		return err
	}
	return m.Run(ctx, func(ctx context.Context) error {
		err := d.leg("upload", func(sub haul.TransferOption) (*haul.Future, error) {
			return m.Upload(ctx, haul.FromFile(d.sourcePath()), &s3.PutObjectInput{Bucket: aws.String(demoBucket), Key: aws.String(demoKey)}, sub)
		})
		if err != nil {
			return err
		}
		return d.leg("download", func(sub haul.TransferOption) (*haul.Future, error) {
			return m.Download(ctx, &s3.GetObjectInput{Bucket: aws.String(demoBucket), Key: aws.String(demoKey)}, haul.ToFile(d.returnedPath()), sub)
		})
	})
}

// leg runs one transfer with live progress and takes its account.
func (d *demo) leg(name string, begin func(haul.TransferOption) (*haul.Future, error)) error {
	u := beginUsage()
	show := startProgress(d.out, name, int64(d.size))
	result, err := haul.Wait(begin(haul.WithSubscribers(haul.SubscriberFuncs{
		Progress: func(_ *haul.Future, n int64) { show.add(n) },
	})))
	u.end()
	show.finish()
	d.legs = append(d.legs, leg{name, result, u})
	return err
}

// cleanUp removes everything, or says where it is.
func (d *demo) cleanUp() error {
	if d.keep {
		fmt.Fprintln(d.out, "kept in", d.dir)
		return nil
	}
	return os.RemoveAll(d.dir)
}
