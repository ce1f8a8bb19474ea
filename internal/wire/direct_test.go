package wire_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/haul-s3/haul/internal/wire"
)

// noted is an exchange that notes what it is asked for.
type noted struct {
	hosts  []string
	closed int
}

func (n *noted) Do(_ context.Context, r *wire.Request) (*wire.Response, error) {
	n.hosts = append(n.hosts, r.Host)
	return &wire.Response{Status: 200}, nil
}

func (n *noted) CloseIdle() { n.closed++ }

func TestByProxy(t *testing.T) {
	var direct, proxied noted
	asked := 0
	b := wire.NewByProxy(&direct, &proxied, func(r *http.Request) (*url.URL, error) {
		asked++
		switch {
		case r.URL.Host == "bad":
			return nil, errors.New("no such proxy")
		case r.URL.Scheme == "https":
			return url.Parse("http://proxy:3128")
		}
		return nil, nil
	})
	for range 2 {
		for _, r := range []*wire.Request{{Scheme: "http", Host: "a"}, {Scheme: "https", Host: "b"}, {Scheme: "http", Host: "bad"}} {
			if resp, err := b.Do(t.Context(), r); err != nil || resp.Status != 200 {
				t.Errorf("got %v, %v, want 200", resp, err)
			}
		}
	}
	if want := []string{"a", "a"}; !slices.Equal(direct.hosts, want) {
		t.Errorf("directly: got %v, want %v", direct.hosts, want)
	}
	if want := []string{"b", "bad", "b", "bad"}; !slices.Equal(proxied.hosts, want) {
		t.Errorf("by proxy: got %v, want %v", proxied.hosts, want)
	}
	if asked != 3 {
		t.Errorf("asked for a proxy %d times, want 3: once for each host", asked)
	}
	for i := range 3 * wire.HostsMax {
		if _, err := b.Do(t.Context(), &wire.Request{Scheme: "http", Host: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	b.CloseIdle()
	if direct.closed != 1 || proxied.closed != 1 {
		t.Errorf("closed %d and %d times, want both once", direct.closed, proxied.closed)
	}
}
