package s3fault

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	answerBufferBytes = 32 << 10
	blankEvery        = 100 * time.Millisecond // between the blanks of Fault.SpaceBefore
	// arriveTime is how long bytes get to arrive before a reset, which discards what the client hasn't read.
	arriveTime = 20 * time.Millisecond
)

// answer is a response on its way back to the client. It belongs to the request's goroutine.
type answer struct {
	w       http.ResponseWriter
	rc      *http.ResponseController
	ctx     context.Context
	f       *Fault
	sent    int64 // body bytes
	started time.Time
	stalled bool // the stall is over
	reset   bool // how to break the connection, if send says so
}

// send passes a response on, broken as the fault says. setStatus is called before the client sees the status. It
// returns false when the connection is to be broken now.
func (a *answer) send(resp *http.Response, setStatus func(int)) bool {
	h := a.w.Header()
	for name, values := range resp.Header {
		h[name] = values
	}
	for name, value := range a.f.SetHeader {
		if h.Set(name, value); value == "" {
			h.Del(name)
		}
	}
	if a.f.SpaceBefore > 0 {
		h.Del("Content-Length")
	}
	setStatus(resp.StatusCode)
	a.w.WriteHeader(resp.StatusCode)
	if !a.blanks() {
		return false
	}
	a.started = time.Now()
	src := &flipper{r: resp.Body, at: a.f.FlipRsp}
	buf := make([]byte, answerBufferBytes)
	for {
		n, err := src.Read(buf[:a.readMax()])
		if n > 0 && !a.write(buf[:n]) {
			return false
		}
		if err != nil {
			a.reset = !errors.Is(err, io.EOF)
			return !a.reset
		}
	}
}

// blanks keeps the client waiting as Complete and Copy do.
func (a *answer) blanks() bool {
	for left := a.f.SpaceBefore; left > 0; left -= blankEvery {
		if _, err := io.WriteString(a.w, " "); err != nil {
			return false
		}
		a.rc.Flush()
		if !wait(a.ctx, min(left, blankEvery)) {
			return false
		}
	}
	return true
}

// stop is the byte behind which the connection is to be broken, 0 for none.
func (a *answer) stop() int64 { return max(a.f.ResetRsp, a.f.CutRsp) }

// readMax is how much to read next, so that what is to happen at a byte happens there.
func (a *answer) readMax() int64 {
	n := int64(answerBufferBytes)
	if stop := a.stop(); stop > 0 {
		n = min(n, stop-a.sent)
	}
	if a.f.StallRsp > 0 && !a.stalled {
		n = min(n, a.f.StallRsp-a.sent)
	}
	return n
}

// write sends a piece of the body, and then does what is due at its end. False: break the connection.
func (a *answer) write(piece []byte) bool {
	if _, err := a.w.Write(piece); err != nil {
		return false
	}
	a.sent += int64(len(piece))
	if a.f.RspRate > 0 {
		a.rc.Flush()
		due := time.Duration(float64(a.sent) / float64(a.f.RspRate) * float64(time.Second))
		if !wait(a.ctx, due-time.Since(a.started)) {
			return false
		}
	}
	if a.f.StallRsp > 0 && !a.stalled && a.sent >= a.f.StallRsp {
		a.stalled = true
		a.rc.Flush()
		if !wait(a.ctx, a.f.StallFor) {
			return false
		}
	}
	if stop := a.stop(); stop > 0 && a.sent >= stop {
		a.rc.Flush()
		if a.reset = a.f.ResetRsp > 0; a.reset {
			wait(a.ctx, arriveTime)
		}
		return false
	}
	return true
}

// wait waits, and returns false if the client went away meanwhile.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// flipper flips a bit of one byte of what is read through it.
type flipper struct {
	r   io.Reader
	at  int64 // the byte, from 1; 0: none
	off int64
}

func (f *flipper) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if i := f.at - 1 - f.off; f.at > 0 && i >= 0 && i < int64(n) {
		p[i] ^= 0x10
	}
	f.off += int64(n)
	return n, err
}
