package haul_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/haul-s3/haul"
)

func TestBadOptionsAreReportedTogether(t *testing.T) {
	_, err := haul.NewClassic(nil, func(o *haul.Options) {
		o.PartSize, o.MultipartThreshold, o.Concurrency, o.MaxQueued = -1, 5<<30+1, -2, -3
		o.MaxBandwidth, o.MemoryLimit, o.MaxAttempts = -4, -5, -6
		o.BackoffBase, o.BackoffThrottle, o.BackoffMax = -1, -1, -1
		o.StallTimeout, o.AnswerTimeout, o.SlowAnswerTimeout, o.AbortTimeout = -time.Second, -1, -1, -1
		o.ChecksumAlgorithm, o.ChecksumPlace = "CRC17", 9
	})
	if err == nil {
		t.Fatal("got nil, want an error")
	}
	for _, want := range []string{"PartSize is -1", "MultipartThreshold is 5368709121", "Concurrency is -2", "MaxQueued is -3",
		"MaxBandwidth is -4", "MemoryLimit is -5", "MaxAttempts is -6", "BackoffBase", "BackoffThrottle", "BackoffMax",
		"StallTimeout is -1s", "AnswerTimeout", "SlowAnswerTimeout", "AbortTimeout", `"CRC17"`, "ChecksumPlace is 9"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error: got %q, want %q in it", err, want)
		}
	}
}

func TestChecksumTypes(t *testing.T) {
	cases := map[string]struct {
		algorithm types.ChecksumAlgorithm
		typ       types.ChecksumType
		want      string // the job's type; empty: an error
	}{
		"default":             {"", "", "FULL_OBJECT"},
		"crc":                 {"CRC32", "", "FULL_OBJECT"},
		"crc-composite":       {"CRC32C", "COMPOSITE", "COMPOSITE"},
		"digest":              {"SHA1", "", "COMPOSITE"},
		"digest-composite":    {"SHA256", "COMPOSITE", "COMPOSITE"},
		"digest-full":         {"SHA256", "FULL_OBJECT", ""},
		"crc64-composite":     {"CRC64NVME", "COMPOSITE", ""},
		"default-composite":   {"", "COMPOSITE", ""},
		"unknown":             {"CRC32", "HALF_OBJECT", ""},
		"lower-case-is-known": {"crc32c", "", "FULL_OBJECT"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := &fakeDriver{parallel: 1}
			m, err := haul.NewOnDriver(d, func(o *haul.Options) { o.ChecksumAlgorithm, o.ChecksumType = c.algorithm, c.typ })
			if (err != nil) != (c.want == "") {
				t.Fatalf("options: got error %v, want one: %v", err, c.want == "")
			}
			if err != nil {
				return
			}
			defer shutdown(t, m)
			f, err := m.Upload(t.Context(), haul.FromBytes(nil), put())
			if j := job(t, d, f, err); j.Checksum.Type != c.want || j.Checksum.Chosen != (c.algorithm != "") {
				t.Errorf("checksum: got %+v, want type %s", j.Checksum, c.want)
			}
		})
	}
}

func TestSmallPartsAreForDownloadsOnly(t *testing.T) {
	m := newManager(t, &fakeDriver{}, func(o *haul.Options) { o.PartSize = 1 << 20 })
	defer shutdown(t, m)
	if _, err := haul.Wait(m.Download(t.Context(), get(), haul.ToWriterAt(discardAt{}))); err != nil {
		t.Errorf("Download: got %v, want success", err)
	}
	if _, err := m.Upload(t.Context(), haul.FromBytes(nil), put()); err == nil || !strings.Contains(err.Error(), "5 MiB") {
		t.Errorf("Upload: got %v, want an error that names 5 MiB", err)
	}
}

type discardAt struct{}

func (discardAt) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
