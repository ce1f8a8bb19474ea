package wire

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// patience is how long a failed write waits for an answer that is there already.
const patience = time.Second

// patient makes a dial function's connections patient ones.
func patient(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &patientConn{Conn: conn, ended: make(chan struct{})}, nil
	}
}

// patientConn keeps an early answer from being lost. A server that refuses a
// request may answer before it has read the body, and close: the next write
// fails, while the answer lies in the receive buffer. net/http drops it if it
// sees the failed write first. So a failed write is told only once reading has
// come to its end as well, which by then is near, or the connection is closed.
type patientConn struct {
	net.Conn
	once  sync.Once
	ended chan struct{} // closed by end
}

func (c *patientConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.end()
	}
	return n, err
}

func (c *patientConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		c.wait()
	}
	return n, err
}

// wait waits until nothing more can be read.
func (c *patientConn) wait() {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case <-c.ended:
	case <-limit.C:
	}
}

func (c *patientConn) Close() error {
	c.end()
	return c.Conn.Close()
}

func (c *patientConn) end() { c.once.Do(func() { close(c.ended) }) }
