package driver_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/haul-s3/haul/internal/checksum"
	"github.com/haul-s3/haul/internal/driver"
)

func TestKindNames(t *testing.T) {
	for kind, want := range map[driver.Kind]string{driver.Upload: "Upload", driver.Download: "Download", driver.Copy: "Copy", driver.Delete: "Delete"} {
		if got := kind.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestLimitsDefaults(t *testing.T) {
	want := driver.Limits{Stall: 10 * time.Second, FirstByte: 30 * time.Second, SlowAnswer: 15 * time.Minute, Abort: 5 * time.Second}
	if got := (driver.Limits{}).WithDefaults(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	given := driver.Limits{Stall: 1, FirstByte: 2, SlowAnswer: 3, Abort: 4}
	if got := given.WithDefaults(); got != given {
		t.Errorf("got %+v, want %+v", got, given)
	}
	one := driver.Limits{Stall: 1}
	want.Stall = 1
	if got := one.WithDefaults(); got != want || one != (driver.Limits{Stall: 1}) {
		t.Errorf("got %+v, want %+v and the original as it was", got, want)
	}
}

// Each error says what it knows and lets its cause be found.
func TestErrors(t *testing.T) {
	cause := io.ErrUnexpectedEOF
	for name, tc := range map[string]struct {
		err   error
		says  []string
		cause error
	}{
		"failure":         {&driver.Failure{UploadID: "u", Part: 3, Err: cause}, []string{"unexpected EOF"}, cause},
		"modified":        {&driver.ObjectModifiedError{Bucket: "b", Key: "k", ETag: `"e"`, Err: cause}, []string{`"k"`, `"b"`, `"e"`, "modified"}, cause},
		"checksum":        {&driver.ChecksumError{Algorithm: checksum.CRC64NVME, Want: "aa==", Got: "bb=="}, []string{"CRC64NVME", "want aa==", "got bb=="}, nil},
		"retries":         {&driver.RetriesExceededError{Attempts: 6, Elapsed: 1500 * time.Millisecond, Last: cause}, []string{"6 attempts", "1.5s", "unexpected EOF"}, cause},
		"short":           {&driver.ShortBodyError{Want: 10, Got: 3}, []string{"3 of 10"}, nil},
		"short-and-cause": {&driver.ShortBodyError{Want: 10, Got: 3, Err: cause}, []string{"3 of 10", "unexpected EOF"}, cause},
	} {
		for _, part := range tc.says {
			if !strings.Contains(tc.err.Error(), part) {
				t.Errorf("%s: got %q, want it to say %q", name, tc.err, part)
			}
		}
		if got := errors.Unwrap(tc.err); got != tc.cause {
			t.Errorf("%s: got cause %v, want %v", name, got, tc.cause)
		}
	}
}
