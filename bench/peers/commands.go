//go:build linux

package peers

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/haul-s3/haul/bench/workload"
)

// found remembers which program there is.
type found struct {
	once          sync.Once
	path, version string
}

func (f *found) find(ctx context.Context, want string, paths []string, args ...string) (string, string) {
	f.once.Do(func() { f.path, f.version = versioned(ctx, want, paths, args...) })
	return f.path, f.version
}

var foundAWS, foundRclone found

func findAWS(ctx context.Context) (string, string) {
	return foundAWS.find(ctx, "aws-cli/2", []string{"aws", "/usr/bin/aws", "/usr/local/bin/aws"}, "--version")
}

// awsClassic is `aws s3` with Python's s3transfer.
var awsClassic = program{
	find: findAWS, not: "aws-cli 2 is not installed (Debian: awscli)", ports: true, configEnv: "AWS_CONFIG_FILE",
	command: func(w *workload.Spec) (args, env []string, config string) {
		args, env = awsCommand(w)
		return args, env, fmt.Sprintf("[default]\ns3 =\n  preferred_transfer_client = default\n  multipart_threshold = %d\n  multipart_chunksize = %[1]d\n  max_concurrent_requests = %d\n",
			w.PartSize, w.Concurrency)
	},
}

// awsCRT is `aws s3` with the Common Runtime. Its number of connections follows
// from the target bandwidth.
var awsCRT = program{
	find: findAWS, not: "aws-cli 2 is not installed (Debian: awscli)", configEnv: "AWS_CONFIG_FILE",
	command: func(w *workload.Spec) (args, env []string, config string) {
		args, env = awsCommand(w)
		return args, env, fmt.Sprintf("[default]\ns3 =\n  preferred_transfer_client = crt\n  target_bandwidth = 10Gb/s\n  multipart_threshold = %d\n  multipart_chunksize = %[1]d\n", w.PartSize)
	},
}

func awsCommand(w *workload.Spec) (args, env []string) {
	if w.TLS() {
		env = []string{"AWS_CA_BUNDLE=" + w.CA}
	}
	remote, local := "s3://"+workload.Bucket+"/"+w.Prefix(), w.Targets()
	if w.Up {
		local = w.Sources()
	}
	args = []string{"s3", "cp", "--only-show-errors", "--endpoint-url", w.Endpoint}
	if w.Objects == 1 {
		remote, local = "s3://"+workload.Bucket+"/"+w.Key(0), w.Path(0)
	} else {
		args = append(args, "--recursive")
	}
	if w.Up {
		return append(args, local, remote), env
	}
	return append(args, remote, local), env
}

// rclone is `rclone copy`.
var rclone = program{
	find: func(ctx context.Context) (string, string) {
		return foundRclone.find(ctx, "rclone v", []string{"rclone"}, "version")
	},
	not: "rclone is not installed (Debian: rclone)", ports: true, configEnv: "RCLONE_CONFIG",
	command: func(w *workload.Spec) (args, env []string, config string) {
		config = fmt.Sprintf("[bench]\ntype = s3\nprovider = Other\nenv_auth = true\nregion = %s\nendpoint = %s\nforce_path_style = true\nno_check_bucket = true\nchunk_size = %dB\nupload_cutoff = %[3]dB\nupload_concurrency = %d\n",
			region, w.Endpoint, w.PartSize, w.Concurrency)
		remote, local := "bench:"+workload.Bucket+"/"+w.Prefix(), w.Targets()
		args = []string{"copy", "--transfers", strconv.Itoa(w.Concurrency), "--checkers", strconv.Itoa(w.Concurrency),
			"--multi-thread-streams", strconv.Itoa(w.Concurrency), "--multi-thread-cutoff", strconv.FormatInt(w.PartSize, 10) + "B", "--ignore-times"}
		if w.TLS() {
			args = append(args, "--ca-cert", w.CA)
		}
		if w.Up {
			return append(args, w.Sources(), remote), nil, config
		}
		return append(args, remote, local), nil, config
	},
}
