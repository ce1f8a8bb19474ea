//go:build linux

// Package peers are the S3 clients that are compared: haul's two, others that
// are Go packages, and programs. Those in Go are run by a child of the benchmark
// itself, which measures its own work; programs are measured from outside.
package peers

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/haul-s3/haul/bench/floor"
	"github.com/haul-s3/haul/bench/workload"
)

// Peer is one client.
type Peer struct {
	// Name stands in tables and on the command line.
	Name string
	// Ours says that it is haul, or the floor: not among the peers that haul is
	// compared with.
	Ours bool
	// About is what a reader of the results should know of it.
	About string
	// module is the Go module whose version is reported.
	module string
	// run does a workload in this process; nil for programs.
	run func(ctx context.Context, w *workload.Spec) error
	// program does it by a program of its own; nil for Go clients.
	program *program
}

// All are the clients, in the order in which they take turns.
var All = []Peer{
	{Name: "floor", Ours: true, About: "bare sockets doing the same work, unsigned, without S3's protocol", run: floor.Run},
	{Name: "haul", Ours: true, About: "haul.New, its own engine", run: runHaul},
	{Name: "haul-classic", Ours: true, About: "haul.NewClassic on the SDK's client", run: runClassic},
	{Name: "transfermanager", About: "feature/s3/transfermanager of the AWS SDK for Go v2", module: modulePrefix + "feature/s3/transfermanager", run: runTransferManager},
	{Name: "manager", About: "feature/s3/manager of the AWS SDK for Go v2", module: modulePrefix + "feature/s3/manager", run: runManager},
	{Name: "minio-go", About: "reads a large object with a single request", module: "github.com/minio/minio-go/v7", run: runMinio},
	{Name: "aws-classic", About: "`aws s3 cp`, preferred_transfer_client = default: Python's s3transfer", program: &awsClassic},
	{Name: "aws-crt", About: "`aws s3 cp`, preferred_transfer_client = crt: the AWS Common Runtime", program: &awsCRT},
	{Name: "rclone", About: "`rclone copy`", program: &rclone},
}

const modulePrefix = "github.com/aws/aws-sdk-go-v2/"

// ByName finds a client.
func ByName(name string) (*Peer, error) {
	for i := range All {
		if All[i].Name == name {
			return &All[i], nil
		}
	}
	return nil, fmt.Errorf("no client is named %q", name)
}

// InProcess does a workload in this process and measures it.
func (p *Peer) InProcess(ctx context.Context, w *workload.Spec) (workload.Usage, error) {
	if p.run == nil {
		return workload.Usage{}, fmt.Errorf("%s is a program of its own", p.Name)
	}
	if err := w.Warm(); err != nil {
		return workload.Usage{}, err
	}
	u, err := workload.Measure(func() error { return p.run(ctx, w) })
	if err == nil && w.Verify && w.File && !w.Up {
		err = w.VerifyFiles()
	}
	return u, err
}

// Version says which version of the client is compared.
func (p *Peer) Version(ctx context.Context) string {
	if p.program != nil {
		return p.program.version(ctx)
	}
	info, _ := debug.ReadBuildInfo()
	for _, d := range info.Deps {
		if d.Path == p.module {
			return d.Version
		}
	}
	return "this tree"
}

// Missing says why a workload can't be done by the client; "" if it can.
func (p *Peer) Missing(ctx context.Context, w *workload.Spec) string {
	if p.program == nil {
		return ""
	}
	return p.program.missing(ctx, w)
}
