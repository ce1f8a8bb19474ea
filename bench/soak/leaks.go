//go:build linux

package soak

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"time"
)

// counts is what a process holds.
type counts struct {
	goroutines, descriptors int
	heap                    uint64 // live bytes
}

func count() counts {
	c := counts{goroutines: runtime.NumGoroutine()}
	if entries, err := os.ReadDir("/proc/self/fd"); err == nil {
		c.descriptors = len(entries)
	}
	runtime.GC()
	runtime.GC() // what pools keep goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	c.heap = m.HeapAlloc
	return c
}

// more says that something is held that wasn't before. Memory that a finalizer or
// a timer still speaks of goes a moment later than the transfer.
func (c counts) more(before counts) bool {
	return c.goroutines > before.goroutines || c.descriptors > before.descriptors || c.heap > before.heap+heapSlack
}

// limitMemory sets Go's soft limit, until back is called.
func limitMemory(n int64) (back func()) {
	old := debug.SetMemoryLimit(n)
	return func() { debug.SetMemoryLimit(old) }
}

// samples is how often the live memory is measured during a soak. heapSlack is by
// how much more of it counts as none: it depends on which transfers are at work.
// In less than trendTime a quarter is so few transfers that their sizes decide
// what it holds; then only what is left in the end is judged.
const (
	samples   = 40
	heapSlack = 16 << 20
	trendTime = 2 * time.Minute
)

// watch measures the live memory now and then, for the means of the second and
// the last quarter of the time.
func (s *soak) watch(ctx context.Context) {
	tick := time.NewTicker(s.o.For / samples)
	defer tick.Stop()
	var heaps []uint64
	for ctx.Err() == nil {
		select {
		case <-tick.C:
			heaps = append(heaps, count().heap)
		case <-ctx.Done():
		}
	}
	quarter := len(heaps) / 4
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.HeapEarly, s.report.HeapLate = mean(heaps[quarter:2*quarter]), mean(heaps[3*quarter:])
}

func mean(values []uint64) (m uint64) {
	for _, v := range values {
		m += v / uint64(len(values))
	}
	return m
}

// settle counts what is left when everything has ended.
func (s *soak) settle(ctx context.Context, before counts) error {
	last, err := s.server.stats()
	if err != nil {
		return err
	}
	s.report.faults = last.Faults
	if left := len(last.Uploads) - s.report.Admitted; left > 0 {
		s.leaks("uploads", fmt.Sprintf("%d uploads are open and no error says so: %s", left, strings.Join(last.Uploads, ", ")))
	}
	s.server.http.CloseIdleConnections()
	after := count()
	patience := time.After(20 * time.Second)
	for tick := time.Tick(10 * time.Millisecond); after.more(before); after = count() {
		select {
		case <-tick:
			continue
		case <-ctx.Done():
		case <-patience:
		}
		break
	}
	s.compare(before, after)
	return nil
}

func (s *soak) compare(before, after counts) {
	s.report.HeapEnd, s.report.PeakRSS = after.heap, peakRSS()
	if after.goroutines > before.goroutines {
		s.leaks("goroutines", fmt.Sprintf("%d goroutines, %d at the beginning", after.goroutines, before.goroutines))
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1) // to find them
	}
	if after.descriptors > before.descriptors {
		s.leaks("descriptors", fmt.Sprintf("%d descriptors, %d at the beginning", after.descriptors, before.descriptors))
	}
	early, late := s.report.HeapEarly, s.report.HeapLate
	grew := s.o.For >= trendTime && late > early+early/2+heapSlack
	if grew || after.heap > before.heap+heapSlack {
		s.leaks("memory", fmt.Sprintf("%d live bytes in the second quarter, %d in the last, %d at the end, %d at the beginning", early, late, after.heap, before.heap))
	}
}

func (s *soak) leaks(what, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaksLocked(what, text)
}

func (s *soak) leaksLocked(what, text string) {
	s.report.Leaks = append(s.report.Leaks, what+": "+text)
	s.log("LEAK %s: %s", what, text)
}
