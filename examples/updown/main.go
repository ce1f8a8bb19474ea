// Command updown uploads a file and downloads it again, with progress.
//
//	updown BUCKET KEY FILE
//
// The copy is written to FILE.back. Region, credentials and endpoint come from
// the environment and the AWS configuration files, as for every AWS program.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: updown BUCKET KEY FILE")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "updown:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, bucket, key, path string) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	m, err := haul.New(cfg)
	if err != nil {
		return err
	}
	// Run shuts the Manager down: with nothing left to wait for if all went
	// well, else after cancelling what still runs. Ctrl-C ends ctx, and so the
	// transfers.
	return m.Run(ctx, func(ctx context.Context) error {
		up, err := haul.Wait(m.Upload(ctx, haul.FromFile(path), &s3.PutObjectInput{
			Bucket: aws.String(bucket), Key: aws.String(key),
		}, haul.WithSubscribers(&progress{out: out})))
		if err != nil {
			return err
		}
		report(out, "up", up)

		down, err := haul.Wait(m.Download(ctx, &s3.GetObjectInput{
			Bucket: aws.String(bucket), Key: aws.String(key),
		}, haul.ToFile(path+".back"), haul.WithSubscribers(&progress{out: out})))
		if err != nil {
			return err
		}
		report(out, "down", down)
		return nil
	})
}

// report prints what a transfer came to and what was proven about its bytes.
func report(out io.Writer, leg string, r *haul.Result) {
	fmt.Fprintf(out, "%s: %d bytes in %d parts, %d requests, %s\n", leg, r.Size, r.Parts, r.Requests, r.Duration.Round(1e6))
	fmt.Fprintf(out, "%s: %s %s: %s\n", leg, r.Checksum.Algorithm, r.Checksum.Value, r.Checksum.How)
}

// progress is a Subscriber that prints a line at each tenth of the way. It
// belongs to one transfer.
type progress struct {
	haul.NopSubscriber // OnQueued and OnDone do nothing here
	out                io.Writer

	mu    sync.Mutex // OnProgress may run on several goroutines at once
	tenth int64      // guarded by mu
}

// OnProgress prints how far the transfer is. The Meta knows the sum and, once
// that is known, the size.
func (p *progress) OnProgress(f *haul.Future, _ int64) {
	done, size := f.Meta().Transferred(), f.Meta().Size()
	if size <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if tenth := done * 10 / size; tenth > p.tenth {
		p.tenth = tenth
		fmt.Fprintf(p.out, "%s %s: %d%%\n", f.Meta().Operation(), f.Meta().Key(), tenth*10)
	}
}
