package main

import "time"

// meter measures a rate over the last seconds. It belongs to one goroutine.
type meter struct {
	samples []sample // the oldest first, meterWindow long in time
}

type sample struct {
	at    time.Time
	total int64 // bytes so far
}

// meterWindow is the time over which the rate is averaged: long enough to be
// read, short enough to show that something changed.
const meterWindow = 5 * time.Second

// add notes how many bytes there are by now.
func (m *meter) add(now time.Time, total int64) {
	m.samples = append(m.samples, sample{now, total})
	for len(m.samples) > 2 && now.Sub(m.samples[1].at) >= meterWindow {
		m.samples = m.samples[1:]
	}
}

// perSecond is the rate in bytes per second, 0 while it isn't known.
func (m *meter) perSecond() float64 {
	if len(m.samples) < 2 {
		return 0
	}
	first, last := m.samples[0], m.samples[len(m.samples)-1]
	seconds := last.at.Sub(first.at).Seconds()
	if seconds <= 0 || last.total <= first.total {
		return 0
	}
	return float64(last.total-first.total) / seconds
}
