//go:build linux

package compare

import (
	"context"
	"fmt"

	"github.com/haul-s3/haul/bench/nulls3"
)

// How much is moved for the proof: enough for parts to change places.
const (
	proofParts   = 9
	proofObjects = 100
)

// prove lets every client do a small version of every workload while each byte
// is compared: by the server what is put, by the client what is fetched. So no
// figure is that of a client which loses or scrambles bytes.
func (r *Results) prove(ctx context.Context, transport string) error {
	server, err := r.server(nulls3.Config{TLS: transport == "tls", Check: true})
	if err != nil {
		return err
	}
	defer server.Close()
	for _, c := range r.options.cells() {
		c.spec.Endpoint, c.spec.CA, c.spec.Verify = server.Endpoints[0], server.CA, true
		c.spec.Objects = min(c.spec.Objects, proofObjects)
		c.spec.Size = min(c.spec.Size, proofParts*c.spec.PartSize+1)
		for _, p := range r.options.peers() {
			if p.Missing(ctx, &c.spec) != "" {
				continue
			}
			before, err := server.Stats(ctx)
			if err != nil {
				return err
			}
			if _, err := r.measure(ctx, server, p, &c.spec); err != nil {
				return fmt.Errorf("%s: %s: %w", c.name(), p.Name, err)
			}
			after, err := server.Stats(ctx)
			if err != nil {
				return err
			}
			if err := proven(after.Since(before), c); err != nil {
				return fmt.Errorf("%s: %s: %w", c.name(), p.Name, err)
			}
		}
		r.options.Log("%s over %s: every byte of every client is right", c.name(), transport)
	}
	return nil
}

func proven(s nulls3.Stats, c *cell) error {
	switch {
	case s.Mismatches > 0:
		return fmt.Errorf("%d bodies were not what their checksum or the pattern says", s.Mismatches)
	case c.spec.Up && s.Verified != int64(c.spec.Objects):
		return fmt.Errorf("%d objects arrived, want %d", s.Verified, c.spec.Objects)
	}
	return nil
}
