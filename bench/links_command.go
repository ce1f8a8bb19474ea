//go:build linux

package main

import (
	"github.com/spf13/cobra"

	"github.com/haul-s3/haul/bench/links"
)

func linksCommand() *cobra.Command {
	var o links.Options
	results := section{heading: "Links", about: linksText}
	cmd := &cobra.Command{
		Use:     "links",
		Aliases: []string{"wan"},
		Short:   "See how many lanes the engine chooses on simulated links, and what they bring",
		Long: "Links moves objects over simulated wide-area links, and to and from a small server, with fixed numbers of lanes\n" +
			"and with the engine's own choice, each in a process of its own against a null server of its own.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Log = logTo(cmd)
			r, err := links.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			return results.tell(cmd, r.Markdown())
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.Links, "link", links.Names(), "links")
	f.IntVar(&o.Rounds, "rounds", 3, "rounds")
	f.BoolVar(&o.Quick, "quick", false, "one fixed number of lanes for each link, to see that it works")
	results.flag(cmd)
	return cmd
}

const linksText = `How many lanes the engine chooses by itself, all options left alone, and what they bring; beside it, fixed numbers of
lanes. The links are simulated by the null server on loopback: goodput is of seconds 2 to 5 for a fixed number, of
seconds 5 to 10 for the engine's own choice. Medians, in turn.
`
