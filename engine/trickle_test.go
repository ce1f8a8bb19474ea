package engine_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/haul-s3/haul/engine"
	"github.com/haul-s3/haul/internal/body"
)

// pipes is a listener whose connections are in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{} // closed by Close
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// dial makes a connection to the listener.
func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	c, s := net.Pipe()
	p.conns <- trickle{s}
	return c, nil
}

// trickle is a connection that is read at 8 KiB a second.
type trickle struct {
	net.Conn
}

func (t trickle) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p[:min(len(p), 4<<10)])
	<-time.After(time.Duration(n) * time.Second / (8 << 10))
	return n, err
}

// TestTrickle uploads so slowly that a slice takes three times as long as an
// attempt may make no progress.
func TestTrickle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newBubble(t, engine.Options{})
		network := &pipes{make(chan net.Conn), make(chan struct{})}
		server := &http.Server{Handler: w.server}
		go func() { _ = server.Serve(network) }() // it ends with Close
		defer server.Close()
		w.client.DialBy(network.dial)
		data := content(600 << 10)
		out, err := w.driver.Transfer(t.Context(), uploadJob("k", body.FromBytes(data)), &events{})
		if err != nil || out.ExtraRequests != 0 {
			t.Fatalf("got %+v, %v; want one attempt", out, err)
		}
		if o, _ := w.server.Object("b", "k"); o == nil || !bytes.Equal(o.Data, data) {
			t.Error("the store has something else")
		}
		if err := w.client.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
