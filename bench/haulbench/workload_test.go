package haulbench_test

import (
	"errors"
	"testing"

	"github.com/haul-s3/haul/bench/haulbench"
)

func TestParse(t *testing.T) {
	const head = `{"version":2,"filesOnDisk":true,"checksum":null,`
	for name, c := range map[string]struct {
		text        string
		ok          bool
		unsupported bool
	}{
		"usual":            {head + `"tasks":[{"action":"download","key":"download/5GiB-1x/1","size":5368709120}]}`, true, false},
		"other version":    {`{"version":3,"tasks":[{"action":"upload","key":"k"}]}`, false, true},
		"other checksum":   {`{"version":2,"checksum":"MD4","tasks":[{"action":"upload","key":"k"}]}`, false, true},
		"other action":     {`{"version":2,"tasks":[{"action":"copy","key":"k"}]}`, false, true},
		"no tasks":         {head + `"tasks":[]}`, false, false},
		"key leaves":       {head + `"tasks":[{"action":"upload","key":"../k"}]}`, false, false},
		"negative size":    {head + `"tasks":[{"action":"upload","key":"k","size":-1}]}`, false, false},
		"no repetition":    {head + `"maxRepeatCount":0,"tasks":[{"action":"upload","key":"k"}]}`, false, false},
		"not JSON":         {`{`, false, false},
		"key of no path":   {`{"version":2,"filesOnDisk":false,"tasks":[{"action":"upload","key":"/k"}]}`, true, false},
		"known checksum":   {`{"version":2,"checksum":"SHA256","tasks":[{"action":"upload","key":"k"}]}`, true, false},
		"unknown is extra": {`{"version":2,"extra":1,"tasks":[{"action":"upload","key":"k"}]}`, true, false},
	} {
		w, err := haulbench.Parse([]byte(c.text))
		if (err == nil) != c.ok || errors.Is(err, haulbench.ErrUnsupported) != c.unsupported {
			t.Errorf("%s: got %v, want success %v, not supported %v", name, err, c.ok, c.unsupported)
		}
		if err == nil && (w.MaxRepeatCount != 10 || w.MaxRepeatSecs != 600) {
			t.Errorf("%s: got %d runs in %v s, want the suite's defaults", name, w.MaxRepeatCount, w.MaxRepeatSecs)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"version":2,"filesOnDisk":true,"tasks":[{"action":"upload","key":"a","size":1}]}`))
	f.Add([]byte(`{"version":2,"maxRepeatSecs":1e308,"tasks":[{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		w, err := haulbench.Parse(text)
		if err == nil && len(w.Tasks) == 0 {
			t.Error("a workload without tasks was taken")
		}
	})
}
