package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestProgressText(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct {
		name         string
		moved, total int64
		known        bool
		perSecond    float64
		want         string
	}{
		{"start", 0, 0, false, 0, " 0 B"},
		{"listing", mib, 4 * mib, false, mib, " 1.0 MiB of 4.0 MiB or more, 1.0 MiB/s"},
		{"listed", mib, 4 * mib, true, mib, " 1.0 MiB of 4.0 MiB, 1.0 MiB/s, 3s left"},
		{"stream", mib, 0, false, mib, " 1.0 MiB, 1.0 MiB/s"},
		{"stalled", mib, 4 * mib, true, 0, " 1.0 MiB of 4.0 MiB"},
		{"done", mib, mib, true, mib, " 1.0 MiB of 1.0 MiB, 1.0 MiB/s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := progressText(tt.moved, tt.total, tt.known, tt.perSecond); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestMeterForgets(t *testing.T) {
	var m meter
	start := time.Unix(0, 0)
	for s := range 60 {
		m.add(start.Add(time.Duration(s)*time.Second), min(int64(s), 30)*100)
		switch got := m.perSecond(); {
		case s == 0 && got != 0:
			t.Errorf("at the start: got %v bytes/s, want 0", got)
		case s > 0 && s <= 30 && got != 100:
			t.Errorf("after %d s: got %v bytes/s, want 100", s, got)
		case s > 35 && got != 0:
			t.Errorf("after %d s, %d of them without a byte: got %v bytes/s, want 0", s, s-30, got)
		}
	}
	if len(m.samples) > 7 {
		t.Errorf("samples kept: got %d, want those of %v", len(m.samples), meterWindow)
	}
}

func TestBarIsDrawn(t *testing.T) {
	var out bytes.Buffer // mpb writes it until stop has returned
	p := newProgress(&out, true)
	p.expect(2 << 20)
	p.complete()
	p.OnProgress(nil, 1<<20)
	if _, err := p.Write([]byte("a line\n")); err != nil {
		t.Fatal(err)
	}
	p.stop()
	if _, err := p.Write([]byte("the end\n")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a line\n", "1.0 MiB of 2.0 MiB", "the end\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("drawn: got %q, want %q in it", out.String(), want)
		}
	}
}
