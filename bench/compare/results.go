//go:build linux

package compare

import (
	"context"
	"fmt"
	"strings"
)

// Page is the results as a Markdown page.
func (r *Results) Page(ctx context.Context) string {
	o := r.options
	var b strings.Builder
	fmt.Fprintf(&b, `# Results

**Loopback figures: no network card, no S3.** Clients and a null server share one machine's processors, so a
throughput here says what a client leaves of the processors to the server, not what it would reach on a network.
CPU is the client's alone. Reproduce with

    %s

%s
## What was done

* One large object of %d MiB in parts of %d MiB, or %d objects of %d KiB; %d connections for every client that lets
  one choose, except that the Common Runtime derives its number from a target of 10 Gbit/s.
* %d rounds, in turn (A B C, A B C …); every figure is a median. CPU is user and system time of the client's process.
  Clients in Go measure it around the work, in a process of their own; of programs, what they take for an object of one
  byte is taken off, wall and CPU; they move a quarter of the large object and a tenth of the small ones.
* Files are on %s. In memory, the source is one slice and the target takes positioned writes and drops them; the
  resident memory is without the source.
* Checks are on: every client was first made to move small versions of all workloads while each byte was compared, and
  haul's downloads fail here if they are not validated against the object's CRC64NVME. The clients have their own
  defaults else: the AWS SDK and minio-go hash a body with SHA-256 over plain HTTP and not over TLS, and the SDK's
  ranged downloads, minio-go's and the programs' compare no checksum of the whole object.
* "floor" does the same work with bare sockets: no signatures, no retries, no XML, but the CRC64NVME of every byte.
  "best peer" is, for each column by itself, the best of all clients that are not haul.

`, o.Command, Machine(ctx), o.Size>>20, o.PartSize>>20, o.Objects, o.ObjectSize>>10, o.Concurrency, o.Rounds, fileSystem(o))
	b.WriteString("## The clients\n\n")
	for _, p := range o.peers() {
		fmt.Fprintf(&b, "* %s: %s; %s\n", p.Name, p.About, p.Version(ctx))
	}
	if len(r.skipped) > 0 {
		b.WriteString("\nLeft out:\n\n")
		for _, s := range r.skipped {
			fmt.Fprintf(&b, "* %s\n", s)
		}
	}
	b.WriteString("\n## The table\n")
	b.WriteString(r.Table())
	return b.String()
}

// Table is the results alone.
func (r *Results) Table() string {
	var b strings.Builder
	for _, block := range r.blocks {
		fmt.Fprintf(&b, "\n### %s, %s\n\n%s", block.cell.name(), block.transport, block.table(r.options.PartSize))
	}
	return b.String()
}
