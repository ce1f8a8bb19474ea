package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// app is one run of the program.
type app struct {
	stdin, stdout, stderr *os.File
	settings              settings
}

// settings are the flags that every command has.
type settings struct {
	endpointURL, region, profile, caBundle string
	noSignRequest, noVerifySSL             bool
	pathStyle                              bool
	pathStyleGiven                         bool // the flag was set, to whatever
	quiet, noProgress                      bool
	partSize, memoryLimit                  byteSize
	concurrency                            int
	targetThroughput, maxBandwidth         byteRate
	checksumAlgorithm                      string
	validateETag                           bool
}

const rootHelp = `haul copies files and objects between this machine and Amazon S3, or any store that speaks S3.

Credentials, region and endpoint come from where the AWS tools have them: the
variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_PROFILE,
AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3 and AWS_CA_BUNDLE, the files ~/.aws/config
and ~/.aws/credentials, or the role of the machine. Flags come first.

Sizes are like 8MiB (or 8M), 8MB, 4096; rates like 50MB/s, 100MiB/s, 10Gbps.

`

// command is the tree of commands.
func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:           "haul",
		Short:         "Copy files and objects between this machine and S3",
		Long:          rootHelp + exitCodeHelp(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	a.settings.add(root.PersistentFlags())
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		a.settings.pathStyleGiven = cmd.Flags().Changed("path-style")
		return a.settings.check()
	}
	root.AddCommand(a.cpCommand(), a.rmCommand(), versionCommand())
	return root
}

func (s *settings) add(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVar(&s.endpointURL, "endpoint-url", "", "`URL` of the store (default: Amazon S3's, or AWS_ENDPOINT_URL_S3)")
	f.StringVar(&s.region, "region", "", "region of the bucket (default: as configured, else us-east-1)")
	f.StringVar(&s.profile, "profile", "", "profile of the AWS configuration files")
	f.BoolVar(&s.noSignRequest, "no-sign-request", false, "send requests without credentials, for public buckets")
	f.BoolVar(&s.noVerifySSL, "no-verify-ssl", false, "do not check the server's certificate")
	f.StringVar(&s.caBundle, "ca-bundle", "", "PEM `file` with the certificates to trust")
	f.BoolVar(&s.pathStyle, "path-style", false, "address buckets as URL/bucket (default: where the endpoint is an IP address or localhost)")
	f.BoolVarP(&s.quiet, "quiet", "q", false, "print errors only")
	f.BoolVar(&s.noProgress, "no-progress", false, "no progress bar: a line for each object instead")
	f.Var(&s.partSize, "part-size", "size of the parts of large objects, 5MiB to 5GiB (default 8MiB)")
	f.IntVar(&s.concurrency, "concurrency", 0, "parts of one object that are moved at once (default: what goes best)")
	f.Var(&s.targetThroughput, "target-throughput", "throughput to begin with as many connections for as it needs; then measurements decide (default 10Gbps)")
	f.Var(&s.maxBandwidth, "max-bandwidth", "throughput that is not exceeded (default: no limit)")
	f.Var(&s.memoryLimit, "memory-limit", "memory for pipes and standard output (default: a quarter of the machine's, at most 2GiB)")
	f.StringVar(&s.checksumAlgorithm, "checksum-algorithm", "", checksumNames()+" (default CRC64NVME)")
	f.BoolVar(&s.validateETag, "validate-etag", false, "compare downloads with an ETag that is an MD5, where the object has no checksum")
}

func unknownCommand(root *cobra.Command, name string) error {
	err := fmt.Errorf("there is no command %q", name)
	if close := root.SuggestionsFor(name); len(close) > 0 {
		err = fmt.Errorf("%w; perhaps %s?", err, strings.Join(close, " or "))
	}
	return usageError{err}
}

// nArgs demands n arguments.
func nArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("want %s, got %d arguments", strings.TrimPrefix(cmd.UseLine(), "haul "), len(args))
		}
		return nil
	}
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  nArgs(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			version := "unknown"
			if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
				version = info.Main.Version
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "haul %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
