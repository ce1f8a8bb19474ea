//go:build linux

package compare

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/haul-s3/haul/bench/nulls3"
	"github.com/haul-s3/haul/bench/page"
	"github.com/haul-s3/haul/bench/peers"
	"github.com/haul-s3/haul/bench/workload"
)

// Programs are slow, and their figures are given by the GB or the object: so
// they move one in so many of the bytes and of the objects.
const (
	programSizeShare    = 4
	programObjectsShare = 10
)

// Results are what a comparison came to.
type Results struct {
	options *Options
	blocks  []*block
	skipped []string // who, and why, each once
}

// block is what a workload took over one transport.
type block struct {
	cell      *cell
	transport string
	rows      []*row
}

// row is one client's samples.
type row struct {
	peer    *peers.Peer
	samples []sample
}

// sample is one run: in all, and by how many objects of which size.
type sample struct {
	workload.Usage
	requests, connections int64
	objects               int
	size                  int64
}

// Run compares. With an error, the results are those of the blocks that were
// finished before, or nil. The program must call nulls3.MaybeServe first of all, and have a
// command "peer NAME SPEC" that calls RunPeer.
func Run(ctx context.Context, o Options) (*Results, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(o.Dir, "haul-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	o.Dir = dir
	r := &Results{options: &o}
	for _, transport := range o.Transports {
		if err := r.over(ctx, transport); err != nil {
			return r, err
		}
	}
	return r, nil
}

// over does all workloads over one transport.
func (r *Results) over(ctx context.Context, transport string) error {
	if err := r.prove(ctx, transport); err != nil {
		return fmt.Errorf("proof: %w", err)
	}
	server, err := r.server(nulls3.Config{TLS: transport == "tls"})
	if err != nil {
		return err
	}
	defer server.Close()
	for _, c := range r.options.cells() {
		b := &block{cell: c, transport: transport}
		c.spec.Endpoint, c.spec.CA = server.Endpoints[0], server.CA
		if err := r.rounds(ctx, server, b); err != nil {
			return fmt.Errorf("%s over %s: %w", c.name(), transport, err)
		}
		r.blocks = append(r.blocks, b)
		if err := os.RemoveAll(c.spec.Sources()); err != nil {
			return err
		}
	}
	return nil
}

// server starts the null server: on the scheme's own port if that can be had,
// for the sake of a client that knows no other.
func (r *Results) server(c nulls3.Config) (*nulls3.Child, error) {
	c.Addr = "127.0.0.1:80"
	if c.TLS {
		c.Addr = "127.0.0.1:443"
	}
	if len(r.options.Peers) == 0 || slices.Contains(r.options.Peers, "aws-crt") {
		if s, err := nulls3.Start(c, r.options.Dir); err == nil {
			return s, nil
		}
	}
	c.Addr = ""
	return nulls3.Start(c, r.options.Dir)
}

// rounds lets the clients take turns: A B C, A B C.
func (r *Results) rounds(ctx context.Context, server *nulls3.Child, b *block) error {
	starts := map[*row]workload.Usage{}
	for _, p := range r.options.peers() {
		w := specFor(p, b.cell.spec)
		if why := p.Missing(ctx, &w); why != "" {
			r.skip(p, b, why)
			continue
		}
		row := &row{peer: p}
		b.rows = append(b.rows, row)
		if p.IsProgram() {
			start, err := r.startUp(ctx, p, w)
			if err != nil {
				return err
			}
			starts[row] = start
		}
	}
	for round := range r.options.Rounds {
		for _, row := range b.rows {
			w := specFor(row.peer, b.cell.spec)
			s, err := r.measure(ctx, server, row.peer, &w)
			if err != nil && !row.peer.Ours && ctx.Err() == nil {
				r.skip(row.peer, b, fmt.Sprintf("round %d of %s, %s failed: %v", round+1, b.cell.name(), b.transport, err))
				continue
			}
			if err != nil {
				return fmt.Errorf("%s: %w", row.peer.Name, err)
			}
			s.takeOff(starts[row])
			row.samples = append(row.samples, s)
			r.options.Log("%s over %s, round %d: %s: %v, %v of CPU", b.cell.name(), b.transport, round+1, row.peer.Name,
				s.Wall.Round(time.Millisecond), s.CPU.Round(time.Millisecond))
		}
	}
	b.rows = slices.DeleteFunc(b.rows, func(r *row) bool { return len(r.samples) == 0 })
	return nil
}

// specFor is the workload as a client does it.
func specFor(p *peers.Peer, w workload.Spec) workload.Spec {
	switch {
	case !p.IsProgram():
	case w.Objects > programObjectsShare:
		w.Objects /= programObjectsShare
	case w.Size/programSizeShare > w.PartSize:
		w.Size /= programSizeShare
	}
	return w
}

// takeOff takes off what a program takes to start. Where little is moved that is
// nearly all, and then less than nothing would be left in one round or another:
// a tenth always stays.
func (s *sample) takeOff(start workload.Usage) {
	s.Wall = max(s.Wall-start.Wall, s.Wall/10)
	s.CPU = max(s.CPU-start.CPU, s.CPU/10)
}

// startUp measures what a program takes for next to nothing. It is taken off.
func (r *Results) startUp(ctx context.Context, p *peers.Peer, w workload.Spec) (workload.Usage, error) {
	w.Objects, w.Size = 1, 1
	var wall, cpu []time.Duration
	for range 3 {
		if err := w.Prepare(); err != nil {
			return workload.Usage{}, err
		}
		u, err := p.Run(ctx, &w)
		if err != nil {
			return u, err
		}
		wall, cpu = append(wall, u.Wall), append(cpu, u.CPU)
	}
	return workload.Usage{Wall: page.Median(wall), CPU: page.Median(cpu)}, nil
}

func (r *Results) skip(p *peers.Peer, b *block, why string) {
	r.options.Log("%s over %s: left out: %s: %s", b.cell.name(), b.transport, p.Name, why)
	if note := p.Name + ": " + why; !slices.Contains(r.skipped, note) {
		r.skipped = append(r.skipped, note)
	}
}

// measure lets one client do a workload once.
func (r *Results) measure(ctx context.Context, server *nulls3.Child, p *peers.Peer, w *workload.Spec) (s sample, err error) {
	if err := w.Prepare(); err != nil {
		return s, err
	}
	before, err := server.Stats(ctx)
	if err != nil {
		return s, err
	}
	s.objects, s.size = w.Objects, w.Size
	if p.IsProgram() {
		s.Usage, err = p.Run(ctx, w)
	} else {
		s.Usage, err = inChild(ctx, p, w)
	}
	if err != nil {
		return s, err
	}
	after, err := server.Stats(ctx)
	if err != nil {
		return s, err
	}
	counted := after.Since(before)
	s.requests, s.connections = counted.Requests, counted.Connections
	want := int64(w.Objects) * w.Size
	if moved := max(counted.BytesIn, counted.BytesOut); moved < want {
		err = fmt.Errorf("the server counted %d bytes, want at least %d", moved, want)
	}
	return s, err
}

// childEnv marks a child of the benchmark, for programs whose main function is
// not the benchmark's.
const childEnv = "HAUL_BENCH_CHILD"

// IsChild says whether this process was started to be a client.
func IsChild() bool { return os.Getenv(childEnv) != "" }

// inChild lets a client in Go do a workload in a process of its own.
func inChild(ctx context.Context, p *peers.Peer, w *workload.Spec) (u workload.Usage, err error) {
	self, err := os.Executable()
	if err != nil {
		return u, err
	}
	spec, err := json.Marshal(w)
	if err != nil {
		return u, err
	}
	cmd := exec.CommandContext(ctx, self, "peer", p.Name, "--spec", string(spec))
	cmd.Env = append(os.Environ(), childEnv+"=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return u, errors.Join(err, errors.New(strings.TrimSpace(stderr.String())))
	}
	return u, json.Unmarshal(out, &u)
}
