//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/haul-s3/haul/bench/compare"
	"github.com/haul-s3/haul/bench/peers"
	"github.com/haul-s3/haul/bench/workload"
)

// peerOptions say which workload a client does by itself.
type peerOptions struct {
	spec                    string // as JSON, from compare
	endpoint, ca, dir       string
	up, file, verify        bool
	directIO, durable, pipe bool
	size, partSize          compare.Size
	objects, concurrency    int
	cpuProfile, memProfile  string
}

func (o *peerOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.spec, "spec", "", "the workload as JSON, instead of the flags below")
	f.StringVar(&o.endpoint, "endpoint", "http://127.0.0.1:20020", "the null server")
	f.StringVar(&o.ca, "ca", "", "its authority, for TLS")
	f.StringVar(&o.dir, "dir", sharedMemory()+"/haul-bench", "folder for files")
	f.BoolVar(&o.up, "up", false, "upload")
	f.BoolVar(&o.file, "file", false, "from or to files")
	f.BoolVar(&o.verify, "verify", false, "compare what arrives")
	f.BoolVar(&o.pipe, "pipe", false, "haul reads from a pipe, or writes to one; with --up, --file makes what is read")
	f.BoolVar(&o.directIO, "direct-io", false, "haul writes files past the page cache")
	f.BoolVar(&o.durable, "durable", false, "haul syncs files before they count as done")
	o.size, o.partSize = 2<<30, 8<<20
	f.Var(&o.size, "size", "size of an object")
	f.Var(&o.partSize, "part-size", "size of parts")
	f.IntVar(&o.objects, "objects", 1, "number of objects")
	f.IntVar(&o.concurrency, "concurrency", 16, "connections")
	f.StringVar(&o.cpuProfile, "cpuprofile", "", "write a profile of the processor time")
	f.StringVar(&o.memProfile, "memprofile", "", "write a profile of all allocations")
}

func (o *peerOptions) workload() (w workload.Spec, err error) {
	if o.spec != "" {
		return w, json.Unmarshal([]byte(o.spec), &w)
	}
	w = workload.Spec{
		Up: o.up, File: o.file, Objects: o.objects, Size: int64(o.size), PartSize: int64(o.partSize),
		Concurrency: o.concurrency, Endpoint: o.endpoint, CA: o.ca, Dir: o.dir, Verify: o.verify,
		DirectIO: o.directIO, Durable: o.durable, Pipe: o.pipe,
	}
	return w, w.Prepare()
}

func peerCommand() *cobra.Command {
	var o peerOptions
	cmd := &cobra.Command{
		Use:   "peer NAME",
		Short: "Let one client do one workload, and print what it took as JSON",
		Args:  cobra.ExactArgs(1),
		RunE:  func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	o.flags(cmd.Flags())
	return cmd
}

func floorCommand() *cobra.Command {
	var o peerOptions
	cmd := &cobra.Command{
		Use:   "floor",
		Short: "Do one workload with bare sockets, and print what it took as JSON",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return o.run(cmd, "floor") },
	}
	o.flags(cmd.Flags())
	return cmd
}

func (o *peerOptions) run(cmd *cobra.Command, name string) (err error) {
	p, err := peers.ByName(name)
	if err != nil {
		return err
	}
	w, err := o.workload()
	if err != nil {
		return err
	}
	stop, err := o.profile()
	if err != nil {
		return err
	}
	usage, err := p.InProcess(cmd.Context(), &w)
	if err := errors.Join(err, stop()); err != nil {
		return err
	}
	return json.NewEncoder(cmd.OutOrStdout()).Encode(usage)
}

// profile begins the profiles that were asked for; stop writes them.
func (o *peerOptions) profile() (stop func() error, err error) {
	if o.memProfile != "" {
		runtime.MemProfileRate = 4 << 10
	}
	var cpu *os.File
	if o.cpuProfile != "" {
		if cpu, err = os.Create(o.cpuProfile); err != nil {
			return nil, err
		}
		if err := pprof.StartCPUProfile(cpu); err != nil {
			return nil, err
		}
	}
	return func() error {
		if cpu != nil {
			pprof.StopCPUProfile()
			if err := cpu.Close(); err != nil {
				return err
			}
		}
		if o.memProfile == "" {
			return nil
		}
		f, err := os.Create(o.memProfile)
		if err != nil {
			return err
		}
		if err := errors.Join(pprof.Lookup("allocs").WriteTo(f, 0), f.Close()); err != nil {
			return fmt.Errorf("%s: %w", o.memProfile, err)
		}
		return nil
	}, nil
}
