//go:build linux

package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/haul-s3/haul/bench/compare"
	"github.com/haul-s3/haul/bench/page"
)

func compareCommand() *cobra.Command {
	o := compare.Options{}
	size, partSize, objectSize := compare.Size(2<<30), compare.Size(8<<20), compare.Size(64<<10)
	var out string
	cmd := &cobra.Command{
		Use:   "compare",
		Short: "Compare the clients, in turn, and write one table",
		Long: "Compare lets every client do the same work against a null server on loopback, in turn, and writes medians.\n" +
			"A quick look: --workload large-down --medium memory --transport plain --peer floor,haul",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Size, o.PartSize, o.ObjectSize = int64(size), int64(partSize), int64(objectSize)
			o.Command = commandLine()
			o.Log = logTo(cmd)
			r, err := compare.Run(cmd.Context(), o)
			if r == nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "Loopback figures: no network card, no S3; the null server shares the processors.")
			fmt.Fprint(cmd.OutOrStdout(), r.Table())
			if out == "" || err != nil { // a page is of a whole comparison
				return err
			}
			kept, err := page.Kept(out)
			if err != nil {
				return err
			}
			return os.WriteFile(out, []byte(r.Page(cmd.Context())+kept), 0o644)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.Workloads, "workload", compare.Workloads, "workloads")
	f.StringSliceVar(&o.Media, "medium", compare.Media, "where the bytes come from and go to")
	f.StringSliceVar(&o.Transports, "transport", compare.Transports, "plain HTTP, TLS")
	f.StringSliceVar(&o.Peers, "peer", nil, "clients (default all)")
	f.Var(&size, "size", "size of the large object")
	f.Var(&partSize, "part-size", "size of its parts")
	f.IntVar(&o.Objects, "objects", 10_000, "number of small objects")
	f.Var(&objectSize, "object-size", "size of a small object")
	f.IntVar(&o.Concurrency, "concurrency", 16, "connections")
	f.IntVar(&o.Rounds, "rounds", 5, "rounds")
	f.StringVar(&o.Dir, "dir", sharedMemory(), "folder for files")
	f.StringVar(&out, "out", "", "page to write, such as bench/RESULTS.md")
	return cmd
}

// sharedMemory is a folder in memory, so that no disk is measured.
func sharedMemory() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return os.TempDir()
}
