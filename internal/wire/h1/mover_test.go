package h1_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/internal/wire"
	"github.com/haul-s3/haul/internal/wire/h1"
)

// movedBody counts how often it is told that bytes have moved.
type movedBody struct {
	io.Reader
	moved int
}

func (b *movedBody) Moved() { b.moved++ }

// TestMoved tells of a body's bytes while the network takes them one by one, as
// often as the exchange looks for an answer.
func TestMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 4 << 10
		c, peer := net.Pipe()
		var reading sync.WaitGroup
		defer reading.Wait()
		reading.Go(func() {
			defer peer.Close()
			for one := make([]byte, 1); ; time.Sleep(10 * time.Millisecond) { // some 40 s
				if _, err := peer.Read(one); err != nil {
					return
				}
			}
		})
		client := newClient(t, h1.Config{Dial: func(context.Context, string, string) (net.Conn, error) { return c, nil }})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		b := &movedBody{Reader: bytes.NewReader(make([]byte, size))}
		_, err := client.Do(ctx, &wire.Request{Method: "PUT", Scheme: "http", Host: "s3.test", Path: "/b/k", Body: b, ContentLength: size})
		if err == nil || b.moved < 100 {
			t.Errorf("told %d times in 30 s that bytes have moved, %v; want some four times a second", b.moved, err)
		}
	})
}
