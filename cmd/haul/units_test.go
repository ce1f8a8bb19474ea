package main

import (
	"strings"
	"testing"
)

func TestByteSize(t *testing.T) {
	for _, tt := range []struct {
		text string
		want int64
	}{
		{"1", 1}, {"4096", 4096}, {"4096B", 4096}, {"8MiB", 8 << 20}, {"8mib", 8 << 20}, {"8M", 8 << 20}, {"8m", 8 << 20},
		{"8MB", 8e6}, {"8 MB", 8e6}, {"8kB", 8e3}, {"1.5GiB", 3 << 29}, {"1T", 1 << 40}, {"2Ti", 2 << 40},
	} {
		var got byteSize
		if err := got.Set(tt.text); err != nil || int64(got) != tt.want {
			t.Errorf("size %q: got %d, %v, want %d", tt.text, got, err, tt.want)
		}
	}
}

func TestByteRate(t *testing.T) {
	for _, tt := range []struct {
		text string
		want int64
	}{
		{"1000", 1000}, {"50MB/s", 50e6}, {"50MB", 50e6}, {"50MBps", 50e6}, {"100MiB/s", 100 << 20}, {"100M", 100 << 20},
		{"10Gbps", 1.25e9}, {"10Gb/s", 1.25e9}, {"10gbps", 1.25e9}, {"10 Gbit/s", 1.25e9}, {"0.4Gbps", 5e7}, {"100kbps", 12500},
	} {
		var got byteRate
		if err := got.Set(tt.text); err != nil || int64(got) != tt.want {
			t.Errorf("rate %q: got %d, %v, want %d", tt.text, got, err, tt.want)
		}
	}
}

func TestUnitsRefuse(t *testing.T) {
	for _, text := range []string{"", "x", "-1", "0", "0MB", "1.5", "1.2.3MB", "8Mo", "8MiBB", "9E", "99999999TiB", "1bps", "NaN", "Inf"} {
		if new(byteSize).Set(text) == nil {
			t.Errorf("size %q: got no error, want one", text)
		}
		if err := new(byteRate).Set(text); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("rate %q: got error %v, want one that names it", text, err)
		}
	}
}

func TestFormatBytes(t *testing.T) {
	for _, tt := range []struct {
		n    int64
		want string
	}{{0, "0 B"}, {1023, "1023 B"}, {1024, "1.0 KiB"}, {1536, "1.5 KiB"}, {1<<20 - 1, "1.0 MiB"}, {5 << 30, "5.0 GiB"}, {1<<63 - 1, "8.0 EiB"}} {
		if got := formatBytes(tt.n); got != tt.want {
			t.Errorf("%d bytes: got %q, want %q", tt.n, got, tt.want)
		}
	}
}

// FuzzUnits holds that what is taken is positive.
func FuzzUnits(f *testing.F) {
	for _, seed := range []string{"8MiB", "8M", "50MB/s", "10Gbps", "1e9", "0x10", "١MB", "5.5 Gbit/s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var size byteSize
		if size.Set(text) == nil && size < 1 {
			t.Errorf("size %q: got %d, want at least 1", text, size)
		}
		var rate byteRate
		if rate.Set(text) == nil && rate < 1 {
			t.Errorf("rate %q: got %d, want at least 1", text, rate)
		}
	})
}
