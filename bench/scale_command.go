//go:build linux

package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/haul-s3/haul/bench/scale"
)

func scaleCommand() *cobra.Command {
	var o scale.Options
	results := section{heading: "Scaling", about: scaleText}
	cmd := &cobra.Command{
		Use:   "scale",
		Short: "See that the cost of a byte and of an object stays flat",
		Long: "Scale measures haul on 1 to 256 lanes, with objects of 1 KiB to 16 GiB, with 1 to 1,000,000 objects and with 1 to\n" +
			"1,000 transfers at once, and names what grows faster than what is moved.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Log = logTo(cmd)
			r, err := scale.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			return results.tell(cmd, r.Markdown())
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.Tables, "table", scale.Names(), "tables")
	f.IntVar(&o.Rounds, "rounds", 3, "rounds")
	f.DurationVar(&o.Patience, "patience", 20*time.Second, "a row that has taken longer has no further round")
	f.IntVar(&o.Objects, "objects", 1_000_000, "the largest number of objects")
	f.BoolVar(&o.Quick, "quick", false, "move little of everything, to see that it works")
	f.StringVar(&o.Dir, "dir", sharedMemory(), "folder for files")
	results.flag(cmd)
	return cmd
}

const scaleText = `What grows with the lanes, the size, the number of objects and the transfers under way: on loopback, each row in a
process of its own, in turn, medians. CPU is the client's. A step is a row whose cost for a GB or an object is more than
1.3 times that of the cheapest smaller one, or whose memory is more than 1.5 times as much (and 16 MiB more; lanes and
transfers may add half a MiB each). What a process needs to start is in the cost, so that rows that move little cost
more. The last two tables show what two options do.
`
