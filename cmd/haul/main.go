// Command haul copies files and objects between this machine and Amazon S3, or
// any store that speaks S3.
//
// A command goes this way: command.go has the flags, cp.go and rm.go make a job
// of the arguments (what is moved, and how), client.go makes the Manager,
// execute.go runs the job, report.go and progress.go tell the user about it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
)

func main() { os.Exit(run(os.Args[1:])) }

// run is the whole program; it returns the exit code.
func run(args []string) int {
	ctx, stop := interruptible(context.Background(), os.Stderr)
	defer stop()
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	root := a.command()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !errors.Is(err, errReported) {
		fmt.Fprintln(a.stderr, "haul:", a.message(cmd, err))
	}
	return exitCode(err)
}
