//go:build linux

package nulls3

import (
	"io"
	"syscall"

	"github.com/haul-s3/haul/bench/pattern"
)

// send sends n bytes of the content from off on.
func (c *conn) send(off, n int64) error {
	for n > 0 {
		run := c.outPace.piece(min(n, pattern.Window-off%pattern.Window))
		var err error
		if c.tls == nil {
			run, err = c.sendfile(off%pattern.Window, run)
		} else {
			_, err = c.tls.Write(pattern.At(off, run))
		}
		if err != nil {
			return err
		}
		c.outPace.wait(run)
		c.s.stats.bytesOut.Add(run)
		off, n = off+run, n-run
	}
	if c.tls != nil {
		return c.buf.Flush()
	}
	return nil
}

// sendfile sends up to n bytes of the window, without touching them.
func (c *conn) sendfile(off, n int64) (sent int64, err error) {
	werr := c.raw.Write(func(fd uintptr) bool {
		pos, m := off, 0
		m, err = syscall.Sendfile(int(fd), int(c.s.window.Fd()), &pos, int(n))
		sent = int64(max(m, 0))
		return err != syscall.EAGAIN && err != syscall.EINTR
	})
	if werr != nil {
		return 0, werr
	}
	if err == nil && sent == 0 {
		err = io.ErrUnexpectedEOF
	}
	return sent, err
}
