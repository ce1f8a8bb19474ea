package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// interruptError is the cause of what a signal ended.
type interruptError struct{ signal os.Signal }

func (e interruptError) Error() string {
	if e.signal == syscall.SIGTERM {
		return "terminated"
	}
	return "interrupted"
}

// interruptible returns a context that the first SIGINT or SIGTERM ends. The
// second one ends the process at once. stop gives the signals back.
func interruptible(ctx context.Context, stderr io.Writer) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go signalLoop(signals, cancel, stderr)
	return ctx, func() {
		signal.Stop(signals)
		close(signals) // nothing sends any more
		cancel(nil)
	}
}

// signalLoop ends with the channel, or with the process.
func signalLoop(signals <-chan os.Signal, cancel context.CancelCauseFunc, stderr io.Writer) {
	first, ok := <-signals
	if !ok {
		return
	}
	cause := interruptError{first}
	fmt.Fprintf(stderr, "haul: %v: cleaning up; once more ends at once\n", cause)
	cancel(cause)
	if second, ok := <-signals; ok {
		os.Exit(exitCode(interruptError{second}))
	}
}
