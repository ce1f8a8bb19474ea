//go:build linux

// Package soak lets haul work for long against a server that fails in every way
// it knows, cancels transfers at random, and compares every object that was
// reported done. In the end nothing may be left: no goroutine, no descriptor, no
// temporary file, no open upload, no memory.
//
// The server and the faults in front of it are in a child process, so that what
// is counted is the client's own.
package soak

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/serialize"
)

// Options say how long to go on, and with what.
type Options struct {
	For     time.Duration
	Workers int    // transfers at once
	Seed    uint64 // decides transfers, faults and cancels, though not their timing
	Dir     string // for files; a folder is made in it
	// Starved takes away what a small machine doesn't have: see Limits.
	Starved bool
	// Log is told what goes wrong, as it happens. Nil: nobody is.
	Log func(format string, args ...any)
}

const (
	bucket       = "soak"
	classicEvery = 4 // one worker in so many is on the classic driver

	starvedDescriptors = 256
	starvedMemory      = 64 << 20
)

// Limits are what a starved client has, in words. Nothing keeps the process
// itself below a number of bytes: what the soak compares with is in it too.
func Limits() []string {
	return []string{
		fmt.Sprintf("%d file descriptors", starvedDescriptors),
		fmt.Sprintf("%d MiB for what haul buffers (MemoryLimit, of the engine and of the classic driver each)", starvedMemory>>20),
		fmt.Sprintf("%d MiB as Go's soft memory limit of the process, in which the soak's own bodies count too", starvedMemory>>20),
		fmt.Sprintf("a wait of up to %v before a file is opened, and before each read or write at an offset and each sync", seek),
	}
}

// Run soaks for as long as the options say and returns what it came to. The
// error is for what kept it from working; mismatches and leaks are in the
// Report.
func Run(ctx context.Context, o Options) (*Report, error) {
	server, err := start(o.Seed)
	if err != nil {
		return nil, err
	}
	defer server.close()
	dir, err := os.MkdirTemp(o.Dir, "soak")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s := &soak{o: o, server: server, dir: dir, report: &Report{Options: o, faults: map[string]int{}}}
	if o.Starved {
		giveBack, err := starve()
		if err != nil {
			return nil, err
		}
		defer giveBack()
	}
	if err := s.work(ctx); err != nil {
		return nil, err
	}
	return s.report, nil
}

// soak is one run.
type soak struct {
	o      Options // immutable
	server *server
	dir    string

	mu     sync.Mutex
	report *Report // guarded by mu while workers run
}

// starve takes descriptors away from this process, until giveBack is called.
func starve() (giveBack func(), err error) {
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		return nil, err
	}
	few := old
	few.Cur = min(old.Max, starvedDescriptors)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		return nil, err
	}
	back := limitMemory(starvedMemory)
	return func() {
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old) // as it was
		back()
	}, nil
}

// work makes the Managers, lets the workers work and ends it all.
func (s *soak) work(ctx context.Context) error {
	before := count()
	client, err := engine.New(s.engineOptions())
	if err != nil {
		return err
	}
	sdk := s.server.client(true)
	fast, err := haul.NewManager(client, serialize.New(sdk), s.managerOptions)
	if err != nil {
		return err
	}
	classic, err := haul.NewClassic(sdk, s.managerOptions, s.classicOptions)
	if err != nil {
		return err
	}
	began := time.Now()
	s.runWorkers(ctx, fast, classic)
	s.report.Took = time.Since(began)
	ctx = context.WithoutCancel(ctx)
	if err := errors.Join(fast.Shutdown(ctx), classic.Shutdown(ctx), client.Close(ctx)); err != nil {
		return err
	}
	if stats := client.Stats(); stats.MemoryInUse != 0 || stats.LanesBusy != 0 {
		s.leaks("lanes and buffers", fmt.Sprintf("%d lanes and %d bytes are in use", stats.LanesBusy, stats.MemoryInUse))
	}
	return s.settle(ctx, before)
}

func (s *soak) engineOptions() engine.Options {
	o := engine.Options{MaxConnections: 64}
	if s.o.Starved {
		o.MaxConnections, o.MemoryLimit = 0, starvedMemory
	}
	return o
}

// managerOptions make haul impatient, so that stalls cost little time.
func (s *soak) managerOptions(o *haul.Options) {
	o.PartSize, o.MultipartThreshold = partSize, partSize
	o.BackoffBase, o.BackoffThrottle, o.BackoffMax = 5*time.Millisecond, 10*time.Millisecond, 200*time.Millisecond
	o.StallTimeout, o.AnswerTimeout, o.SlowAnswerTimeout = stallLimit, 3*stallLimit, 3*stallLimit
	o.Logger = slog.New(slog.DiscardHandler) // that a resume begins afresh is no news here
	if s.o.Starved {
		o.FS = slowDisk{}
	}
}

// classicOptions are for what the engine's options say otherwise.
func (s *soak) classicOptions(o *haul.Options) {
	if s.o.Starved {
		o.MemoryLimit = starvedMemory
	}
}

// stallLimit is what the server's stalls are longer than.
const stallLimit = time.Second

func (s *soak) runWorkers(ctx context.Context, fast, classic *haul.Manager) {
	ctx, cancel := context.WithTimeout(ctx, s.o.For)
	defer cancel()
	var workers sync.WaitGroup
	for i := range s.o.Workers {
		w := &worker{soak: s, number: i, manager: fast, rnd: rand.New(rand.NewPCG(s.o.Seed, uint64(i))), objects: map[string]content{}}
		if i%classicEvery == classicEvery-1 {
			w.manager, w.classic = classic, true
		}
		workers.Go(func() { w.loop(ctx) })
	}
	workers.Go(func() { s.watch(ctx) })
	workers.Wait()
}

// client is an SDK client of the server, with or without the faults.
func (c *server) client(faulty bool) *s3.Client {
	endpoint := c.Clean
	if faulty {
		endpoint = c.Faulty
	}
	return s3.New(s3.Options{
		BaseEndpoint: &endpoint, UsePathStyle: true, Region: "us-east-1", RetryMaxAttempts: 4,
		HTTPClient: c.http,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret"}, nil
		}),
	})
}
