//go:build linux

package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/haul-s3/haul/bench/soak"
)

func soakCommand() *cobra.Command {
	var o soak.Options
	var out string
	cmd := &cobra.Command{
		Use:   "soak",
		Short: "Move objects under random faults and cancels, and compare all of them",
		Long: "Soak lets haul work against a server that fails in every way it knows, cancels transfers at random, compares\n" +
			"every object that was reported done, and counts what is left in the end. It fails if anything is wrong.\n\n" +
			"A starved client has\n  * " + strings.Join(soak.Limits(), "\n  * "),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Log = logTo(cmd)
			r, err := soak.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), r.Markdown())
			if out != "" {
				command := commandLine()
				if err := soak.WriteSection(out, command, r); err != nil {
					return err
				}
			}
			if !r.Good() {
				return errors.New("soak: promises were broken")
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.DurationVar(&o.For, "for", time.Minute, "how long")
	f.IntVar(&o.Workers, "workers", 16, "transfers at once")
	f.Uint64Var(&o.Seed, "seed", 1, "of transfers, faults and cancels")
	f.StringVar(&o.Dir, "dir", sharedMemory(), "folder for files")
	f.BoolVar(&o.Starved, "starved", false, "with few descriptors, little memory for buffers and a slow disk, as said above")
	f.StringVar(&out, "out", "", "page whose section about soaks is written, such as bench/RESULTS.md")
	return cmd
}
