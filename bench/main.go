//go:build linux

// Command bench measures S3 clients on this machine: haul, others, and bare
// sockets as the limit of what is possible, all against a null server on
// loopback.
//
//	go run ./bench compare            one table of all clients; writes bench/RESULTS.md
//	go run ./bench nulls3             the null server, for experiments
//	go run ./bench peer NAME          one client doing one workload, for profiles
//	go run ./bench floor              the same for bare sockets
//	go run ./bench run ...            the runner of the public S3 benchmark suite
//	go run ./bench soak --for 20m     transfers under random faults, all compared
//	go run ./bench scale              costs by lanes, sizes, objects, transfers
//	go run ./bench links              the engine's number of lanes on simulated links
//
// It needs Linux.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/haul-s3/haul/bench/load"
	"github.com/haul-s3/haul/bench/nulls3"
	"github.com/haul-s3/haul/bench/soak"
)

func main() {
	nulls3.MaybeServe()
	soak.MaybeServe()
	load.MaybeRun()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(execute(ctx, os.Args[1:]))
}

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func execute(ctx context.Context, args []string) (code int) {
	root := &cobra.Command{
		Use:           "bench",
		Short:         "Measure S3 clients against a null server on this machine",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(compareCommand(), nulls3Command(), peerCommand(), floorCommand(), runCommand(), soakCommand(), linksCommand(), scaleCommand())
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	return 1
}
