package s3fake_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/haul-s3/haul/internal/s3fake"
	"github.com/haul-s3/haul/internal/testbody"
)

func TestParseRange(t *testing.T) {
	for _, x := range []struct {
		header string
		size   int64
		want   string
	}{
		{"bytes=0-0", 10, "0+1"},
		{"bytes=2-5", 10, "2+4"},
		{"bytes=2-", 10, "2+8"},
		{"bytes=2-99", 10, "2+8"},
		{"bytes=-3", 10, "7+3"},
		{"bytes=-99", 10, "0+10"},
		{"bytes=10-", 10, "InvalidRange"},
		{"bytes=-0", 10, "InvalidRange"},
		{"bytes=0-", 0, "InvalidRange"},
		{"bytes=-1", 0, "InvalidRange"},
		{"bytes=5-2", 10, "ignored"},
		{"bytes=-", 10, "ignored"},
		{"bytes=a-b", 10, "ignored"},
		{"bytes=0-1,3-4", 10, "ignored"},
		{"bytes=+1-2", 10, "ignored"},
		{"lines=0-1", 10, "ignored"},
		{"bytes=99999999999999999999-", 10, "ignored"},
	} {
		off, n, ok, err := s3fake.ParseRange(x.header, x.size)
		got := fmt.Sprintf("%d+%d", off, n)
		if err != nil {
			got = s3fake.ErrorCode(err)
		} else if !ok {
			got = "ignored"
		}
		if got != x.want {
			t.Errorf("%s of %d: got %s, want %s", x.header, x.size, got, x.want)
		}
	}
}

func FuzzParseRange(f *testing.F) {
	for _, s := range []string{"bytes=0-0", "bytes=2-", "bytes=-3", "bytes=5-2", "bytes=0-1,3-4", "lines=1-2", "bytes=99999999999999999999-"} {
		f.Add(s, int64(10))
	}
	f.Fuzz(func(t *testing.T, header string, size int64) {
		size &= 1<<62 - 1
		if off, n, ok, err := s3fake.ParseRange(header, size); err == nil && ok && (off < 0 || n <= 0 || off > size-n) {
			t.Errorf("range %q of %d: got %d+%d", header, size, off, n)
		}
		if off, n, err := s3fake.ParseCopyRange(header, size); err == nil && (off < 0 || n <= 0 || off > size-n) {
			t.Errorf("copy range %q of %d: got %d+%d", header, size, off, n)
		}
	})
}

func FuzzParseCopySource(f *testing.F) {
	for _, s := range []string{"b/k", "/b/k", "b/k%3Fx?versionId=v1", "b//k", "b/", "?versionId="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		bucket, key, version, err := s3fake.ParseCopySource(value)
		if err == nil && (bucket == "" || key == "" || strings.Contains(bucket, "/")) {
			t.Errorf("%q: got %q, %q, %q", value, bucket, key, version)
		}
	})
}

// TestCombine compares the CRC of a whole with that made from two halves.
func TestCombine(t *testing.T) {
	body := testbody.Bytes(5, 3000)
	for _, a := range []s3fake.Algorithm{s3fake.CRC32, s3fake.CRC32C, s3fake.CRC64NVME} {
		for _, cut := range []int{0, 1, 7, 1024, 2999, 3000} {
			got := a.Combine(a.Sum(body[:cut]), a.Sum(body[cut:]), int64(len(body)-cut))
			if want := a.Sum(body); !bytes.Equal(got, want) {
				t.Errorf("%s cut at %d: got %x, want %x", a, cut, got, want)
			}
		}
	}
}
