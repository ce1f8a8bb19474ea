package checksum_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/haul-s3/haul/internal/checksum"
)

func TestFormatCRC(t *testing.T) {
	tests := []struct {
		algorithm checksum.Algorithm
		sum       uint64
		want      string
	}{
		{checksum.CRC32, 0xcbf43926, "y/Q5Jg=="},
		{checksum.CRC32C, 0xe3069283, "4waSgw=="},
		{checksum.CRC64NVME, 0xae8b14860a799888, "rosUhgp5mIg="},
		{checksum.SHA1, 1, ""},
	}
	for _, test := range tests {
		if got := checksum.FormatCRC(test.algorithm, test.sum); got != test.want {
			t.Errorf("%s: got %q, want %q", test.algorithm, got, test.want)
		}
		raw := checksum.AppendCRC(nil, test.algorithm, test.sum)
		if got, ok := checksum.CRCValue(test.algorithm, raw); ok && got != test.sum {
			t.Errorf("%s: got back %#x, want %#x", test.algorithm, got, test.sum)
		}
	}
	if _, ok := checksum.CRCValue(checksum.CRC32, make([]byte, 8)); ok {
		t.Error("eight bytes of a CRC32: got a value, want none")
	}
}

func TestCompositeIsDigestOfDigests(t *testing.T) {
	for _, a := range checksum.Algorithms() {
		first, second := reference(a), reference(a)
		first.Write([]byte("first part"))
		second.Write([]byte("second"))
		digests := [][]byte{first.Sum(nil), second.Sum(nil)}
		whole := reference(a)
		whole.Write(bytes.Join(digests, nil))
		raw := checksum.Composite(a, digests)
		if want := whole.Sum(nil); !bytes.Equal(raw, want) {
			t.Errorf("%s: got %x, want %x", a, raw, want)
		}
		text := checksum.FormatComposite(raw, 2)
		got, parts, err := checksum.ParseValue(a, text)
		if err != nil || parts != 2 || !bytes.Equal(got, raw) {
			t.Errorf("%s: %q read as %x of %d parts, %v, want %x of 2", a, text, got, parts, err, raw)
		}
	}
}

func TestParseValueRefuses(t *testing.T) {
	tests := map[string]struct {
		algorithm checksum.Algorithm
		text      string
	}{
		"empty":            {checksum.CRC32, ""},
		"no-algorithm":     {checksum.None, "y/Q5Jg=="},
		"not-base64":       {checksum.CRC32, "y/Q5J!=="},
		"too-short":        {checksum.CRC64NVME, "y/Q5Jg=="},
		"too-long":         {checksum.CRC32, "rosUhgp5mIg="},
		"unpadded":         {checksum.CRC32, "y/Q5Jg"},
		"loose-bits":       {checksum.CRC32, "y/Q5Jh=="},
		"line-break":       {checksum.CRC32, "y/Q5\nJg=="},
		"no-parts":         {checksum.CRC32, "y/Q5Jg==-"},
		"zero-parts":       {checksum.CRC32, "y/Q5Jg==-0"},
		"signed-parts":     {checksum.CRC32, "y/Q5Jg==-+1"},
		"negative-parts":   {checksum.CRC32, "y/Q5Jg==--1"},
		"leading-zero":     {checksum.CRC32, "y/Q5Jg==-01"},
		"too-many-parts":   {checksum.CRC32, "y/Q5Jg==-10001"},
		"text-behind":      {checksum.CRC32, "y/Q5Jg==-1-2"},
		"space":            {checksum.CRC32, " y/Q5Jg=="},
		"hyphen-only":      {checksum.CRC32, "-1"},
		"url-safe-variant": {checksum.CRC32, "y_Q5Jg=="},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			raw, parts, err := checksum.ParseValue(test.algorithm, test.text)
			if err == nil {
				t.Errorf("%q: got %x of %d parts, want an error", test.text, raw, parts)
			}
		})
	}
	_, _, err := checksum.ParseValue(checksum.SHA1, "abc")
	if err == nil || !strings.Contains(err.Error(), "SHA1") || !strings.Contains(err.Error(), `"abc"`) {
		t.Errorf("error %v, want it to name SHA1 and \"abc\"", err)
	}
}

func FuzzParseValue(f *testing.F) {
	f.Add("CRC32", "y/Q5Jg==")
	f.Add("CRC64NVME", "rosUhgp5mIg=-3")
	f.Add("SHA1", "2jmj7l5rSw0yVb/vlWAYkK/YBwk=-10000")
	f.Add("MD5", "-")
	f.Add("", "AAAA")
	f.Fuzz(func(t *testing.T, name, text string) {
		a, err := checksum.Parse(name)
		if err != nil {
			return
		}
		raw, parts, err := checksum.ParseValue(a, text)
		if err != nil {
			return
		}
		want := base64.StdEncoding.EncodeToString(raw)
		if parts > 0 {
			want = checksum.FormatComposite(raw, parts)
		}
		if want != text || len(raw) != a.Size() {
			t.Errorf("%s %q: read as %x, written as %q", a, text, raw, want)
		}
	})
}
