// Command sandbox runs an S3 server on this machine: to see haul at work in a minute, and to develop against.
//
//	go run ./sandbox demo              a file goes up to S3 and comes back the same
//	go run ./sandbox serve --dir DIR   a server with a bucket that keeps running, and the variables to use it
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/haul-s3/haul/sandbox/server"
)

func main() {
	server.MaybeServe()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "sandbox",
		Short:         "An S3 server on this machine, for demonstrations and development",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(demoCommand(), serveCommand())
	return root
}
