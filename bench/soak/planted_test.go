//go:build linux

package soak

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/haul-s3/haul"
	"github.com/haul-s3/haul/internal/testbody"
)

// newPlanted is a worker beside a store that has this, and nothing else.
func newPlanted(t *testing.T, status int, body []byte) *worker {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write(body) // what is missing is a mismatch
	}))
	t.Cleanup(web.Close)
	s := &soak{server: &server{http: web.Client()}, dir: t.TempDir(), report: &Report{faults: map[string]int{}}}
	s.server.Clean = web.URL
	w := &worker{soak: s, objects: map[string]content{}}
	if err := os.Mkdir(w.path(""), 0o700); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestPlantedMismatch gives the soak's comparison right and wrong bytes, of an
// upload and of a download that were both reported done.
func TestPlantedMismatch(t *testing.T) {
	c := content{seed: 7, size: 1000}
	right := testbody.Bytes(c.seed, int(c.size))
	flipped := testbody.Bytes(c.seed, int(c.size))
	flipped[999] ^= 1
	for name, x := range map[string]struct {
		status int
		body   []byte
		want   int
	}{
		"right":     {http.StatusOK, right, 0},
		"flipped":   {http.StatusOK, flipped, 1},
		"short":     {http.StatusOK, right[:999], 1},
		"other":     {http.StatusOK, testbody.Bytes(8, int(c.size)), 1},
		"forgotten": {http.StatusNotFound, nil, 1},
	} {
		w := newPlanted(t, x.status, x.body)
		w.stored("upload", "k", c, &haul.Result{Size: c.size}, nil)
		if got := w.report.Mismatches; got != x.want || w.report.Good() != (x.want == 0) {
			t.Errorf("%s, uploaded: got %d mismatches, good %v, want %d", name, got, w.report.Good(), x.want)
		}
		w = newPlanted(t, x.status, x.body)
		w.objects["k"] = c
		w.fetched("download", "k", &haul.Result{Size: c.size}, nil, func() ([]byte, error) { return x.body, nil })
		if got := w.report.Mismatches; got != x.want || w.report.Good() != (x.want == 0) {
			t.Errorf("%s, downloaded: got %d mismatches, good %v, want %d", name, got, w.report.Good(), x.want)
		}
	}
}

// TestPlantedLeak gives the soak's bookkeeping one of each thing too much.
func TestPlantedLeak(t *testing.T) {
	before := counts{goroutines: 10, descriptors: 10, heap: 1 << 20}
	for what, after := range map[string]counts{
		"":            before,
		"goroutines":  {11, 10, 1 << 20},
		"descriptors": {10, 11, 1 << 20},
		"memory":      {10, 10, 2<<20 + heapSlack},
	} {
		w := newPlanted(t, http.StatusOK, nil)
		w.compare(before, after)
		wantLeak(t, w, what)
	}
	w := newPlanted(t, http.StatusOK, nil)
	w.wantNoFiles()
	wantLeak(t, w, "")
	if err := os.WriteFile(w.path("left"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.wantNoFiles()
	wantLeak(t, w, "files")
}

// wantLeak wants one leak of a kind, none if it is "".
func wantLeak(t *testing.T, w *worker, what string) {
	t.Helper()
	got := w.report.Leaks
	if len(got) > 1 || w.report.Good() != (what == "") || what != "" && (len(got) == 0 || !strings.HasPrefix(got[0], what)) {
		t.Errorf("leaks: got %q, good %v, want one of %q", got, w.report.Good(), what)
	}
}
