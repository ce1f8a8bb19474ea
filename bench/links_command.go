//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/haul-s3/haul/bench/compare"
	"github.com/haul-s3/haul/bench/links"
	"github.com/haul-s3/haul/bench/page"
)

func linksCommand() *cobra.Command {
	var o links.Options
	var out string
	cmd := &cobra.Command{
		Use:     "links",
		Aliases: []string{"wan"},
		Short:   "See how many lanes the engine chooses on simulated links, and what they bring",
		Long: "Links moves objects over simulated wide-area links, and to and from a small server, with fixed numbers of lanes\n" +
			"and with the engine's own choice, each in a process of its own against a null server of its own.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Log = func(format string, args ...any) {
				fmt.Fprintf(cmd.ErrOrStderr(), time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
			}
			r, err := links.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), r.Markdown())
			if out == "" {
				return nil
			}
			command := "go run ./bench " + strings.Join(os.Args[1:], " ")
			text := fmt.Sprintf("%s\n`%s`\n\n%s\n%s", linksText, command, compare.Machine(cmd.Context()), r.Markdown())
			return page.Write(out, "Links", text)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.Links, "link", links.Names(), "links")
	f.IntVar(&o.Rounds, "rounds", 3, "rounds")
	f.BoolVar(&o.Quick, "quick", false, "one fixed number of lanes for each link, to see that it works")
	f.StringVar(&out, "out", "", "page whose section about links is written, such as bench/RESULTS.md")
	return cmd
}

const linksText = `How many lanes the engine chooses by itself, all options left alone, and what they bring; beside it, fixed numbers of
lanes. The links are simulated by the null server on loopback: goodput is of seconds 2 to 5 for a fixed number, of
seconds 5 to 10 for the engine's own choice. Medians, in turn.
`
