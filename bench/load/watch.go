//go:build linux

package load

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/haul-s3/haul/engine"
)

// Sample is how far a load was at a time.
type Sample struct {
	At       time.Duration // since the begin
	Bytes    int64         // moved so far
	Requests int64         // sent so far
	Lanes    int
	Busy     int           // lanes that carry something
	Idle     time.Duration // of all processors of the machine together, since its start
}

// watcher takes samples.
type watcher struct {
	every   time.Duration
	samples []Sample
	threads int // the most that were seen
}

// start begins, if samples are wanted; stop ends it and waits for that.
func (w *watcher) start(c *engine.Client) (stop func()) {
	if w.every == 0 {
		return func() {}
	}
	end := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { w.watchLoop(c, end) })
	return sync.OnceFunc(func() { close(end); wg.Wait() })
}

func (w *watcher) watchLoop(c *engine.Client, end <-chan struct{}) {
	began := time.Now()
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for {
		s := c.Stats()
		w.samples = append(w.samples, Sample{
			At: time.Since(began), Bytes: s.BytesSent + s.BytesReceived, Requests: s.Requests,
			Lanes: s.Lanes, Busy: s.LanesBusy, Idle: idle(),
		})
		w.threads = max(w.threads, threads())
		select {
		case <-tick.C:
		case <-end:
			return
		}
	}
}

// idle is how long the processors had nothing to do, from the fourth and fifth
// figure of /proc/stat, which are hundredths of a second (proc_stat(5)).
func idle() time.Duration {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	fields := strings.Fields(string(line))
	if len(fields) < 6 {
		return 0
	}
	idle, _ := strconv.ParseInt(fields[4], 10, 64)
	wait, _ := strconv.ParseInt(fields[5], 10, 64)
	return time.Duration(idle+wait) * 10 * time.Millisecond
}

// threads is how many threads this process has.
func threads() (n int) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(text, []byte("Threads:"))
	_, _ = fmt.Sscan(string(rest), &n) // 0 if it isn't told
	return n
}
