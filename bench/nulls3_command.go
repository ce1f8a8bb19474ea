//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/haul-s3/haul/bench/nulls3"
)

func nulls3Command() *cobra.Command {
	var c nulls3.Config
	var caPath string
	cmd := &cobra.Command{
		Use:   "nulls3",
		Short: "Serve objects that are nowhere, and drop what is put",
		Long: "The size of an object is in its key: big-2GiB, small-65536. Keys below many-COUNT-SIZE/ can be listed.\n" +
			"The counters are at " + nulls3.StatsPath + ".",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := nulls3.Listen(c)
			if err != nil {
				return err
			}
			for _, url := range s.Endpoints() {
				fmt.Fprintln(cmd.OutOrStdout(), url)
			}
			if c.TLS {
				if err := os.WriteFile(caPath, s.Authority(), 0o600); err != nil {
					return errors.Join(err, s.Close())
				}
				fmt.Fprintln(cmd.OutOrStdout(), "authority:", caPath)
			}
			<-cmd.Context().Done()
			return s.Close()
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Addr, "addr", "127.0.0.1:20020", "where to listen")
	f.IntVar(&c.Addresses, "addresses", 1, "number of loopback addresses, counted upwards")
	f.BoolVar(&c.TLS, "tls", false, "serve HTTPS")
	f.StringVar(&caPath, "ca", "bench-ca.pem", "where to write the certificate that clients must trust")
	f.IntVar(&c.RateMiB, "rate", 0, "bandwidth of a connection in MiB/s (default no limit)")
	f.IntVar(&c.TotalMiB, "total", 0, "bandwidth of all connections together in MiB/s (default no limit)")
	f.DurationVar(&c.Latency, "latency", 0, "before the first byte of an answer")
	f.IntVar(&c.SlowFrom, "slow-from", 0, "requests at once above which the latency grows with them (default never)")
	f.IntVar(&c.Descriptors, "descriptors", 0, "connections above which others wait to be accepted (default no limit)")
	f.IntVar(&c.RequestsPerSecond, "throttle", 0, "requests a second above which the answer is SlowDown (default no limit)")
	f.BoolVar(&c.Check, "check", false, "compare what is put with its checksum and with the pattern")
	return cmd
}
