//go:build linux

package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/haul-s3/haul/bench/haulbench"
)

func runCommand() *cobra.Command {
	var o haulbench.Options
	var telemetry bool
	cmd := &cobra.Command{
		Use:   "run S3_CLIENT WORKLOAD BUCKET REGION TARGET_THROUGHPUT",
		Short: "Run a workload of the public S3 benchmark suite",
		Long: "Run takes the command line of the runners of github.com/awslabs/aws-crt-s3-benchmarks, and writes their lines.\n" +
			"It exits with 123 if the workload is not supported. Credentials and endpoint are found as by the AWS SDK.",
		Args: cobra.ExactArgs(5),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if telemetry {
				fmt.Fprintln(cmd.ErrOrStderr(), "bench: no telemetry file is written: haul keeps no record of single attempts")
			}
			o.Client, o.Workload, o.Bucket, o.Region, o.Out = args[0], args[1], args[2], args[3], cmd.OutOrStdout()
			if o.Gbps, err = strconv.ParseFloat(args[4], 64); err != nil {
				return fmt.Errorf("target throughput: %w", err)
			}
			err = haulbench.Run(cmd.Context(), o)
			if errors.Is(err, haulbench.ErrUnsupported) {
				return &exitError{haulbench.ExitUnsupported, err}
			}
			return err
		},
	}
	cmd.Flags().StringSliceVar(&o.NICs, "nic", nil, "network cards to use: not supported")
	cmd.Flags().BoolVar(&telemetry, "telemetry", false, "not supported, and said so")
	return cmd
}
