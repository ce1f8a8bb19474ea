package h1_test

import (
	"io"
	"os"
	"testing"

	"github.com/haul-s3/haul/internal/wire/h1"
)

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// However exchanges end, no descriptor is left behind.
func TestDescriptors(t *testing.T) {
	schemes(t, func(t *testing.T, scheme string, certificate, trust *tlsConfig) {
		for _, handle := range []func(p *peer){
			answers(ok), answers(denied), func(p *peer) { p.head(); p.say(denied) }, func(p *peer) { p.reset() },
			func(p *peer) { p.head(); p.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort") }, func(*peer) {},
		} {
			t.Run("", func(t *testing.T) {
				before := descriptors(t)
				t.Run("exchanges", func(t *testing.T) {
					s := serve(t, certificate, handle)
					client := newClient(t, h1.Config{TLS: trust})
					for range 20 {
						r := put(s.host, zeros{}, 1<<20)
						r.Scheme = scheme
						if resp, err := client.Do(t.Context(), r); err == nil {
							_, _ = io.CopyN(io.Discard, resp.Body, 1)
							_ = resp.Body.Close()
						}
					}
				})
				if after := descriptors(t); after != before {
					t.Errorf("got %d descriptors, %d before", after, before)
				}
			})
		}
	})
}
