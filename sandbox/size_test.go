package main

import "testing"

func TestByteSize(t *testing.T) {
	cases := []struct {
		text string
		want int64 // -1: refused
		back string
	}{
		{"0", 0, "0 B"},
		{"4096", 4096, "4 KiB"},
		{"1GiB", 1 << 30, "1 GiB"},
		{"1.5 MiB", 3 << 19, "1.5 MiB"},
		{"10MB", 10_000_000, "9.5 MiB"},
		{"2kB", 2000, "2 KiB"},
		{"7B", 7, "7 B"},
		{"", -1, ""}, {"GiB", -1, ""}, {"-1", -1, ""}, {"1.5B", -1, ""}, {"NaN", -1, ""}, {"Inf", -1, ""}, {"9e30TiB", -1, ""}, {"1 GiB x", -1, ""},
	}
	for _, c := range cases {
		got := byteSize(-1)
		err := got.Set(c.text)
		if int64(got) != c.want || (err == nil) != (c.want >= 0) {
			t.Errorf("%q: got %d and error %v, want %d", c.text, got, err, c.want)
		}
		if err == nil && got.String() != c.back {
			t.Errorf("%q written back: got %q, want %q", c.text, got.String(), c.back)
		}
	}
}

func FuzzByteSize(f *testing.F) {
	for _, seed := range []string{"0", "1GiB", "1.5 MiB", "10MB", "7B", "-1", "NaN", "1e18", "9e30TiB", "0x10p4KiB"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s byteSize
		if err := s.Set(text); err == nil && s < 0 {
			t.Errorf("%q: got the negative size %d", text, s)
		}
		if s.String() == "" {
			t.Errorf("%q: got an empty text for %d", text, s)
		}
	})
}
